"""Calls of a burst that meet each other, or the beginning of what they start: whoever is first decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.store.building import claim, get, ids_of, public_id, register
from tests.store.postgres import PostgresUnderTest
from tests.store.test_bursts import SPAN, call

Gates = Callable[[str, str, str], Gate]


async def test_of_two_first_calls_at_once_one_starts_and_the_other_gives_it_its_input(
    stores: PostgresUnderTest, observer: Observer, gate: Gates
) -> None:
    await call(stores, 9, key="other")
    in_flight = gate("durable client", "insert", "execution")

    first = asyncio.create_task(call(stores, 1))
    await in_flight.reached()
    second = asyncio.create_task(call(stores, 2))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert (await first, await second) == (public_id(1), public_id(1))
    assert (await get(stores, 1)).input == {"n": 2}
    assert observer.value("select count(*) from durable.execution") == 2


@EITHER_WAY
async def test_the_claim_is_first_and_the_call_starts_another(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.client, "extend_burst", "for no key update of e")
    await call(stores, 1)
    lease = await register(stores)
    # Claimed by its id before its time, as a worker does that was started for it; its locks are held meanwhile.
    in_flight = gate("durable claims", "update", "execution")
    claimed = asyncio.create_task(stores.worker.claim(lease, "default", 1, only=[public_id(1)]))
    await in_flight.reached()
    second = asyncio.create_task(call(stores, 2))
    await observer.until_waiting("durable client")
    in_flight.open()

    [one] = await claimed
    assert one.input == {"n": 1}
    # Without the lock it becomes the input of what runs with another one, and is lost.
    assert await second == public_id(2 if guarded else 1)


async def test_the_call_is_first_and_the_claim_finds_nothing(stores: PostgresUnderTest, gate: Gates) -> None:
    await call(stores, 1)
    await stores.let_pass(SPAN * 0.9)
    lease = await register(stores)
    in_flight = gate("durable client", "update", "execution")
    second = asyncio.create_task(call(stores, 2))
    await in_flight.reached()
    assert await stores.worker.claim(lease, "default", 1, only=[public_id(1)]) == []
    in_flight.open()
    assert await second == public_id(1)
    [one] = await stores.worker.claim(lease, "default", 1, only=[public_id(1)])
    assert one.input == {"n": 2}


async def test_whoever_wakes_it_is_first_and_the_call_starts_another(stores: PostgresUnderTest, gate: Gates) -> None:
    await call(stores, 1)
    await stores.let_pass(SPAN)
    in_flight = gate("durable chores", "update", "execution")
    woken = asyncio.create_task(stores.worker.wake_due())
    await in_flight.reached()
    assert await call(stores, 2) == public_id(2)
    in_flight.open()
    assert (await woken).executions == 1
    assert ids_of(await claim(stores, await register(stores))) == [public_id(1)]
