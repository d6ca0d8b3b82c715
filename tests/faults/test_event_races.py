"""An event and a wait that meet: whoever is stored second sees the other, and nothing is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from durable_runtime.core.open_waits import OpenWait
from durable_runtime.store.messages import Sought
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Outcome
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.store.building import AT, checkpoint, claim, goes_on, register, start, statuses, suspends
from tests.store.postgres import PostgresUnderTest

Gates = Callable[[str, str, str], Gate]
SENT = "00000000-0000-7000-8000-0000000000e1"


def opens(key: int) -> Commit:
    """A commit that opens a wait for what is paid."""
    commit = goes_on(key, checkpoint(1))
    detail = {"event": "paid", "key": "a"}
    commit.opens = (
        OpenWait(path="payment", label="", kind="event", detail=detail, opened_at=AT, name="paid", key="a"),
    )
    return commit


async def look(stores: PostgresUnderTest, key: int) -> list[object]:
    """Looks as an owner does once its wait is stored."""
    found = await stores.worker.find_events([Sought(execution=key, name="paid", key="a")])
    return [event["payload"] for event in found.get(key, [])]


async def route(worker: PostgresWorkerStore) -> None:
    while (await worker.route()).requests:
        pass


async def inbox(stores: PostgresUnderTest, key: int) -> int:
    return len((await stores.worker.read_inboxes([key]))[key].requests)


async def test_an_event_that_is_sent_while_the_wait_is_being_stored_is_found_by_the_look(
    stores: PostgresUnderTest, gate: Gates
) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "insert", "open_wait")

    batch = asyncio.create_task(stores.worker.commit(lease, 0, [opens(key)]))
    await in_flight.reached()
    await stores.client.emit_event("paid", "a", b"1", SENT)
    await route(stores.worker)
    in_flight.open()

    assert await batch == [Outcome.COMMITTED]
    # Nobody waited when it was routed: without the look it is lost.
    assert await inbox(stores, key) == 0
    await route(stores.worker)
    assert await inbox(stores, key) == 0
    assert await look(stores, key) == [1]


async def test_a_wait_that_is_stored_while_the_event_is_being_routed_finds_it_and_is_not_told_again(
    stores: PostgresUnderTest, gate: Gates
) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.emit_event("paid", "a", b"1", SENT)
    router = PostgresWorkerStore(stores.url)
    in_flight = gate("durable chores", "update", "event")

    routing = asyncio.create_task(route(router))
    await in_flight.reached()
    # The router has looked already who waits.
    assert await stores.worker.commit(lease, 0, [opens(key)]) == [Outcome.COMMITTED]
    assert await look(stores, key) == [1]
    in_flight.open()
    await routing
    await router.close()

    assert await inbox(stores, key) == 0


async def test_an_event_whose_transaction_is_open_when_the_wait_looks_is_routed_to_it(
    stores: PostgresUnderTest,
) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    async with await psycopg.AsyncConnection.connect(stores.url) as sender:
        await stores.client.emit_event("paid", "a", b"1", SENT, connection=sender)
        await stores.worker.commit(lease, 0, [opens(key)])
        assert await look(stores, key) == []
        await stores.worker.commit(lease, 0, [suspends(key, checkpoint(2))])
        await route(stores.worker)
        assert await statuses(stores, 1) == ["waiting"]
        await sender.commit()

    await route(stores.worker)
    assert await statuses(stores, 1) == ["pending"]
    assert await inbox(stores, key) == 1


@EITHER_WAY
async def test_an_event_whose_transaction_is_open_is_not_settled_by_later_ones(
    stores: PostgresUnderTest, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.worker, "settle_events", "pg_snapshot_xmin", "pg_snapshot_xmax")
    (key,) = await start(stores, 1)
    async with await psycopg.AsyncConnection.connect(stores.url) as sender:
        await stores.client.emit_event("paid", "a", b"1", SENT, connection=sender)
        await stores.client.emit_event("paid", "a", b"2", SENT.replace("e1", "e2"))
        (later,) = (await stores.worker.find_events([Sought(execution=key, name="paid", key="a")]))[key]
        known = Sought(execution=key, name="paid", key="a", known=(later["event"],))
        settled = await stores.worker.settle_events(known)
        await sender.commit()

    still_known = tuple(set(known.known) - set(settled["gone"]))
    after = Sought(
        execution=key, name="paid", key="a", known=still_known, before=settled["before"], upto=settled["upto"]
    )
    found = await stores.worker.find_events([after])
    # Its number is the lower one, and it was not there to be seen.
    assert [event["payload"] for event in found.get(key, [])] == ([1] if guarded else [])


@EITHER_WAY
async def test_two_routers_tell_of_one_event_once(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [opens(key)])
    await stores.client.emit_event("paid", "a", b"1", SENT)
    first, second = PostgresWorkerStore(stores.url), PostgresWorkerStore(stores.url)
    if not guarded:
        for router in (first, second):
            take_out(router, "route", "limit %(limit)s for update skip locked", "limit %(limit)s")
    in_flight = gate("durable chores", "update", "event")

    routing = asyncio.create_task(first.route())
    await in_flight.reached()
    both = asyncio.create_task(second.route())
    if guarded:
        assert (await both).requests == 0
    else:
        await observer.until_waiting("durable chores")
    in_flight.open()
    await asyncio.gather(routing, both)
    await route(first)
    for router in (first, second):
        await router.close()

    # The owner knows an event by its id, so even twice it would be taken once; but it would be woken for nothing.
    assert await inbox(stores, key) == (1 if guarded else 2)


@EITHER_WAY
async def test_of_two_answers_that_meet_one_is_taken(stores: PostgresUnderTest, gate: Gates, guarded: bool) -> None:
    if not guarded:
        take_out(stores.client, "send_answer", "and w.answer is null")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    commit = goes_on(key, checkpoint(1))
    commit.opens = (OpenWait(path="a", label="", kind="ask", detail={"ask": "text"}, opened_at=AT),)
    await stores.worker.commit(lease, 0, [commit])
    in_flight = gate("durable client", "update", "open_wait")

    ids = [SENT, SENT.replace("e1", "e2")]
    answers = [
        asyncio.create_task(stores.client.send_answer("00000000-0000-7000-8000-000000000001", "a", "", id, 1))
        for id in ids
    ]
    await in_flight.reached()
    in_flight.open()

    assert sorted(await asyncio.gather(*answers)) == ([False, True] if guarded else [True, True])
    assert await inbox(stores, key) == (1 if guarded else 2)
