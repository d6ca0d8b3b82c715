"""Events that functions send: with the next checkpoint, and each once however often the function is entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from durable_runtime import StepContext, StepFailed
from durable_runtime.testing import SimulationResult
from tests.unit.core.simulating import kinds, run

NOBODY = "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"

HEARS = """
- parallel: both
  save: out
  branches:
    speaks:
      - step: main
        call: tests.unit.core.simulating.run
        with: {}
        retry: {max_attempts: 2, delay: 1m}
    hears:
      - step: ears
        call: tests.unit.core.simulating.output
        with: {}
"""


async def ears(ctx: StepContext) -> Any:
    """Gives everything that was said within a day."""
    heard = []
    while (word := await ctx.wait_event("word", "said", key="k", timeout="1d", default=None)) is not None:
        heard.append(word)
    return heard


def spoken(main: Callable[..., Any]) -> tuple[list[Any], SimulationResult]:
    """Runs a function that speaks, and gives what was heard."""
    result = run(HEARS, both__main=main, both__ears=ears)
    assert result.status == "completed", result.error
    return result.output["out"]["hears"], result


def test_what_a_step_sends_goes_with_its_own_checkpoint_if_it_makes_no_calls() -> None:
    async def main(ctx: StepContext) -> None:
        ctx.emit("said", "k", {"n": 1})
        ctx.emit("said", "k", {"n": 2})

    heard, result = spoken(main)
    assert heard == [{"n": 1}, {"n": 2}]
    assert kinds(result, "both/main") == ["completed"]


def test_a_plain_function_sends_too() -> None:
    def main(ctx: StepContext) -> None:
        ctx.emit("said", "k", ctx.step("word", lambda: "hello"))
        ctx.step("last", lambda: None)

    heard, result = spoken(main)
    assert heard == ["hello"]
    assert kinds(result, "both/main/emit") == ["completed"]


def test_what_is_sent_before_a_call_goes_with_it_and_is_not_sent_again() -> None:
    async def main(ctx: StepContext) -> None:
        ctx.emit("said", "k", "first")
        await ctx.sleep("nap", "1h")
        ctx.emit("said", "k", "second")
        await ctx.step("work", lambda: None)
        await ctx.sleep("nap", "1h")
        ctx.emit("said", "k", "third")

    heard, result = spoken(main)
    assert heard == ["first", "second", "third"]
    paths = [one.path for one in result.checkpoints if one.path.startswith("both/main")]
    assert paths == [
        "both/main", "both/main/emit", "both/main/nap", "both/main/nap", "both/main/emit#2", "both/main/work",
        "both/main/nap#2", "both/main/nap#2", "both/main",
    ]  # fmt: skip


def test_an_attempt_that_fails_has_sent_nothing_of_its_end() -> None:
    async def main(ctx: StepContext) -> None:
        ctx.emit("said", "k", f"attempt {ctx.attempt}")
        if ctx.attempt == 1:
            raise RuntimeError("no")

    assert spoken(main)[0] == ["attempt 2"]


def test_what_was_sent_before_a_call_that_failed_is_not_sent_by_the_next_attempt() -> None:
    def work(attempt: int) -> None:
        if attempt == 1:
            raise RuntimeError("no")

    async def main(ctx: StepContext) -> None:
        ctx.emit("said", "k", f"attempt {ctx.attempt}")
        await ctx.step("work", work, ctx.attempt)

    assert spoken(main)[0] == ["attempt 1"]


def test_what_was_sent_before_a_call_that_is_tried_again_is_sent_once() -> None:
    async def asynchronous(ctx: StepContext) -> None:
        ctx.emit("said", "k", "before")
        await ctx.step("work", flaky, retry=3)

    def plain(ctx: StepContext) -> None:
        ctx.emit("said", "k", "before")
        ctx.step("work", flaky, retry=3)

    def flaky(ctx: StepContext) -> None:
        ctx.emit("said", "k", f"attempt {ctx.attempt}")
        if ctx.attempt < 3:
            raise RuntimeError("no")

    assert spoken(asynchronous)[0] == ["before", "attempt 3"]
    assert spoken(plain)[0] == ["before", "attempt 3"]


def test_a_function_of_ctx_step_sends_what_it_sends_with_that_call() -> None:
    def work(ctx: StepContext) -> None:
        ctx.emit("said", "k", ctx.node)

    def fails(ctx: StepContext) -> None:
        ctx.emit("said", "k", "never")
        raise RuntimeError("no")

    async def main(ctx: StepContext) -> None:
        await ctx.step("work", work)
        await ctx.sleep("nap", "1h")
        try:
            await ctx.step("fails", fails)
        except StepFailed:
            await ctx.step("outer", lambda: ctx.emit("said", "k", "by the outer ctx"))

    assert spoken(main)[0] == ["both/main/work", "by the outer ctx"]


def test_an_event_to_one_execution() -> None:
    async def main(ctx: StepContext) -> Any:
        ctx.send_event(ctx.execution_id, "said", {"n": 1})
        ctx.send_event(NOBODY, "said", "nobody hears that")
        return await ctx.wait_event("word", "said")

    result = run("- {step: main, call: tests.unit.core.simulating.run, with: {}, save: out}", main=main)
    assert result.output == {"out": {"n": 1}}


def test_a_changed_order_of_what_is_sent_is_said() -> None:
    entered: list[int] = []

    async def main(ctx: StepContext) -> None:
        entered.append(1)
        if len(entered) == 1:
            ctx.emit("said", "k")
        await ctx.sleep("nap", "1h")

    result = run("- {step: main, call: tests.unit.core.simulating.run, with: {}}", main=main)
    assert result.error is not None
    assert (result.error.type, result.error.data) == ("OrderChanged", {"calls": ["emit", "nap"]})


def test_a_function_that_sends_where_it_did_not_before_is_said_whatever_it_catches() -> None:
    entered: list[int] = []

    async def main(ctx: StepContext) -> None:
        entered.append(1)
        if len(entered) > 1:
            with pytest.raises(Exception, match="called 'emit', but call 1 was 'nap'"):
                ctx.emit("said", "k")
        await ctx.sleep("nap", "1h")

    result = run("- {step: main, call: tests.unit.core.simulating.run, with: {}}", main=main)
    assert result.error is not None
    assert result.error.type == "OrderChanged"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ctx: ctx.emit("no event", "k"), "cannot be an event"),
        (lambda ctx: ctx.emit("said", 1.5), "a text or a whole number"),
        (lambda ctx: ctx.emit("said", "k", {1, 2}), "the payload cannot be stored"),
        (lambda ctx: ctx.send_event("you", "said"), "'you' is no id"),
        (lambda ctx: ctx.send_event(NOBODY, ""), "cannot be an event"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_the_call(call: Callable[[StepContext], None], message: str) -> None:
    result = run("- {step: main, call: tests.unit.core.simulating.run, with: {}}", main=lambda ctx: call(ctx))
    assert result.error is not None
    assert (result.error.type, message in result.error.message) == ("ContextMisuse", True), result.error.message
