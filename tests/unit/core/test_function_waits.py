"""Functions that wait for events and people: the same waits as those of nodes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from durable_runtime import StepContext, StepFailed
from durable_runtime.errors import InvalidOption
from durable_runtime.testing import Answer, Event, SimulationResult
from tests.unit.core.simulating import kinds, run

CALL = """
- step: main
  call: tests.unit.core.simulating.run
  with: {n: 2}
  save: out
"""
HOUR = timedelta(hours=1)


def simulated(main: Callable[..., Any], steps: str = CALL, **more: Any) -> SimulationResult:
    return run(steps, main=main, **more)


def out(result: SimulationResult) -> Any:
    assert result.status == "completed", result.error
    return result.output["out"]


def test_an_event_gives_its_payload_to_the_function_that_waits() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.wait_event("payment", "order.paid")

    result = simulated(main, events=[Event("order.paid", {"amount": 7}, after=HOUR)])
    assert out(result) == {"amount": 7}
    assert result.slept == HOUR
    assert kinds(result, "main/payment") == ["waiting", "arrived", "completed"]


def test_an_event_that_came_before_is_kept_and_each_is_taken_once() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await ctx.sleep("nap", "1h")
        return [await ctx.wait_event("next", "told") for _turn in range(2)]

    assert out(simulated(main, events=[Event("told", 1), Event("told", 2)])) == [1, 2]


def test_a_key_takes_what_is_sent_to_everybody_under_it() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return [await ctx.wait_event("paid", "order.paid", key=key) for key in (17, "A-18")]

    events = [Event("order.paid", payload, key=key, after=HOUR) for key, payload in (("A-18", "b"), ("17", "a"))]
    assert out(simulated(main, events=events)) == ["a", "b"]


def test_where_lets_events_pass_and_sees_the_functions_own_values() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        wanted = await ctx.wait_event("big", "told", where="event.n > least + input.more", values={"least": n})
        return [wanted, await ctx.wait_event("small", "told")]

    events = [Event("told", {"n": number}) for number in (3, 4)]
    assert out(simulated(main, input={"more": 1}, events=events)) == [{"n": 4}, {"n": 3}]


def test_where_that_cannot_be_evaluated_for_an_event_lets_it_pass() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.wait_event("big", "told", where="event.n > 1")

    assert out(simulated(main, events=[Event("told", "no mapping"), Event("told", {"n": 2})])) == {"n": 2}


def test_a_timeout_is_an_error_or_gives_the_default() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        found = [await ctx.wait_event("first", "never", timeout="1h", default=None)]
        try:
            await ctx.wait_event("second", "never", timeout=HOUR)
        except StepFailed as error:
            found += [error.type, str(error)]
        return found

    result = simulated(main)
    assert out(result) == [None, "Timeout", "main/second took longer than its timeout"]
    assert result.slept == 2 * HOUR


def test_time_suspended_does_not_count_towards_the_timeout_of_the_step() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.wait_event("late", "told")

    result = simulated(main, CALL + "  timeout: 1m\n", events=[Event("told", "at last", after=30 * HOUR)])
    assert out(result) == "at last"


def test_a_timeout_that_no_attempt_catches_is_retried_as_a_new_wait() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.wait_event("late", "told", key="k", timeout="1h")

    events = [Event("told", "at last", key="k", after=timedelta(minutes=90))]
    result = simulated(main, CALL + "  retry: {max_attempts: 2, delay: 5m}\n", events=events)
    assert out(result) == "at last"
    assert kinds(result, "main/late") == ["waiting", "failed", "waiting", "arrived", "completed"]


def test_an_event_by_key_between_a_wait_and_the_next_attempts_is_found() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.wait_event("late", "told", key="k", timeout="1h")

    events = [Event("told", "between", key="k", after=timedelta(minutes=62))]
    result = simulated(main, CALL + "  retry: {max_attempts: 2, delay: 5m}\n", events=events)
    assert out(result) == "between"
    assert result.slept == timedelta(minutes=65)


def test_functions_and_nodes_take_events_the_oldest_wait_first() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await ctx.sleep("nap", "1m")
        return await ctx.wait_event("any", "told")

    steps = """
    - parallel: both
      save: out
      branches:
        node:
          - wait: first
            event: told
        function:
          - step: main
            call: tests.unit.core.simulating.run
            with: {n: 1}
    """
    result = run(steps, both__main=main, events=[Event("told", 1, after=HOUR), Event("told", 2, after=2 * HOUR)])
    assert out(result) == {"node": 1, "function": 2}


def test_a_letter_that_a_functions_wait_lets_pass_goes_to_another_that_looks_anew() -> None:
    async def picky(n: int, ctx: StepContext) -> Any:
        return [await ctx.wait_event("even", "told", where="event % 2 == 0"), await ctx.wait_event("next", "told")]

    steps = """
    - parallel: both
      save: out
      branches:
        picky:
          - step: picky
            call: tests.unit.core.simulating.run
            with: {n: 1}
        node:
          - wait: pause
            for: 2h
          - wait: last
            event: told
    """
    result = run(
        steps, both__picky=picky, events=[Event("told", number, after=number * HOUR / 4) for number in (1, 3, 4)]
    )
    assert out(result) == {"picky": [4, 1], "node": 3}


@pytest.mark.parametrize(
    ("kind", "options", "answer", "given"),
    [
        ("approval", {}, Answer(True, by="ann", comment="fine"), {"approved": True, "by": "ann", "comment": "fine"}),
        ("choice", {"choices": ["red", "blue"]}, "blue", "blue"),
        ("text", {}, "words", "words"),
        ("form", {"fields": {"age": {"type": "integer"}, "n": {"default": 3}}}, {"age": 9}, {"age": 9, "n": 3}),
        ("json", {"schema": {"type": "array"}}, [1], [1]),
    ],
)
def test_people_are_asked(kind: Any, options: dict[str, Any], answer: Any, given: Any) -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.ask("question", kind, "what?", **options)

    result = simulated(main, answers={"main/question": answer})
    assert out(result) == given
    opened = next(one for one in result.checkpoints if one.kind == "waiting")
    assert opened.result["for"][""] == {"ask": kind, "prompt": "what?", **options}


def test_a_question_of_every_item_is_answered_for_itself() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return [await ctx.ask("word", "text") for _turn in range(2)]

    steps = """
    - foreach: each
      in: "[1, 2]"
      as: n
      save: out
      steps:
        - step: main
          call: tests.unit.core.simulating.run
          with: {n: "${ n }"}
    """
    answers = {"each[0]/main/word#2": "second of the first", "each/main/word": "other"}
    result = run(steps, each__main=main, answers=answers)
    assert out(result) == [["other", "second of the first"], ["other", "other"]]


def test_an_answer_for_a_step_that_calls_nothing_is_refused() -> None:
    with pytest.raises(InvalidOption, match="asks nothing at 'nobody/question'"):
        simulated(lambda n: n, answers={"nobody/question": 1})


def test_a_compensation_waits_for_events() -> None:
    async def undo(ctx: StepContext) -> None:
        ctx.log(await ctx.wait_event("receipt", "paid.back"))

    steps = """
    - step: charge
      call: tests.unit.core.simulating.run
      with: {}
      compensate: tests.unit.core.simulating.output
    - fail: too_late
      type: TooLate
      message: too late
    """
    result = run(steps, charge=lambda: 1, charge__compensate=undo, events=[Event("paid.back", "yes", after=HOUR)])
    assert result.status == "compensated", result.error
    assert [line.message for line in result.logs] == ["yes"]
    assert kinds(result, "charge/compensate/receipt") == ["waiting", "arrived", "completed"]


def test_a_changed_order_is_said_of_waits_too() -> None:
    entered: list[int] = []

    async def main(n: int, ctx: StepContext) -> Any:
        entered.append(1)
        if len(entered) == 1:
            await ctx.wait_event("first", "told")
            await ctx.sleep("nap", "1h")
        else:
            await ctx.step("first", lambda: 1)

    result = simulated(main, events=[Event("told")])
    assert result.error is not None
    assert (result.error.type, "made 'first' a step" in result.error.message) == ("OrderChanged", True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ctx: ctx.wait_event("w", "no event"), "cannot be an event"),
        (lambda ctx: ctx.wait_event("w", "told", key=True), "a text or a whole number"),
        (lambda ctx: ctx.wait_event("w", "told", where="event ="), "'where' is no condition"),
        (lambda ctx: ctx.wait_event("w", "told", where="n > 1"), "'where' is no condition"),
        (lambda ctx: ctx.wait_event("w", "told", where="event", values={"data": 1}), "has a meaning in 'where'"),
        (lambda ctx: ctx.wait_event("w", "told", values={"n": 1}), "'values' are for 'where'"),
        (lambda ctx: ctx.wait_event("w", "told", default=1), "'default' is what a timeout gives"),
        (lambda ctx: ctx.wait_event("w", "told", timeout="soon"), "ctx.wait_event"),
        (lambda ctx: ctx.wait_event("w", "told", timeout="1h", default={1}), "cannot be stored"),
        (lambda ctx: ctx.ask("w", "riddle"), "no kind of question"),
        (lambda ctx: ctx.ask("w", "choice"), "'choices' is missing"),
        (lambda ctx: ctx.ask("w", "text", choices=["a"]), "'choices' has no effect"),
        (lambda ctx: ctx.ask("w", "choice", choices=[1]), "a choice is a text"),
        (lambda ctx: ctx.ask("w", "json", schema={"type": "riddle"}), "no JSON Schema"),
    ],
)
def test_what_can_be_no_wait_is_refused_at_the_call(call: Callable[[StepContext], Any], message: str) -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await call(ctx)

    result = simulated(main)
    assert result.error is not None
    assert (result.error.type, message in result.error.message) == ("ContextMisuse", True), result.error.message


def test_a_plain_function_cannot_wait() -> None:
    def main(n: int, ctx: StepContext) -> Any:
        ctx.wait_event("w", "told").send(None)

    result = simulated(main)
    assert result.error is not None
    assert "only an async one can" in result.error.message


@pytest.mark.parametrize("more", ["ignore_errors: true", "catch: [{steps: [{step: sorry, set: {sorry: true}}]}]"])
def test_an_error_of_a_wait_is_the_functions_and_not_caught_around_it(more: str) -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        try:
            await ctx.wait_event("late", "told", timeout="1h")
        except StepFailed as error:
            return error.type

    result = simulated(main, CALL + f"  {more}\n")
    assert result.output == {"out": "Timeout"}
