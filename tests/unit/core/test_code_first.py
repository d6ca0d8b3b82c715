"""A step's function that makes calls of its own: what is stored of them, and what it sees when it is entered again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from durable_dsl import Retry
from durable_runtime import StepContext
from durable_runtime.actions import ContextMisuse, Fatal, StepFailed
from durable_runtime.testing import SimulationResult
from tests.unit.core.simulating import kinds, run

CALL = """
- step: main
  call: tests.unit.core.simulating.run
  with: {n: 2}
  save: out
"""


def simulated(main: Callable[..., Any], steps: str = CALL, **mocks: Any) -> SimulationResult:
    """Runs a workflow whose step `main` is this function."""
    return run(steps, main=main, **mocks)


def out(result: SimulationResult) -> Any:
    assert result.status == "completed", result.error
    return result.output["out"]


def test_calls_run_once_though_the_function_is_entered_again() -> None:
    ran: list[object] = []

    def note(value: object) -> object:
        ran.append(value)
        return value

    async def main(n: int, ctx: StepContext) -> Any:
        ran.append("top")
        first = await ctx.step("first", note, n)
        await ctx.sleep("nap", "3h")
        return [first, await ctx.step("second", note, n + 1)]

    result = simulated(main)
    assert out(result) == [2, 3]
    assert ran == ["top", 2, "top", 3]
    assert result.slept == timedelta(hours=3)
    assert [(one.path, one.kind) for one in result.checkpoints] == [
        ("main", "entered"),
        ("main/first", "completed"),
        ("main/nap", "waiting"),
        ("main/nap", "completed"),
        ("main/second", "completed"),
        ("main", "completed"),
    ]


def test_repeated_names_count_up() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return [await ctx.step("look", lambda i: i, index) for index in range(n + 1)]

    result = simulated(main)
    assert out(result) == [0, 1, 2]
    assert kinds(result, "main/look#3") == ["completed"]


def test_results_are_what_json_makes_of_them_from_the_first_run_on() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        found = await ctx.step("find", lambda: {"pair": (1, 2)})
        assert found == {"pair": [1, 2]}
        found["pair"].append(3)
        await ctx.sleep("nap", timedelta(seconds=1))
        return found

    assert out(simulated(main)) == {"pair": [1, 2, 3]}


def test_what_is_changed_in_place_does_not_change_what_is_stored() -> None:
    seen: list[object] = []

    async def main(n: int, ctx: StepContext) -> Any:
        found = await ctx.step("find", lambda: [1])
        seen.append(list(found))
        found.append(2)
        await ctx.sleep("nap", "1s")
        return seen

    assert out(simulated(main)) == [[1], [1]]


def test_no_exception_goes_through_the_function_when_it_is_suspended() -> None:
    caught: list[str] = []
    closed: list[str] = []

    async def main(n: int, ctx: StepContext) -> Any:
        try:
            await ctx.sleep("nap", "1h")
        except Exception as error:
            caught.append(repr(error))
        finally:
            closed.append("finally")
        return caught

    assert out(simulated(main)) == []
    assert closed == ["finally", "finally"]


def test_a_function_that_awaits_while_it_is_closed_is_entered_again_all_the_same() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        try:
            await ctx.sleep("nap", "1h")
        finally:
            await ctx.step("tidy", lambda: None)
        return "done"

    assert out(simulated(main)) == "done"


def test_an_error_of_a_sub_step_is_the_same_at_once_and_later() -> None:
    class CardDeclined(ValueError):
        data: ClassVar[dict[str, int]] = {"card": 1}

    def charge() -> None:
        raise CardDeclined("no funds")

    seen: list[tuple[object, ...]] = []

    async def main(n: int, ctx: StepContext) -> Any:
        try:
            await ctx.step("charge", charge)
        except StepFailed as error:
            seen.append((error.type, str(error), error.data, error.is_a("ValueError"), error.is_a("KeyError")))
        await ctx.sleep("nap", "1s")
        return len(seen)

    assert out(simulated(main)) == 2
    assert seen == [("CardDeclined", "no funds", {"card": 1}, True, False)] * 2


def test_an_error_that_is_not_caught_is_the_steps_own() -> None:
    def charge() -> None:
        raise KeyError("card")

    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.step("charge", charge)

    steps = CALL + "  catch: [{errors: [LookupError], steps: [{step: sorry, set: {sorry: '${ error.type }'}}]}]\n"
    result = simulated(main, steps)
    assert result.output == {"sorry": "KeyError", "out": {"sorry": "KeyError"}}


def test_a_retry_of_the_step_keeps_what_is_done_and_makes_the_failed_call_again() -> None:
    ran: list[str] = []

    def work(name: str, fails: bool) -> str:
        ran.append(name)
        if fails:
            raise RuntimeError(name)
        return name

    async def main(n: int, ctx: StepContext) -> Any:
        found = [await ctx.step("first", work, "first", False)]
        try:
            await ctx.step("caught", work, "caught", True)
        except StepFailed:
            found.append("went on")
        found.append(await ctx.step("second", work, "second", ctx.attempt == 1))
        return found

    steps = CALL + "  retry: {max_attempts: 2, delay: 1m}\n"
    result = simulated(main, steps)
    assert out(result) == ["first", "went on", "second"]
    assert ran == ["first", "caught", "second", "second"]
    assert kinds(result, "main") == ["entered", "retrying", "entered", "completed"]


def test_a_sub_step_has_a_retry_of_its_own() -> None:
    attempts: list[int] = []

    def flaky(ctx: StepContext) -> str:
        attempts.append(ctx.attempt)
        if len(attempts) < 3:
            raise RuntimeError("not yet")
        return ctx.node

    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.step("ask", flaky, retry=Retry(max_attempts=3, delay="1m", backoff="constant"))

    result = simulated(main)
    assert out(result) == "main/ask"
    assert attempts == [1, 2, 3]
    assert result.slept == timedelta(minutes=2)
    assert result.attempts_of("main") == 3


def test_a_fatal_error_of_a_sub_step_ends_the_step() -> None:
    def never() -> None:
        raise Fatal("never")

    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.step("ask", never, retry=5)

    result = simulated(main, CALL + "  retry: 5\n")
    assert result.status == "failed"
    assert result.attempts_of("main") == 1


@pytest.mark.parametrize(
    ("second", "problem"),
    [("other", "called 'other'"), (None, "returned before 'first'"), ("nap", "made 'first' a wait")],
)
def test_a_changed_order_is_said(second: str | None, problem: str) -> None:
    entered: list[int] = []
    went_on: list[str] = []

    async def main(n: int, ctx: StepContext) -> Any:
        entered.append(1)
        if len(entered) == 1:
            await ctx.step("first", lambda: 1)
            await ctx.sleep("nap", "1s")
        try:
            if second == "nap":
                await ctx.sleep("first", "1s")
            elif second is not None:
                await ctx.step(second, lambda: 2)
        except BaseException as error:
            if not isinstance(error, GeneratorExit):
                went_on.append(repr(error))
            raise

    result = simulated(main, CALL + "  retry: 5\n")
    assert result.error is not None
    assert result.error.type == "OrderChanged"
    assert problem in result.error.message
    assert result.error.data == {"calls": ["first", "nap"]}
    assert (len(entered), went_on) == (2, [])


def test_time_suspended_does_not_count_towards_the_timeout() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await ctx.sleep("nap", "3h")
        await ctx.sleep("nap", "3h")
        return "rested"

    assert out(simulated(main, CALL + "  timeout: 1m\n")) == "rested"


def test_time_that_it_ran_counts_over_all_its_parts() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        for _turn in range(3):
            await ctx.step("work", asyncio.sleep, 25)
            await ctx.sleep("nap", "3h")

    result = simulated(main, CALL + "  timeout: 1m\n")
    assert result.error is not None
    assert result.error.type == "Timeout"
    assert kinds(result, "main/nap#2") == ["waiting", "completed"]


def test_now_random_and_uuid7_are_the_same_when_the_function_is_entered_again() -> None:
    seen: list[tuple[object, ...]] = []

    async def main(n: int, ctx: StepContext) -> Any:
        before = (ctx.now(), ctx.random(), ctx.random(), ctx.uuid7())
        await ctx.sleep("nap", "1h")
        seen.append((*before, ctx.now()))
        await ctx.sleep("nap", "1h")
        return None

    result = simulated(main)
    assert result.status == "completed"
    assert seen[0] == seen[1]
    began, one, two, uuid, later = seen[0]
    assert later - began == timedelta(hours=1)  # type: ignore[operator]
    assert one != two
    assert uuid.version == 7  # type: ignore[attr-defined]


def test_what_is_logged_before_a_call_that_is_over_is_logged_once() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        ctx.log("begins")
        await ctx.sleep("nap", "1h")
        ctx.log("goes on", level="warning")

    assert [(line.path, line.level, line.message) for line in simulated(main).logs] == [
        ("main", "info", "begins"),
        ("main", "warning", "goes on"),
    ]


def test_a_plain_function_has_steps() -> None:
    def main(n: int, ctx: StepContext) -> Any:
        return [ctx.step("look", lambda i: i, index) for index in range(n)]

    result = simulated(main)
    assert out(result) == [0, 1]
    assert kinds(result, "main/look#2") == ["completed"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("Look", "cannot name a call"), ("compensate", "cannot name a call"), ("a/b", "cannot name a call")],
)
def test_a_name_that_cannot_stand_in_a_path_is_refused(name: str, message: str) -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        with pytest.raises(ContextMisuse, match=message):
            await ctx.step(name, lambda: 1)
        return "refused"

    assert out(simulated(main)) == "refused"


def test_calls_at_once_are_refused() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await asyncio.gather(ctx.step("one", asyncio.sleep, 1), ctx.step("two", asyncio.sleep, 1))

    result = simulated(main)
    assert result.error is not None
    assert result.error.type == "ContextMisuse"
    assert "another task" in result.error.message or "under way" in result.error.message


def test_a_call_within_a_call_is_refused() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        async def inner() -> None:
            await ctx.sleep("nap", "1s")

        await ctx.step("outer", inner)

    result = simulated(main)
    assert result.error is not None
    assert "'nap' was called while 'outer' is under way" in result.error.message


def test_calls_are_made_in_every_item_and_turn() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await ctx.sleep("nap", "1s")
        return await ctx.step("double", lambda: n * 2)

    steps = """
    - foreach: each
      in: "[1, 2, 3]"
      as: n
      concurrency: 2
      save: out
      steps:
        - step: main
          call: tests.unit.core.simulating.run
          with: {n: "${ n }"}
    """
    result = run(steps, each__main=main)
    assert out(result) == [2, 4, 6]
    assert kinds(result, "each[2]/main/double") == ["completed"]


def test_a_compensation_makes_calls_of_its_own() -> None:
    made: list[str] = []

    async def undo(ctx: StepContext) -> None:
        made.append(await ctx.step("find", lambda: "receipt"))
        await ctx.sleep("nap", "1h")
        made.append(await ctx.step("pay_back", lambda: "paid back"))

    steps = """
    - step: charge
      call: tests.unit.core.simulating.run
      with: {}
      save: charged
      compensate: tests.unit.core.simulating.output
    - fail: too_late
      type: TooLate
      message: too late
    """
    result = run(steps, charge=lambda: 1, charge__compensate=undo)
    assert result.status == "compensated", result.error
    assert made == ["receipt", "receipt", "paid back"]
    assert kinds(result, "charge/compensate/find") == ["completed"]
