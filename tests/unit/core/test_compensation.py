"""What undoes steps after a failure: which, in which order, and what becomes of the execution."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durable_runtime import Fatal, Retry, StepContext
from durable_runtime.testing import SimulationResult
from tests.unit.core.simulating import kinds, run_with


class Down(Exception):
    """The gateway does not answer."""


def undone(result: SimulationResult) -> list[str]:
    """Gives the attempts of compensations in the order in which they began."""
    return [call.node for call in result.calls if call.node.endswith("/compensate")]


def not_undone(result: SimulationResult) -> list[tuple[str, str]]:
    """Gives type and node of the errors of compensations."""
    assert result.error is not None
    return [(error["type"], error["node"]) for error in (result.error.data or {}).get("compensation_errors", [])]


THREE = """
- {step: a, call: x.a, with: {}, compensate: {call: x.undo_a, with: {}}}
- {step: b, call: x.b, with: {}, compensate: {call: x.undo_b, with: {}}}
- {step: c, call: x.c, with: {}, compensate: {call: x.undo_c, with: {}}}
"""
WORKING: dict[str, Any] = {"x.a": 1, "x.b": 2, "x.undo_a": None, "x.undo_b": None, "x.undo_c": None}


def test_what_completed_is_undone_newest_first_and_a_failed_step_is_not() -> None:
    result = run_with(THREE, mocks=WORKING | {"x.c": Down("no")})

    assert result.status == "compensated"
    assert undone(result) == ["b/compensate", "a/compensate"]
    assert [(one.path, one.kind) for one in result.checkpoints] == [
        ("a", "completed"),
        ("b", "completed"),
        ("c", "failed"),
        ("", "compensating"),
        ("b/compensate", "compensated"),
        ("a/compensate", "compensated"),
    ]
    assert result.error is not None
    assert (result.error.type, result.error.node, result.error.data) == ("Down", "c", None)


def test_one_that_fails_does_not_stop_the_others_and_is_told_beside_the_first_error() -> None:
    mocks = WORKING | {"x.undo_b": Down("closed"), "x.c": Fatal("no card", data={"code": 7})}
    result = run_with(THREE, mocks=mocks)

    assert result.status == "compensation_failed"
    assert undone(result) == ["b/compensate", "a/compensate"]
    assert result.error is not None
    assert (result.error.type, result.error.message, result.error.node) == ("Fatal", "no card", "c")
    assert result.error.data == {
        "code": 7,
        "compensation_errors": [
            {"type": "Down", "message": "closed", "data": None, "node": "b/compensate", "attempt": 1}
        ],
    }


@pytest.mark.parametrize("data", [None, [1], "text"])
def test_data_of_an_error_that_are_no_mapping_are_kept_beside_the_errors(data: Any) -> None:
    result = run_with(THREE, mocks=(WORKING | {"x.undo_a": Down("closed"), "x.c": Fatal("no", data=data)}))

    assert result.error is not None
    assert {key: value for key, value in result.error.data.items() if key != "compensation_errors"} == (
        {} if data is None else {"data": data}
    )
    assert not_undone(result) == [("Down", "a/compensate")]


def test_an_execution_with_nothing_to_undo_has_failed() -> None:
    result = run_with(THREE, mocks=(WORKING | {"x.a": Down("no"), "x.c": 3}))

    assert result.status == "failed"
    assert undone(result) == []


def test_what_completes_undoes_nothing() -> None:
    result = run_with(THREE, mocks=WORKING | {"x.c": 3})

    assert (result.status, undone(result)) == ("completed", [])


def test_a_skipped_an_ignored_and_a_recovered_step_are_not_undone() -> None:
    steps = """
- {step: skipped, when: "false", call: x.a, with: {}, compensate: x.undo}
- {step: ignored, call: x.broken, with: {}, ignore_errors: true, compensate: x.undo}
- step: recovered
  call: x.broken
  with: {}
  compensate: x.undo
  catch: [{steps: [{step: instead, set: {k: 1}}]}]
- {fail: stop}
"""
    result = run_with(steps, mocks={"x.a": 1, "x.broken": Down("no"), "x.undo": None})

    assert (result.status, undone(result)) == ("failed", [])


@pytest.mark.parametrize("value", [{"merged": True}, "text", 7, [1], {"error": "no"}, False])
def test_whatever_a_compensation_returns_is_success_and_changes_no_data(value: Any) -> None:
    steps = """
- {step: a, call: x.a, with: {}, compensate: x.undo}
- {step: b, set: {k: 1}, compensate: x.undo}
- {fail: stop}
"""
    result = run_with(steps, mocks={"x.a": 1, "x.undo": value})

    assert result.status == "compensated"
    assert [one.result for one in result.checkpoints if one.kind == "compensated"] == [value, value]


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, {"x"}, "\x00"])
def test_a_compensation_whose_value_cannot_be_stored_has_failed(value: Any) -> None:
    result = run_with(
        "- {step: a, call: x.a, with: {}, compensate: x.undo}\n- {fail: stop}", mocks={"x.a": 1, "x.undo": value}
    )

    assert result.status == "compensation_failed"
    assert not_undone(result) == [("ResultNotStorable", "a/compensate")]


# -- how it is done


def test_it_has_a_retry_of_its_own_and_each_attempt_is_a_checkpoint() -> None:
    steps = """
- step: a
  call: x.a
  with: {}
  compensate: {call: x.undo, with: {}, retry: {max_attempts: 3, delay: 1h, max_delay: 1h, backoff: constant}}
- {fail: stop}
"""
    attempts: list[int] = []

    def undo(ctx: StepContext) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt == 2:
            raise Retry("later", after=timedelta(hours=5))
        if ctx.attempt < 3:
            raise Down("no")
        return "done"

    result = run_with(steps, mocks={"x.a": 1, "x.undo": undo})

    assert result.status == "compensated"
    assert attempts == [1, 2, 3]
    assert kinds(result, "a/compensate") == ["retrying", "retrying", "compensated"]
    assert result.slept == timedelta(hours=6)


def test_it_has_a_timeout_of_its_own() -> None:
    import asyncio

    steps = "- {step: a, call: x.a, with: {}, compensate: {call: x.undo, with: {}, timeout: 1h}}\n- {fail: stop}"

    async def undo() -> None:
        await asyncio.sleep(10_000)

    result = run_with(steps, mocks={"x.a": 1, "x.undo": undo})

    assert not_undone(result) == [("Timeout", "a/compensate")]


def test_every_action_can_undo() -> None:
    steps = """
- {step: a, set: {k: 1}, compensate: {log: "undoing ${ result.k } of ${ data.k }"}}
- {step: b, log: hello, compensate: {http: {url: "https://shop/${ data.k }", method: DELETE}}}
- {step: c, set: {k: 3}, compensate: {shell: {command: [rm, "${ to_json(data.k) }"]}}}
- {step: d, set: {k: 4}, compensate: {use: slack.post, with: {n: "${ data.k }"}}}
- {fail: stop}
"""
    answer = {"status": 200, "headers": {}, "body": None}
    result = run_with(steps, mocks={"b/compensate": answer, "c/compensate": None, "d/compensate": None})

    assert result.status == "compensated"
    assert [(call.node, call.function) for call in result.calls] == [
        ("d/compensate", "slack.post"),
        ("c/compensate", "shell"),
        ("b/compensate", "http"),
    ]
    assert [call.arguments.get("command") or call.arguments.get("url") for call in result.calls] == [
        None,
        ["rm", "3"],
        "https://shop/1",
    ]
    assert [line.message for line in result.logs if line.path == "a/compensate"] == ["undoing 1 of 1"]


def test_the_timeout_of_the_execution_is_a_failure_and_bounds_neither_undoing_nor_on_failure() -> None:
    head = """
timeout: 1h
on_failure: [{wait: long, for: 5h}, {step: tell, call: x.tell, with: {type: "${ error.type }"}}]
"""
    steps = """
- step: a
  call: x.a
  with: {}
  compensate: {call: x.undo, with: {}, retry: {max_attempts: 2, delay: 4m, jitter: 0}}
- {wait: late, for: 2h}
"""

    def undo(ctx: StepContext) -> None:
        if ctx.attempt == 1:
            raise Retry("later", after=timedelta(hours=3))

    result = run_with(steps, head=head, mocks={"x.a": 1, "x.undo": undo, "x.tell": None})

    assert result.status == "compensated"
    assert result.error is not None
    assert result.error.type == "Timeout"
    assert [call.node for call in result.calls] == ["a", "a/compensate", "a/compensate", "on_failure/tell"]
    assert result.slept == timedelta(hours=9)


def test_what_runs_beside_a_failure_is_cancelled_before_anything_is_undone() -> None:
    import asyncio

    order: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(10_000)
        finally:
            order.append("cancelled")

    steps = """
- {step: a, call: x.a, with: {}, compensate: {call: x.undo, with: {}}}
- parallel: both
  branches:
    left: [{step: hang, call: x.hang, with: {}}]
    right: [{wait: w, for: 1m}, {fail: stop}]
"""
    run_with(steps, mocks={"x.a": 1, "x.hang": hangs, "x.undo": lambda: order.append("undone")})

    assert order == ["cancelled", "undone"]


def test_an_output_that_fails_undoes_too() -> None:
    result = run_with(
        "- {step: a, call: x.a, with: {}, compensate: x.undo}",
        head="output: {k: '${ data.missing }'}",
        mocks={"x.a": 1, "x.undo": None},
    )

    assert result.status == "compensated"
    assert result.error is not None
    assert result.error.type == "ExpressionError"


def test_finish_ends_well_and_undoes_nothing() -> None:
    steps = "- {step: a, call: x.a, with: {}, compensate: x.undo}\n- {finish: enough}"
    result = run_with(steps, mocks={"x.a": 1, "x.undo": None})

    assert (result.status, undone(result)) == ("completed", [])


# -- on_failure


def test_on_failure_runs_after_undoing_and_sees_what_could_not_be_undone() -> None:
    head = """
on_failure: [{step: tell, call: x.tell, with: {left: "${ error.data.compensation_errors[0].node }"}}]
"""
    result = run_with(THREE, head=head, mocks=(WORKING | {"x.undo_a": Down("no"), "x.c": Down("no"), "x.tell": None}))

    assert [call.node for call in result.calls][-3:] == ["b/compensate", "a/compensate", "on_failure/tell"]
    assert result.calls[-1].arguments == {"left": "a/compensate"}
    assert result.status == "compensation_failed"


def test_an_on_failure_that_fails_is_undone_as_well() -> None:
    head = """
on_failure:
  - {step: ticket, call: x.ticket, with: {}, compensate: {call: x.close, with: {}}}
  - {step: mail, call: x.mail, with: {}}
"""
    mocks = WORKING | {"x.c": Down("no"), "x.ticket": 1, "x.close": Down("closed"), "x.mail": Fatal("no mail")}
    result = run_with(THREE, head=head, mocks=mocks)

    assert [call.node for call in result.calls][-5:] == [
        "b/compensate",
        "a/compensate",
        "on_failure/ticket",
        "on_failure/mail",
        "on_failure/ticket/compensate",
    ]
    assert result.status == "compensation_failed"
    assert result.error is not None
    assert (result.error.type, result.error.node) == ("Down", "c")
    assert result.error.data["on_failure"]["type"] == "Fatal"
    assert not_undone(result) == [("Down", "on_failure/ticket/compensate")]


def test_an_on_failure_that_works_is_not_undone() -> None:
    head = "on_failure: [{step: ticket, call: x.ticket, with: {}, compensate: {call: x.close, with: {}}}]"
    result = run_with(THREE, head=head, mocks=(WORKING | {"x.c": Down("no"), "x.ticket": 1, "x.close": None}))

    assert result.status == "compensated"
    assert "on_failure/ticket/compensate" not in undone(result)


def test_a_node_may_be_called_compensate() -> None:
    steps = """
- {group: g, steps: [{step: compensate, call: x.a, with: {}, compensate: {call: x.undo, with: {}}}]}
- {fail: stop}
"""
    result = run_with(steps, mocks={"x.a": 1, "x.undo": None})

    assert undone(result)[-1] == "g/compensate/compensate"
    assert result.status == "compensated"
    assert kinds(result, "g/compensate") == ["completed"]


def test_an_error_tells_a_hundred_of_the_compensations_that_failed_and_the_history_all() -> None:
    steps = f"""
- foreach: each
  in: "{[0] * 130}"
  steps: [{{step: a, set: {{k: 1}}, compensate: {{call: x.undo, with: {{}}}}}}]
- {{fail: stop}}
"""
    result = run_with(steps, mocks={"x.undo": Down("no")})

    assert len(not_undone(result)) == 100
    assert len([one for one in result.checkpoints if one.path.endswith("compensate")]) == 130


def test_what_undoes_a_step_may_make_calls_of_its_own_and_sleep() -> None:
    steps = "- {step: a, call: x.a, with: {}, compensate: {call: x.undo, with: {}}}\n- {fail: stop}"
    made: list[str] = []

    async def undo(ctx: StepContext) -> None:
        await ctx.step("look_up", lambda: made.append("look up"))
        await ctx.sleep("wait", timedelta(hours=1))
        await ctx.step("remove", lambda: made.append("remove"))

    result = run_with(steps, mocks={"x.a": 1, "x.undo": undo})

    assert result.status == "compensated", result.error
    assert made == ["look up", "remove"]
    assert result.slept == timedelta(hours=1)
    assert kinds(result, "a/compensate")[-1] == "compensated"
