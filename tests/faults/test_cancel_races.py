"""A cancel and a batch that meet: whoever commits second sees the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from durable_runtime.store.protocol import Commit, Outcome
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.store.building import checkpoint, claim, completes, public_id, register, start, statuses, suspends
from tests.store.postgres import PostgresUnderTest

Gates = Callable[[str, str, str], Gate]

MOVES = pytest.mark.parametrize(
    ("move", "status"), [(completes, "completed"), (suspends, "waiting")], ids=["finishing", "suspending"]
)


@EITHER_WAY
async def test_the_batch_is_first_and_the_cancel_learns_that_it_came_too_late(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.client, "send_request", "for no key update")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "update", "execution")

    batch = asyncio.create_task(stores.worker.commit(lease, 0, [completes(key, checkpoint(1))]))
    await in_flight.reached()
    cancel = asyncio.create_task(stores.client.send_request(public_id(1), "cancel", None))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert await batch == [Outcome.COMMITTED]
    assert await statuses(stores, 1) == ["completed"]
    if guarded:
        assert await cancel == "completed"
        assert (await stores.leftovers(key)).requests == 0
    else:
        # The caller is told that its cancel was taken, of an execution that has completed.
        assert await cancel == "running"
        assert (await stores.leftovers(key)).requests == 1


@EITHER_WAY
async def test_the_batch_suspends_first_and_the_cancel_wakes_the_execution(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.client, "send_request", "for no key update")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "update", "execution")

    batch = asyncio.create_task(stores.worker.commit(lease, 0, [suspends(key, checkpoint(1))]))
    await in_flight.reached()
    cancel = asyncio.create_task(stores.client.send_request(public_id(1), "cancel", None))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert await batch == [Outcome.COMMITTED]
    if guarded:
        assert await cancel == "waiting"
        assert [one.key for one in await claim(stores, lease)] == [key]
    else:
        # The hint is missing, for the statement still believed in an owner: nobody applies the cancel.
        assert await cancel == "running"
        assert await claim(stores, lease) == []


@EITHER_WAY
@MOVES
async def test_the_cancel_is_first_and_no_end_commits_after_it(
    stores: PostgresUnderTest, gate: Gates, guarded: bool, move: Callable[..., Commit], status: str
) -> None:
    if not guarded:
        take_out(stores.worker, "append_and_move", "and e.signal = m.seen")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable client", "insert", "request")

    cancel = asyncio.create_task(stores.client.send_request(public_id(1), "cancel", None))
    await in_flight.reached()
    assert await stores.worker.commit(lease, 0, [move(key, checkpoint(1))]) == [Outcome.BUSY]
    in_flight.open()
    assert await cancel == "running"

    outcomes = await stores.worker.commit(lease, 0, [move(key, checkpoint(1))])
    if guarded:
        assert outcomes == [Outcome.REFUSED]
        assert await statuses(stores, 1) == ["running"]
        assert await stores.client.list_checkpoints(key) == []
    else:
        # The request lies in the inbox of an execution that has gone on without reading it.
        assert outcomes == [Outcome.COMMITTED]
        assert await statuses(stores, 1) == [status]


@EITHER_WAY
@MOVES
async def test_the_cancel_comes_between_the_snapshot_of_the_batch_and_its_locks(
    stores: PostgresUnderTest, observer: Observer, guarded: bool, move: Callable[..., Commit], status: str
) -> None:
    if not guarded:
        take_out(stores.worker, "append_and_move", "for no key update skip locked")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)

    async with await psycopg.AsyncConnection.connect(stores.url) as stranger:
        # The batch stops at its fence, its snapshot taken.
        await stranger.execute("select from durable.lane where worker_id = %s for update", (lease.worker_id,))
        batch = asyncio.create_task(stores.worker.commit(lease, 0, [move(key, checkpoint(1))]))
        await observer.until_waiting("durable lane 0")
        assert await stores.client.send_request(public_id(1), "cancel", None) == "running"
        await stranger.rollback()

    if guarded:
        assert await batch == [Outcome.BUSY]
        assert await stores.worker.commit(lease, 0, [move(key, checkpoint(1))]) == [Outcome.REFUSED]
        assert await statuses(stores, 1) == ["running"]
    else:
        assert await batch == [Outcome.COMMITTED]
        assert await statuses(stores, 1) == [status]
