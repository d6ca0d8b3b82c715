"""Workers that get SIGKILL amid what a client asked for: pause, resume, retry, fork, another result, cancel."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from durable_runtime import Durable
from tests.faults.killing import effects, kill_at, kinds, work
from tests.faults.working import executions, graph, start, status, value

STEPS = "tests.faults.context_steps"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DURABLE_TEST_LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def begin(url: str, second: str, *, undone: bool = False) -> str:
    """Starts an execution with something between two steps, and lets a worker do what there is to do; gives its id."""
    undo = [f"compensate: {{call: {STEPS}.undo, with: {{value: {n}}}}}" if undone else "" for n in (1, 2)]
    definition = graph(
        f"""
        workflow: asked
        steps:
          - step: first
            call: {STEPS}.work
            with: {{value: 1}}
            {undo[0]}
          - step: next
            call: {STEPS}.work
            with: {{value: 2}}
            {undo[1]}
          {second}
          - step: last
            call: {STEPS}.work
            with: {{value: 4}}
        """
    )
    [id] = asyncio.run(start(url, definition, [{}]))
    work(url)
    return id


WAIT = "- {wait: hold, event: paid, save: held}"
FRAGILE = f"- {{step: fragile, call: {STEPS}.fragile, with: {{value: 3}}, save: held}}"
DONE = {"work 1": 1, "work 2": 1}


@pytest.mark.parametrize("point", ["before paused", "after paused"])
def test_a_pause_holds_though_its_worker_is_killed(database_url: str, ledger: Path, point: str) -> None:
    id = begin(database_url, WAIT)
    with Durable(database_url) as durable:
        durable.pause(id)
        durable.send_event(id, "paid", 3)
    kill_at(database_url, point)
    work(database_url)
    assert executions(database_url)[id].paused
    assert effects(ledger) == DONE
    assert (kinds(database_url, id)["paused"], kinds(database_url, id)["arrived hold"]) == (1, 0)


@pytest.mark.parametrize("point", ["before resumed", "after resumed"])
def test_a_resume_counts_though_its_worker_is_killed(database_url: str, ledger: Path, point: str) -> None:
    id = begin(database_url, WAIT)
    with Durable(database_url) as durable:
        durable.pause(id)
        durable.send_event(id, "paid", 3)
    work(database_url)
    with Durable(database_url) as durable:
        durable.resume(id)
    kill_at(database_url, point)
    work(database_url)
    assert executions(database_url)[id].output == {"held": 3}
    assert effects(ledger) == DONE | {"work 4": 1}
    assert (kinds(database_url, id)["paused"], kinds(database_url, id)["resumed"]) == (1, 1)


@pytest.mark.parametrize(
    ("point", "tried"),
    [
        ("before rewound", 2),
        ("after rewound", 2),
        ("before completed fragile", 3),
        ("after completed fragile", 2),
    ],
)
def test_a_retry_in_place_takes_the_failure_back_once(database_url: str, ledger: Path, point: str, tried: int) -> None:
    """The step in between, when its worker was killed before its result was stored, is the only one that runs again."""
    id = begin(database_url, FRAGILE)
    assert status(database_url, id) == "failed"
    ledger.with_suffix(".mended").touch()
    with Durable(database_url) as durable:
        durable.retry(id)
    kill_at(database_url, point)
    work(database_url)
    assert executions(database_url)[id].output == {"held": 3}
    assert effects(ledger) == DONE | {"work 3": tried, "work 4": 1}
    assert kinds(database_url, id)["rewound"] == 1


@pytest.mark.parametrize(("point", "tried"), [("before completed next", 2), ("after completed next", 1)])
def test_a_fork_goes_on_where_it_was_and_repeats_nothing_that_it_was_given(
    database_url: str, ledger: Path, point: str, tried: int
) -> None:
    id = begin(database_url, "")
    before = kinds(database_url, id)
    assert effects(ledger) == {"work 1": 1, "work 2": 1, "work 4": 1}
    with Durable(database_url) as durable:
        forked = durable.fork(id, "next")
    kill_at(database_url, point)
    work(database_url)
    assert status(database_url, forked) == "completed"
    assert effects(ledger) == {"work 1": 1, "work 2": 1 + tried, "work 4": 2}
    assert kinds(database_url, forked) == before + Counter({"forked": 1})
    assert kinds(database_url, id) == before


@pytest.mark.parametrize("point", ["before edited", "after edited"])
def test_a_result_that_was_given_counts_though_its_worker_is_killed(
    database_url: str, ledger: Path, point: str
) -> None:
    id = begin(database_url, WAIT)
    with Durable(database_url) as durable:
        durable.set_result(id, "hold", 5)
    kill_at(database_url, point)
    work(database_url)
    assert executions(database_url)[id].output == {"held": 5}
    assert effects(ledger) == DONE | {"work 4": 1}
    assert kinds(database_url, id)["edited"] == 1


@pytest.mark.parametrize(
    ("point", "again"),
    [
        ("before cancelled", {}),
        ("after cancelled", {}),
        ("before compensated next/compensate", {"undo 2": 1}),
        ("after compensated next/compensate", {}),
        ("before compensated first/compensate", {"undo 1": 1}),
        ("after compensated first/compensate", {}),
    ],
)
def test_a_cancel_undoes_everything_once_though_its_worker_is_killed(
    database_url: str, ledger: Path, point: str, again: dict[str, int]
) -> None:
    id = begin(database_url, WAIT, undone=True)
    with Durable(database_url) as durable:
        durable.cancel(id, compensate=True)
    kill_at(database_url, point)
    work(database_url)
    assert status(database_url, id) == "cancelled"
    assert effects(ledger) == DONE | {name: 1 + again.get(name, 0) for name in ("undo 1", "undo 2")}
    found = kinds(database_url, id)
    stored = [found[kind] for kind in ("cancelled", "compensated next/compensate", "compensated first/compensate")]
    assert stored == [1, 1, 1]


CHILD = "- {step: hold, workflow: held, save: held}"


def begin_family(url: str) -> tuple[str, str]:
    """Starts an execution that waits for another one, which waits for an event; gives the ids of both."""
    held = graph("{workflow: held, steps: [{wait: hold, event: paid, save: held}]}")
    asyncio.run(start(url, held, []))
    id = begin(url, CHILD)
    child = value(url, "select public_id::text from durable.execution where workflow = 'held'")
    return id, str(child)


@pytest.mark.parametrize("deed", ["cancelled", "paused"])
@pytest.mark.parametrize("point", ["before {}", "after {}", "before {} x2", "after {} x2"])
def test_what_is_asked_of_a_parent_reaches_its_child_though_workers_are_killed(
    database_url: str, ledger: Path, deed: str, point: str
) -> None:
    """The first such checkpoint is the parent's, the second the child's."""
    id, child = begin_family(database_url)
    with Durable(database_url) as durable:
        (durable.cancel if deed == "cancelled" else durable.pause)(id)
    kill_at(database_url, point.format(deed))
    work(database_url)
    assert [kinds(database_url, one)[deed] for one in (id, child)] == [1, 1]
    assert value(database_url, "select count(*) from durable.request where not routed") == 0
    if deed == "cancelled":
        assert [status(database_url, one) for one in (id, child)] == ["cancelled", "cancelled"]
        return
    assert all(executions(database_url)[one].paused for one in (id, child))
    with Durable(database_url) as durable:
        durable.send_event(child, "paid", 3)
        durable.resume(id)
    work(database_url)
    assert executions(database_url)[id].output == {"held": {"held": 3}}
    assert effects(ledger) == DONE | {"work 4": 1}


@pytest.mark.parametrize(
    "point", ["before received", "before completed hold", "after completed hold", "before completed last"]
)
def test_the_end_of_a_child_reaches_its_parent_once(database_url: str, ledger: Path, point: str) -> None:
    """What comes to the node `hold` completes it in the child first, then in the parent."""
    id, child = begin_family(database_url)
    with Durable(database_url) as durable:
        durable.send_event(child, "paid", 3)
    kill_at(database_url, point)
    work(database_url)
    assert executions(database_url)[id].output == {"held": {"held": 3}}
    assert effects(ledger) == DONE | {"work 4": 2 if point == "before completed last" else 1}
    assert [kinds(database_url, one)["completed hold"] for one in (id, child)] == [1, 1]
