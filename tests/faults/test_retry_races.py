"""Two retries at once, and a retry that meets the end: one is taken, and the others learn it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from durable_runtime.store.protocol import Commit, End, Outcome
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.store.building import AT, checkpoint, claim, completes, get, public_id, register, start
from tests.store.postgres import PostgresUnderTest

Gates = Callable[[str, str, str], Gate]


def fails(key: int) -> Commit:
    return Commit(key=key, seen=0, checkpoints=[checkpoint(1)], move=End(status="failed", at=AT, error=b"{}"))


@EITHER_WAY
async def test_of_two_retries_at_once_one_is_taken(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.client, "retry", "for no key update")
        take_out(stores.client, "retry", "where e.id = f.id and f.status = 'failed'", "where e.id = f.id")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [fails(key)])
    in_flight = gate("durable client", "insert", "request")

    one = asyncio.create_task(stores.client.retry(public_id(1), {"by": "ann"}))
    await in_flight.reached()
    other = asyncio.create_task(stores.client.retry(public_id(1), {"by": "ben"}))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert [await one, await other] == ["failed", "pending" if guarded else "failed"]
    inbox = (await stores.worker.read_inboxes([key]))[key]
    assert [payload for _id, _kind, payload in inbox.requests] == [{"by": "ann"}, {"by": "ben"}][: 1 if guarded else 2]


async def test_a_retry_that_meets_the_failure_waits_for_it_and_is_taken(
    stores: PostgresUnderTest, observer: Observer, gate: Gates
) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "update", "execution")

    batch = asyncio.create_task(stores.worker.commit(lease, 0, [fails(key)]))
    await in_flight.reached()
    retry = asyncio.create_task(stores.client.retry(public_id(1), {}))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert await batch == [Outcome.COMMITTED]
    assert await retry == "failed"
    row = await get(stores, 1)
    assert (row.status, row.error, row.finished_at) == ("pending", None, None)
    (claimed,) = await claim(stores, lease)
    assert (claimed.key, claimed.signal, claimed.fresh) == (key, 1, False)


async def test_a_retry_of_what_completes_at_that_moment_changes_nothing(
    stores: PostgresUnderTest, observer: Observer, gate: Gates
) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "update", "execution")

    batch = asyncio.create_task(stores.worker.commit(lease, 0, [completes(key, checkpoint(1))]))
    await in_flight.reached()
    retry = asyncio.create_task(stores.client.retry(public_id(1), {}))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert await batch == [Outcome.COMMITTED]
    assert await retry == "completed"
    assert (await get(stores, 1)).status == "completed"
    assert await claim(stores, lease) == []
