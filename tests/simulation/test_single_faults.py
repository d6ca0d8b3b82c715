"""What storms have found, each alone: one fault at one moment, and what must come of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from durable_dsl import Graph, compile_text
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.testing import Fault
from tests.simulation.installation import Installation
from tests.simulation.invariants import problems_of

ACT = "tests.simulation.ledger.act"


def compiled(text: str) -> Graph:
    (graph,) = compile_text(text)
    return graph


PAUSE = compiled(f"""
workflow: pause
steps:
  - {{step: a, call: {ACT}, with: {{value: 1, delay: 0}}, save: a}}
  - {{wait: w, for: 1s}}
  - {{step: b, call: {ACT}, with: {{value: 2, delay: 0}}, save: b}}
""")


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize(
    "method", ["claim", "load_graph", "load_histories", "commit", "wake_due", "look", "take_over_expired"]
)
def test_a_statement_that_fails_once_holds_nothing_up(method: str, fault: Fault) -> None:
    installation = Installation(PAUSE, [{}], 0, stormy=False)
    installation.store.inject(method, fault)
    report = installation.run()
    assert problems_of(report, PAUSE) == []
    assert [(ending.status, ending.output) for ending in report.endings] == [("completed", '{"a":1,"b":2}')]
    # Nobody had to be taken for dead: the fault is over long before a lease runs out.
    assert report.endings[0].losses == 0


def commits_of(installation: Installation) -> list[list[str]]:
    """Runs an installation and gives the paths that each of its commits wrote."""
    written: list[list[str]] = []
    commit = installation.store.commit

    async def noted(lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        written.extend([checkpoint.path for checkpoint in one.checkpoints] for one in commits)
        return await commit(lease, lane, commits)

    installation.store.commit = noted  # type: ignore[method-assign]
    installation.run()
    return written


def test_a_retry_that_takes_long_commits_nothing_meanwhile() -> None:
    graph = compiled(f"""
    workflow: slow_retry
    steps:
      - {{step: s, call: {ACT}, with: {{failures: 1, delay: 60}}, retry: {{max_attempts: 2, delay: 10ms}}}}
    """)
    assert commits_of(Installation(graph, [{}], 0, stormy=False)) == [["s"], ["s"]]


def test_a_sequence_of_steps_takes_one_commit_for_each_and_computing_none() -> None:
    graph = compiled(f"""
    workflow: sequence
    steps:
      - {{step: before, set: {{n: 1}}}}
      - {{step: a, call: {ACT}, with: {{delay: 0}}}}
      - {{step: between, set: {{n: 2}}}}
      - {{step: b, call: {ACT}, with: {{delay: 0}}}}
      - {{step: after, set: {{n: 3}}}}
    """)
    assert commits_of(Installation(graph, [{}], 0, stormy=False)) == [["before", "a", "between"], ["b", "after"]]


def test_the_results_of_items_are_stored_before_they_are_read_back_or_with_what_is_made_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = compiled("""
    workflow: computed_items
    steps:
      - foreach: f
        in: "[1, 2]"
        save: results
        steps: [{step: s, set: {n: "${ item }"}}]
    """)
    assert commits_of(Installation(graph, [{}], 0, stormy=False)) == [["f", "f[0]/s", "f[1]/s", "f"]]
    monkeypatch.setattr("durable_runtime.core.collecting.MOST_KNOWN", 1)
    assert commits_of(Installation(graph, [{}], 0, stormy=False)) == [["f", "f[0]/s", "f[1]/s"], ["f"]]
