"""Mistakes of other engines about going on after a crash. A worker dies at every commit in turn."""

from __future__ import annotations

import json

from durable_dsl import Graph, compile_text
from tests.model.in_memory import Deed, ModelInstallation, Moment
from tests.simulation.installation import Report
from tests.simulation.invariants import problems_of

ACT = "tests.simulation.ledger.act"


def compiled(text: str) -> Graph:
    (graph,) = compile_text(text)
    return graph


def killed_at_every_commit(graph: Graph, commits: int) -> list[Report]:
    """Runs an execution that loses its worker before, and one that loses it after, each of its first commits."""
    deeds: tuple[Deed, ...] = ("die before", "die after")
    reports = []
    for commit in range(1, commits + 1):
        for deed in deeds:
            report = ModelInstallation(graph, [{}], 0, [Moment(commit, deed)], stormy=False).run()
            assert problems_of(report, graph) == []
            reports.append(report)
    assert sum(ending.losses for report in reports for ending in report.endings) >= commits
    return reports


def test_a_resume_inside_a_branch_runs_no_other_branch() -> None:
    graph = compiled(f"""
    workflow: routes
    steps:
      - branch: route
        match: "'right'"
        cases:
          left: [{{step: wrong, call: {ACT}, with: {{value: 1}}}}]
          right:
            - {{step: first, call: {ACT}, with: {{value: 2}}}}
            - {{wait: rest, for: 5s}}
            - {{step: second, call: {ACT}, with: {{value: 3}}, save: result}}
        default: [{{step: neither, call: {ACT}, with: {{value: 4}}}}]
    """)
    for report in killed_at_every_commit(graph, 4):
        assert {node for _id, node, _attempt in report.ledger.began} == {"route/first", "route/second"}
        assert [ending.output for ending in report.endings] == ['{"result":3}']


def test_the_count_of_attempts_goes_on_after_a_crash() -> None:
    graph = compiled(f"""
    workflow: attempts
    steps:
      - step: flaky
        call: {ACT}
        with: {{failures: 9, delay: 0}}
        retry: {{max_attempts: 3, delay: 10s}}
    """)
    for report in killed_at_every_commit(graph, 3):
        assert sorted(attempt for _id, _node, attempt in report.ledger.began) == [1, 2, 3]
        (ending,) = report.endings
        assert (ending.status, json.loads(ending.error)["attempt"]) == ("failed", 3)


def test_an_execution_that_sleeps_is_not_taken_for_a_dead_one() -> None:
    graph = compiled("""
    workflow: sleeper
    steps:
      - {wait: longer_than_any_lease, for: 120s}
    """)
    report = ModelInstallation(graph, [{}], 0, [], stormy=False).run()
    assert problems_of(report, graph) == []
    (one,) = report.store.rows.executions.values()
    assert (one.status, one.recoveries, report.endings[0].losses) == ("completed", 0, 0)


def test_a_due_time_of_one_wait_does_not_end_the_next() -> None:
    graph = compiled(f"""
    workflow: two_waits
    steps:
      - wait: first
        for: 20s
      - {{step: between, call: {ACT}, with: {{value: 1, delay: 0}}}}
      - wait: second
        for: 60s
    """)
    for report in killed_at_every_commit(graph, 4):
        (one,) = report.store.rows.executions.values()
        assert one.started_at is not None
        assert one.finished_at is not None
        assert (one.finished_at - one.started_at).total_seconds() >= 80
