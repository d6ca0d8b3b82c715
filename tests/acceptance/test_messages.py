"""Messages to one execution: what becomes of each, in one table; sent again under an id; from steps, in their order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durable_runtime import AsyncDurable, InvalidInput, InvalidOption, WrongStatus
from durable_runtime.core.values import MAX_BYTES
from tests.acceptance.clients import graph, query, run, work
from tests.acceptance.command import Inside
from tests.acceptance.test_waits import NOBODY, told, until_open

TWO = graph("""
workflow: two
steps:
  - {wait: first, event: paid, save: first}
  - {wait: second, event: paid, save: second}
""")

LATE = graph("""
workflow: late
steps:
  - {wait: first, event: paid, timeout: 1ms, on_timeout: {value: nothing}, save: first}
  - {wait: second, any: {paid: {event: paid}, gone: {event: gone}}, save: second}
""")

PICKY = graph("""
workflow: picky
steps:
  - {wait: first, event: paid, where: event.n > 1, save: first}
  - {wait: second, event: paid, save: second}
""")

SENDS = graph("""
workflow: sends
input: {type: object, properties: {to: {type: string}}}
steps:
  - {step: one, emit: said, to: "${ input.to }", with: {n: 1}}
  - foreach: items
    in: "[2, 3]"
    steps: [{step: each, emit: said, to: "${ input.to }", with: {n: "${ item }"}}]
  - parallel: both
    branches:
      a: [{step: four, emit: said, to: "${ input.to }", with: {n: 4}}]
  - {wait: nap, for: 1ms}
  - {step: last, emit: said, to: "${ input.to }", with: {n: 5}}
""")

HEARS = graph("""
workflow: hears
steps:
  - {loop: all, until: data.last.n == 5, steps: [{wait: word, event: said, save: last}]}
""")

HUGE = "x" * 2_000_000

CASES: list[tuple[str, Any, list[Any], list[Any], Any]] = [
    # What is sent before anyone claims it, what once the first wait is open, and what the two waits give.
    ("early", TWO, [1, 2], [], (1, 2)),
    ("one early, one when it is open", TWO, [1], [2], (1, 2)),
    ("repeated", TWO, [], [1, 1], (1, 1)),
    ("null", TWO, [None], [None], (None, None)),
    ("false, empty", TWO, [False], [""], (False, "")),
    ("huge", TWO, [HUGE], [[HUGE]], (HUGE, [HUGE])),
    ("late", LATE, [], [7], ("nothing", {"which": "paid", "value": 7})),
    ("not for this wait", PICKY, [{"n": 1}, {"n": 2}], [], ({"n": 2}, {"n": 1})),
    ("of another form", PICKY, ["text", {"n": 2}], [], ({"n": 2}, "text")),
]


@pytest.mark.parametrize(("graph_", "early", "open_", "taken"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_becomes_of_an_event(database_url: str, graph_: Any, early: Any, open_: Any, taken: Any) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(graph_)
            for payload in early:
                await durable.send_event(id, "paid", payload)
            worker = durable.worker()
            working = asyncio.create_task(worker.run())
            if open_:
                await until_open(durable, id, 2 if graph_ is LATE else 1)
            for payload in open_:
                await durable.send_event(id, "paid", payload)
            output = await durable.result(id, 30)
            worker.stop()
            await working
            return output["first"], output["second"]

    assert run(story()) == taken
    assert query(database_url, "select count(*) from durable.request") == 0


def test_events_at_the_same_moment_are_taken_in_the_order_in_which_they_were_stored(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(TWO)
        await asyncio.gather(*(durable.send_event(id, "paid", n) for n in range(10)))
        output = await durable.result(id, 30)
        steps = (await durable.get_execution(id, include_steps=True)).steps
        return list(output.values()), [step.result["payload"] for step in steps or () if step.kind == "received"]

    output, received = told(database_url, story)
    assert output == received[:2]


def test_what_is_too_large_or_for_nobody_is_refused_and_nothing_is_sent(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(TWO)
        with pytest.raises(InvalidInput, match="the payload takes"):
            await durable.send_event(id, "paid", "x" * MAX_BYTES)
        await durable.cancel(id)
        with pytest.raises(Exception, match="cancelled"):
            await durable.result(id, 30)
        with pytest.raises(WrongStatus):
            await durable.send_event(id, "paid", 1)

    told(database_url, story)
    assert query(database_url, "select count(*) from durable.checkpoint where kind = 'received'") == 0


def test_what_is_sent_again_under_its_own_id_counts_once(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(TWO)
        # Both lie in the inbox at once.
        await asyncio.gather(*(durable.send_event(id, "paid", "a", once="payment 1") for _ in range(3)))
        await until_open(durable, id)
        assert (await durable.list_pending(execution=id))[0].path == "second"
        # It was taken, and others came since.
        for n in range(300):
            await durable.send_event(id, "noise", n)
        await durable.send_event(id, "paid", "again", once="payment 1")
        await durable.send_event(id, "paid", "b", once="payment 2")
        output = await durable.result(id, 30)
        # The execution has ended: what it had received is no mistake, what is new is.
        await durable.send_event(id, "paid", "b", once="payment 2")
        with pytest.raises(WrongStatus):
            await durable.send_event(id, "paid", "c", once="payment 3")
        return output

    assert told(database_url, story) == {"first": "a", "second": "b"}


def test_an_id_of_ones_own_is_for_one_execution_and_is_a_text(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        ids = await durable.start_many(TWO, [{"n": 1}, {"n": 2}])
        for id in ids:
            for once in ("a", "b"):
                await durable.send_event(id, "paid", once, once=once)
        for wrong in ("", 5, "\x00", "x" * 600):
            with pytest.raises(InvalidOption, match="'once' is a text"):
                await durable.send_event(ids[0], "paid", once=wrong)  # type: ignore[arg-type]
        return [(await durable.result(id, 30))["second"] for id in ids]

    assert told(database_url, story) == ["b", "b"]


def test_what_steps_send_to_an_execution_arrives_in_their_order(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        hears = await durable.start(HEARS)
        sender = await durable.start(SENDS, {"to": hears})
        await durable.result(sender, 30)
        await durable.result(hears, 30)
        steps = (await durable.get_execution(hears, include_steps=True)).steps
        return [step.result["payload"]["n"] for step in steps or () if step.kind == "received"]

    assert told(database_url, story) == [1, 2, 3, 4, 5]


def test_what_a_step_sends_to_who_is_not_there_or_has_ended_goes_nowhere(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        first = await durable.start(SENDS, {"to": NOBODY})
        assert await durable.result(first, 30) is not None
        second = await durable.start(SENDS, {"to": first})
        await durable.result(second, 30)

    told(database_url, story)
    assert query(database_url, "select count(*) from durable.request") == 0


def test_the_command_sends_an_event_once(database_url: str, inside: Inside) -> None:
    async def begin() -> str:
        async with AsyncDurable(database_url) as durable:
            return await durable.start(TWO)

    async def finish() -> Any:
        async with AsyncDurable(database_url) as durable:
            await work(durable)
            return await durable.result(started, 30)

    started = run(begin())
    for payload, once in (("1", "a"), ("1", "a"), ("2", "b")):
        assert inside("send-event", started, "paid", payload, "--once", once).code == 0
    assert run(finish()) == {"first": 1, "second": 2}
