"""Events by key on a real database: early, late, in the caller's transaction, from steps, and cancelling."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable, ExecutionCancelled, InvalidInput, InvalidOption
from tests.acceptance.clients import graph, query, run, work
from tests.acceptance.test_waits import told, until_open

PAID = graph("""
workflow: paid
steps:
  - wait: payment
    event: invoice.paid
    key: ${ input.invoice }
    save: payment
""")

LATER = graph("""
workflow: later
steps:
  - step: note
    log: beginning
  - wait: approval
    ask: approval
  - wait: payment
    event: invoice.paid
    key: a-1
    save: payment
""")

SENDS = graph("""
workflow: sends
steps:
  - step: tell
    emit: invoice.paid
    key: ${ input.invoice }
    with: {amount: 5}
  - step: tell_one
    emit: hello
    to: ${ input.to }
    with: {from: "${ execution.id }"}
""")

GREETED = graph("""
workflow: greeted
steps:
  - wait: hello
    event: hello
    save: hello
""")

CANCELLED = graph("""
workflow: cancelled
cancel_on: [{event: order.cancelled, key: "${ input.order }"}]
steps:
  - step: first
    log: begins
  - wait: rest
    for: 1h
""")


def test_an_event_reaches_all_who_wait_for_its_key_and_nobody_else(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        ids = await durable.start_many(PAID, [{"invoice": "a-1"}, {"invoice": "a-1"}, {"invoice": "a-2"}])
        for id in ids:
            await until_open(durable, id)
        await durable.emit("invoice.paid", "a-1", {"amount": 5})
        outputs = [await durable.result(id, 30) for id in ids[:2]]
        return outputs, (await durable.get_execution(ids[2])).status

    outputs, other = told(database_url, story)
    assert outputs == [{"invoice": "a-1", "payment": {"amount": 5}}] * 2
    assert other == "waiting"


def test_an_event_before_its_wait_is_found_and_one_before_the_execution_is_not(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        await durable.emit("invoice.paid", "a-1", "too early")
        id = await durable.start(LATER)
        await durable.emit("invoice.paid", "a-1", "early")
        await until_open(durable, id)
        await durable.provide_input(id, "approval", True)
        return await durable.result(id, 30)

    assert told(database_url, story) == {"payment": "early"}


def test_an_event_is_part_of_the_callers_transaction(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(PAID, {"invoice": "a-1"})
        await until_open(durable, id)
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            await durable.emit("invoice.paid", "a-1", "never", connection=connection)
            await connection.rollback()
            assert query(database_url, "select count(*) from durable.event") == 0
            await durable.emit("invoice.paid", "a-1", "paid", connection=connection)
            assert query(database_url, "select count(*) from durable.event") == 0
            await connection.commit()
        return await durable.result(id, 30)

    assert told(database_url, story) == {"invoice": "a-1", "payment": "paid"}


def test_steps_send_events_with_their_checkpoints(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        waits, greeted = await durable.start(PAID, {"invoice": "7"}), await durable.start(GREETED)
        await until_open(durable, waits)
        sender = await durable.start(SENDS, {"invoice": 7, "to": greeted})
        await durable.result(sender, 30)
        return await durable.result(waits, 30), (await durable.result(greeted, 30))["hello"]["from"] == sender

    assert told(database_url, story) == ({"invoice": "7", "payment": {"amount": 5}}, True)


def test_what_a_step_sends_to_nobody_goes_nowhere(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        ended = await durable.start(SENDS, {"invoice": 7, "to": "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"})
        await durable.result(ended, 30)
        again = await durable.start(SENDS, {"invoice": 7, "to": ended})
        await durable.result(again, 30)

    told(database_url, story)


def test_an_event_cancels_whoever_said_so(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        one, other = await durable.start_many(CANCELLED, [{"order": "x"}, {"order": "y"}])
        while [(await durable.get_execution(id)).status for id in (one, other)] != ["waiting"] * 2:
            await asyncio.sleep(0.01)
        assert await durable.list_pending() == []
        await durable.emit("order.cancelled", "x", {"by": "customer"})
        with pytest.raises(ExecutionCancelled, match=r"the event order\.cancelled came with the key x"):
            await durable.result(one, 30)
        return (await durable.get_execution(other)).status

    assert told(database_url, story) == "waiting"


def test_what_was_cancelled_by_an_event_in_the_queue_never_begins(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(CANCELLED, {"order": "x"})
            await durable.emit("order.cancelled", "x")
            await work(durable)
            found = await durable.get_execution(id, include_steps=True, include_logs=True)
            return found.status, found.logs, [step.kind for step in found.steps or ()]

    assert run(story()) == ("cancelled", (), ["cancelled"])
    assert query(database_url, "select count(*) from durable.open_wait") == 0


def test_what_can_be_no_event_is_refused(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            for name, key in (("no event", "a"), ("e", None), ("e", True), ("e", 1.5)):
                with pytest.raises(InvalidOption):
                    await durable.emit(name, key)  # type: ignore[arg-type]
            with pytest.raises(InvalidInput, match="the payload"):
                await durable.emit("e", "a", float("nan"))
            with pytest.raises(InvalidInput, match="the key"):
                await durable.emit("e", "\x00")
            with pytest.raises(InvalidOption, match="cannot be kept"):
                await durable.keep_events("e", timedelta(days=-1))
            await durable.keep_events("e", timedelta(days=1))

    run(story())
    assert query(database_url, "select count(*) from durable.event") == 0
