"""Events for which nobody can tell whether they fit: the log says so, once, at the moment in which the two meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durable_runtime import StepContext
from durable_runtime.testing import Event, SimulationResult
from tests.unit.core.simulating import run, run_with

HOUR = timedelta(hours=1)
WHY = "its condition cannot be evaluated"


def warnings(result: SimulationResult) -> list[tuple[str, str]]:
    assert {line.level for line in result.logs} <= {"warning"}
    return [(line.path, line.message) for line in result.logs]


def test_an_event_that_meets_an_open_wait_is_told_of_and_the_wait_goes_on() -> None:
    steps = "- {wait: paid, event: payment, where: event.cents >= 5, save: paid}"
    events = [Event("payment", {"amount": 7}, after=HOUR), Event("payment", {"cents": 7}, after=2 * HOUR)]
    result = run(steps, events=events)
    assert result.output == {"paid": {"cents": 7}}
    [(path, message)] = warnings(result)
    assert path == ""
    assert message.startswith(f"the event 'payment' counts as not fitting 'paid', for {WHY}: ")
    assert "cents" in message


def test_an_event_that_came_before_its_wait_is_told_of_when_that_opens() -> None:
    steps = """
    - {wait: nap, for: 2h}
    - wait: either
      any:
        paid: {event: payment, where: event.cents >= 5}
        late: {for: 1h}
      save: outcome
    """
    result = run(steps, events=[Event("payment", "much", after=HOUR)])
    assert result.output == {"outcome": {"which": "late", "value": None}}
    [(path, message)] = warnings(result)
    assert path == "either"
    assert message.startswith(f"the event 'payment' counts as not fitting 'either.paid', for {WHY}: ")


def test_every_wait_that_cannot_tell_is_told_of_and_one_that_can_takes_it() -> None:
    steps = """
    - parallel: both
      branches:
        one: [{wait: first, event: e, where: event.n > 1, timeout: 2h, on_timeout: {value: none}, save: first}]
        two: [{wait: second, event: e, where: event.m > 1, save: second}]
    """
    result = run(steps, events=[Event("e", {"m": 2}, after=HOUR)])
    assert result.output == {"first": "none", "second": {"m": 2}}
    assert [message.partition(", for")[0] for _path, message in warnings(result)] == [
        "the event 'e' counts as not fitting 'both/first'"
    ]


def test_a_wait_in_a_function_tells_of_it_too() -> None:
    async def work(ctx: StepContext) -> Any:
        await ctx.sleep("nap", "2h")
        return await ctx.wait_event("big", "told", where="event.n > 1", timeout="1h", default="none")

    result = run_with(
        "- {step: work, call: m.work, save: out}", mocks={"work": work, "events": [Event("told", "x", after=HOUR)]}
    )
    assert result.output == {"out": "none"}
    assert [(path, message.partition(", for")[0]) for path, message in warnings(result)] == [
        ("work/big", "the event 'told' counts as not fitting 'work/big'")
    ]


def test_what_does_not_fit_is_nothing_to_tell_of() -> None:
    steps = "- {wait: paid, event: payment, where: event.cents >= 5, timeout: 3h, on_timeout: {value: none}}"
    assert run(steps, events=[Event("payment", {"cents": 1}, after=HOUR)]).logs == ()
