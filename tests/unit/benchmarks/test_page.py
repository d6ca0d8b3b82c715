"""The page of figures: what a run replaces, and what it leaves as it was."""

from __future__ import annotations

import pytest

from benchmarks import page
from benchmarks.results import Results, Row


def results(
    *rows: tuple[str, str, float], slow: bool = False, quick: bool = False, statements: bool = False
) -> Results:
    return Results(
        quick=quick,
        rounds=5,
        machine={
            "processor": "a processor",
            "cores": "2",
            "memory": "24 GB",
            "system": "Linux",
            "Python": "CPython 3.11",
            "date": "2030-01-02",
        },
        server={"version": "18.4"},
        load_before=0.1,
        settings={row[1]: f"the settings of {row[1]}" for row in rows},
        rows=[Row(name, contender, [{"per_second": value, "statements": 0.5}]) for name, contender, value in rows],
        slow_flush=slow,
        statements=statements,
    )


def blocks(text: str) -> dict[str, str]:
    parts = page._BLOCK.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


FIRST = page.merge(
    "",
    results(
        ("sequence", "durable", 4000), ("sequence", "dbos", 400), ("backlog", "durable", 9000), ("backlog", "dbos", 300)
    ),
)


def test_a_run_replaces_what_it_measured_and_leaves_the_rest() -> None:
    before = blocks(FIRST)
    assert list(before) == ["targets", "W1 sequence", "W2 backlog", "settings"]
    after = blocks(page.merge(FIRST, results(("sequence", "durable", 5000), ("sequence", "dbos", 500))))
    assert after["W2 backlog"] == before["W2 backlog"]
    assert "| 5,000 |" in after["W1 sequence"]
    assert "4,000" not in after["W1 sequence"]
    assert "2030-01-02; medians of 5 rounds; load of the machine before: 0.1" in after["W1 sequence"]
    assert "| W2 against DBOS | 50x | 30x | not reached" in after["targets"]
    assert "| W1 against DBOS | 8x | 10x | reached |" in after["targets"]


@pytest.mark.parametrize(
    ("run", "added"),
    [
        (results(("sequence", "durable", 900), ("sequence", "dbos", 90), slow=True), "W1 sequence, slow flush"),
        (results(("sequence", "durable", 3000), ("sequence", "absurd", 900)), "W1 sequence, others"),
        (results(("soak", "durable_long", 900)), "W10 soak"),
        (results(("sequence", "durable", 9), ("sequence", "dbos", 1), statements=True), "statements"),
    ],
)
def test_other_kinds_of_runs_stand_beside(run: Results, added: str) -> None:
    before, after = blocks(FIRST), blocks(page.merge(FIRST, run))
    assert set(after) == {*before, added}
    for name in ("W1 sequence", "W2 backlog", "targets"):
        assert after[name].strip() == before[name].strip()
    assert page.merge(page.merge(FIRST, run), run) == page.merge(FIRST, run)
    assert "the settings of dbos" in after["settings"]


def test_a_quick_run_changes_no_target() -> None:
    quick = results(("sequence", "durable", 1), ("sequence", "dbos", 1), quick=True)
    after = blocks(page.merge(FIRST, quick))
    assert after["targets"] == blocks(FIRST)["targets"]
    assert "A quick run" in after["W1 sequence"]


def test_the_page_as_it_is_can_be_written_again() -> None:
    text = page.PAGE.read_text()
    _before, begin, rest = text.partition(page.BEGIN)
    figures, end, _after = rest.partition(page.END)
    assert begin
    assert end
    old = blocks(figures)
    new = blocks(page.merge(figures, results(("soak", "durable_long", 900))))
    assert old.keys() <= new.keys()
    for name in old.keys() - {"W10 soak", "settings", "targets"}:
        assert new[name].strip() == old[name].strip()
