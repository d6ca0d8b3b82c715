"""Functions that start other executions: by key, and waiting for them later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import StepContext, StepFailed
from durable_runtime.testing import SimulationResult, simulate

ORDER = """
workflow: order
steps:
  - step: main
    call: tests.unit.core.simulating.run
    with: {}
    save: out
    retry: 2
  - step: known
    when: "false"
    workflow: payment
---
workflow: payment
input: {type: object, properties: {amount: {type: integer, default: 1}}}
output: "${ data.booked }"
steps:
  - wait: clearing
    for: 10s
  - step: book
    call: bank.book
    with: {amount: "${ input.amount }"}
    save: booked
"""
booked: list[int] = []


def book(amount: int) -> dict[str, int]:
    booked.append(amount)
    if amount < 0:
        raise ValueError("too little")
    return {"booked": amount}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    booked.clear()


@pytest.fixture
def simulated(tmp_path: Path) -> Callable[..., SimulationResult]:
    def simulated(main: Callable[..., Any]) -> SimulationResult:
        file = tmp_path / "order.yaml"
        file.write_text(ORDER)
        return simulate(file, {}, {"bank.book": book, "main": main})

    return simulated


Simulated = Callable[[Callable[..., Any]], SimulationResult]


def out(result: SimulationResult) -> Any:
    assert result.status == "completed", result.error
    return result.output["out"]


def test_what_was_started_is_joined_later(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        ids = [await ctx.start_workflow("pay", "payment", {"amount": n}) for n in (1, 2)]
        await ctx.sleep("nap", "4s")
        return [await ctx.join("paid", id) for id in ids]

    result = simulated(main)
    assert out(result) == [{"booked": 1}, {"booked": 2}]
    assert sorted(booked) == [1, 2]
    assert result.slept == timedelta(seconds=10)


def test_what_has_ended_by_then_is_there_at_once(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        id = await ctx.start_workflow("pay", "payment")
        await ctx.sleep("nap", "1h")
        return await ctx.join("paid", id)

    result = simulated(main)
    assert out(result) == {"booked": 1}
    assert result.slept == timedelta(hours=1)


def test_the_failure_of_what_is_joined_is_that_of_a_child(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        id = await ctx.start_workflow("pay", "payment", {"amount": -1})
        try:
            await ctx.join("paid", id)
        except StepFailed as error:
            return [str(error) == f"the child {id} failed: ValueError: too little", error.type]

    assert out(simulated(main)) == [True, "ChildFailed"]


def test_only_what_this_function_started_is_joined(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        keyed = await ctx.start_workflow("pay", "payment", key="k")
        for other in (ctx.execution_id, keyed):
            with pytest.raises(Exception, match="waits for what"):
                await ctx.join("paid", other)
        return "refused"

    assert out(simulated(main)) == "refused"


def test_one_key_is_one_execution_whether_it_is_called_or_started(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        started = await ctx.start_workflow("pay", "payment", {"amount": 5}, key=17)
        again = await ctx.start_workflow("pay", "payment", {"amount": 6}, key="17")
        called = await ctx.call_workflow("call", "payment", {"amount": 7}, key="17")
        other = await ctx.call_workflow("call", "payment", {"amount": 8}, key="18")
        return [started == again, called, other]

    assert out(simulated(main)) == [True, {"booked": 5}, {"booked": 8}]
    assert booked == [5, 8]


def test_a_call_that_was_refused_is_the_same_when_the_function_is_entered_again(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        try:
            await ctx.call_workflow("call", "nowhere", key="k")
        except StepFailed as error:
            found = error.type
        await ctx.sleep("nap", "1s")
        return found

    assert out(simulated(main)) == "WorkflowNotFound"


def test_a_key_that_is_none_is_refused(simulated: Simulated) -> None:
    async def main(ctx: StepContext) -> Any:
        with pytest.raises(Exception, match="a key is a text or a whole number"):
            await ctx.call_workflow("call", "payment", key=1.5)  # type: ignore[arg-type]
        return "refused"

    assert out(simulated(main)) == "refused"
