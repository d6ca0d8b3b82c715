"""Values that an execution shows by name: by steps, and in the middle of a step's function."""

from __future__ import annotations

from typing import Any

import pytest

from durable_runtime import ContextMisuse, StepContext
from durable_runtime.actions import notes
from durable_runtime.actions.notes import MAX_ITEM
from durable_runtime.core.values import NotStorable
from tests.unit.core.simulating import failure, kinds, run


def test_a_step_publishes_values_by_name() -> None:
    result = run("- {step: s, publish: {total: '${ input.n + 1 }', state: open}}", {"n": 2})
    assert result.values == {"total": 3, "state": "open"}
    assert (result.output, kinds(result, "s")) == ({"n": 2}, ["completed"])
    assert result.checkpoints[0].result == {"total": 3, "state": "open"}


def test_the_newest_value_of_a_name_counts_and_null_is_one() -> None:
    steps = """
    - {step: a, publish: {x: 1, y: 1}}
    - {foreach: f, in: "[2, 3]", steps: [{step: b, publish: {x: '${ item }'}}]}
    - {step: c, publish: {y: null}}
    """
    assert run(steps).values == {"x": 3, "y": None}


def test_what_it_publishes_can_be_saved_and_reshaped_for_the_data() -> None:
    assert run("- {step: s, publish: {a: 1}, save: s}").output == {"s": {"a": 1}}
    result = run("- {step: s, publish: {a: 1}, output: '${ result.a + 1 }', save: s}")
    assert (result.output, result.values) == ({"s": 2}, {"a": 1})


def test_what_is_skipped_or_fails_publishes_nothing() -> None:
    assert run("- {step: s, publish: {a: 1}, when: false}").values == {}
    result = run("- {step: s, publish: {a: 1}, output: '${ 1 / 0 }', ignore_errors: true}")
    assert (result.status, result.values) == ("completed", {})
    assert failure("- {step: s, publish: {a: '${ 1 / 0 }'}}")[0] == "ExpressionError"


def test_what_undoes_a_step_may_publish() -> None:
    steps = "- {step: a, log: a, compensate: {publish: {state: undone}}}\n- {fail: f}"
    result = run(steps)
    assert (result.status, result.values) == ("compensated", {"state": "undone"})


def test_branches_publish_at_the_same_time() -> None:
    steps = """
    - parallel: p
      branches: {a: [{step: s, publish: {a: 1}}], b: [{step: t, publish: {b: 2}}]}
    """
    assert run(steps).values == {"a": 1, "b": 2}


def test_a_function_writes_into_streams_in_the_order_of_its_calls() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        ctx.write("out", "begins")
        await ctx.step("first", inner)
        ctx.write("out", "between")
        ctx.write("other", n)
        await ctx.sleep("nap", "1h")
        ctx.write("out", "ends")
        return n

    def inner(ctx: StepContext) -> None:
        ctx.write("out", ctx.node)

    result = run(CALL, main=main)
    assert result.streams == {"out": ["begins", "main/first", "between", "ends"], "other": [2]}


def test_another_attempt_writes_only_what_comes_behind_the_calls_that_are_done() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        ctx.write("out", f"before {ctx.attempt}")
        await ctx.step("first", lambda: 1)
        ctx.write("out", f"behind {ctx.attempt}")
        if ctx.attempt == 1:
            raise OSError
        return n

    result = run(CALL.replace("save: out", "save: out, retry: 2"), main=main)
    assert result.streams == {"out": ["before 1", "behind 1", "behind 2"]}


def test_a_call_that_is_tried_again_writes_anew() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        return await ctx.step("first", inner, retry=2)

    def inner(ctx: StepContext) -> int:
        ctx.write("out", ctx.attempt)
        if ctx.attempt == 1:
            raise OSError
        return 1

    assert run(CALL, main=main).streams == {"out": [1, 2]}


def test_it_makes_no_difference_by_which_context_a_call_writes() -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        def inner() -> int:
            ctx.write("out", "in a call")
            seen.append(n)
            if len(seen) == 1:
                raise OSError
            return 1

        ctx.write("out", "before")
        await ctx.step("first", inner, retry=2)
        ctx.write("out", "behind")
        await ctx.sleep("nap", "1h")
        ctx.write("out", "end")

    seen: list[int] = []
    assert run(CALL, main=main).streams == {"out": ["before", "in a call", "in a call", "behind", "end"]}


def test_what_cannot_be_written_is_refused_where_it_is_written() -> None:
    seen: list[type[Exception]] = []

    def main(n: int, ctx: StepContext) -> Any:
        for name, value in (("out", float("nan")), ("No Name", 1), ("out", "x" * MAX_ITEM)):
            try:
                ctx.write(name, value)
            except Exception as error:
                seen.append(type(error))
        return n

    assert run(CALL, main=main).streams == {}
    assert seen == [NotStorable, ContextMisuse, NotStorable]


def test_an_attempt_writes_no_more_than_one_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MAX_ITEMS", 2)

    def main(n: int, ctx: StepContext) -> Any:
        for number in range(3):
            ctx.write("out", number)

    result = run(CALL, main=main)
    assert result.error is not None
    assert (result.error.type, result.streams) == ("StreamFull", {"out": [0, 1]})
    monkeypatch.setattr(notes, "MAX_WRITTEN", 1)
    assert run(CALL, main=main).streams == {"out": [0]}


CALL = "- {step: main, call: tests.unit.core.simulating.run, with: {n: 2}, save: out}"


def test_an_async_function_publishes_once_for_each_call() -> None:
    entered = 0

    async def main(n: int, ctx: StepContext) -> Any:
        nonlocal entered
        entered += 1
        nothing = await ctx.publish("state", {"entered": entered})
        await ctx.sleep("nap", "1h")
        await ctx.publish("state", "later")
        await ctx.publish("rest", [n])
        return nothing

    result = run(CALL, main=main)
    assert (entered, result.values) == (2, {"state": "later", "rest": [2]})
    stored = [(one.path, one.result) for one in result.checkpoints if one.result is not None]
    assert stored == [
        ("main/state", {"state": {"entered": 1}}),
        ("main/state#2", {"state": "later"}),
        ("main/rest", {"rest": [2]}),
    ]
    assert result.output == {"out": None}


def test_a_plain_function_publishes_too() -> None:
    def main(n: int, ctx: StepContext) -> Any:
        ctx.publish("state", n)
        return ctx.step("work", lambda: n + 1)

    result = run(CALL, main=main)
    assert (result.output, result.values) == ({"out": 3}, {"state": 2})


def test_a_value_that_cannot_be_stored_or_named_is_refused_where_it_is_published() -> None:
    seen: list[type[Exception]] = []

    async def main(n: int, ctx: StepContext) -> Any:
        for name, value in (("state", float("nan")), ("No Name", 1)):
            try:
                await ctx.publish(name, value)
            except Exception as error:
                seen.append(type(error))
        return n

    assert run(CALL, main=main).values == {}
    assert seen == [NotStorable, ContextMisuse]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_another_attempt_publishes_nothing_twice(fails_at: int) -> None:
    async def main(n: int, ctx: StepContext) -> Any:
        await ctx.publish("a", ctx.attempt)
        if fails_at == 1 and ctx.attempt == 1:
            raise OSError
        await ctx.publish("b", ctx.attempt)
        if fails_at == 2 and ctx.attempt == 1:
            raise OSError
        return n

    result = run(CALL.replace("save: out", "save: out, retry: 2"), main=main)
    assert result.values == {"a": 1, "b": 3 - fails_at}
    assert len([one for one in result.checkpoints if one.path in ("main/a", "main/b")]) == 2
