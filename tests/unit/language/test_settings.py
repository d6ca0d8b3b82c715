"""What stands above the steps about executions as a whole."""

from __future__ import annotations

import pytest

from durable_dsl import check_text, compile, compile_text, loop, step, workflow
from durable_dsl.graph import CancelOn, Concurrency, Graph, Loop, Schedule, graph_from_json

STEPS = "steps: [{step: a, log: a}]\n"


def compiled(settings: str, steps: str = STEPS) -> Graph:
    [graph] = compile_text(f"workflow: w\n{settings}{steps}")
    assert graph_from_json(graph.to_json()) == graph
    return graph


SETTINGS = """\
concurrency: {key: "${ input.id }", limit: 2, on_conflict: reject}
cancel_on: [{event: order.cancelled, key: "${ input.id }", compensate: true}]
schedules:
  - {name: nightly, cron: 0 2 * * 1-5, timezone: Europe/Berlin, overlap: skip, catchup: all, input: {id: A}}
  - {name: often, cron: "*/5 * * * * *"}
"""


def test_the_graph_says_how_many_run_what_cancels_and_what_starts_them() -> None:
    graph = compiled(SETTINGS)
    assert graph.concurrency == Concurrency(key="${ input.id }", limit=2, on_conflict="reject")
    assert graph.cancel_on == (CancelOn(event="order.cancelled", key="${ input.id }", compensate=True),)
    assert graph.schedules == (
        Schedule(
            name="nightly",
            cron="0 2 * * 1-5",
            timezone="Europe/Berlin",
            overlap="skip",
            catchup="all",
            input={"id": "A"},
        ),
        Schedule(name="often", cron="*/5 * * * * *"),
    )


def test_python_gives_the_same_settings_as_yaml() -> None:
    built = workflow(
        "w",
        step("a", log="a"),
        concurrency={"key": "${ input.id }", "limit": 2, "on_conflict": "reject"},
        cancel_on=[{"event": "order.cancelled", "key": "${ input.id }", "compensate": True}],
        schedules=[
            {
                "name": "nightly",
                "cron": "0 2 * * 1-5",
                "timezone": "Europe/Berlin",
                "overlap": "skip",
                "catchup": "all",
                "input": {"id": "A"},
            },
            {"name": "often", "cron": "*/5 * * * * *"},
        ],
    )
    assert compile(built) == compiled(SETTINGS)


def test_a_loop_keeps_some_turns() -> None:
    graph = compiled("", "steps: [{loop: l, until: input.x, keep: 3, steps: [{step: a, log: a}]}]\n")
    assert isinstance(graph.steps[0], Loop)
    assert graph.steps[0].keep == 3
    assert compile(workflow("w", loop("l", step("a", log="a"), until="input.x", keep=3))) == graph


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("concurrency: {key: '${ data.x }'}\n", "W110 there is no 'data' here"),
        ("cancel_on: [{event: e, key: '${ data.x }'}]\n", "W110 there is no 'data' here"),
        ("schedules: [{name: a, cron: 0 2 * * *, input: {x: '${ now }'}}]\n",
         "W113 what is stored as it is written cannot hold an expression"),
        ("schedules: [{name: a, cron: 0 2 * * *}, {name: a, cron: 0 3 * * *}]\n", "W023 the name 'a' is used twice"),
        ("schedules: [{name: a, cron: 0 25 * * *}]\n", "W039 '0 25 * * *' is not a cron expression"),
    ],
)  # fmt: skip
def test_a_mistake_about_executions_as_a_whole(settings: str, problem: str) -> None:
    found = check_text(f"workflow: w\n{settings}{STEPS}")
    assert [f"{each.code} {each.message}" for each in found] == [problem]
