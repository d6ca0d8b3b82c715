"""The faults that a test can put into the store in memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from durable_runtime.errors import LeaseLost
from durable_runtime.store.protocol import Lease, NoAnswer, Outcome, TryAgain
from durable_runtime.testing import FakeClock, Fault, MemoryStore
from tests.store.building import checkpoint, claim, completes, goes_on, ids_of, public_id, register, start, statuses
from tests.store.memory import MemoryUnderTest


@pytest.fixture
def memory(runner: asyncio.Runner) -> MemoryUnderTest:
    return MemoryUnderTest()


async def running(memory: MemoryUnderTest) -> tuple[Lease, int]:
    (key,) = await start(memory, 1)
    lease = await register(memory)
    await claim(memory, lease)
    return lease, key


async def test_an_answer_lost_before_the_commit_leaves_nothing_stored(memory: MemoryUnderTest) -> None:
    lease, key = await running(memory)
    memory.store.inject("commit", Fault.LOST_BEFORE)
    with pytest.raises(NoAnswer):
        await memory.worker.commit(lease, 0, [completes(key, checkpoint(1))])
    assert (await memory.worker.read_stored(lease, [key]))[key].last_seq == 0
    assert await statuses(memory, 1) == ["running"]


async def test_an_answer_lost_after_the_commit_leaves_all_of_it_stored(memory: MemoryUnderTest) -> None:
    lease, key = await running(memory)
    memory.store.inject("commit", Fault.LOST_AFTER)
    with pytest.raises(NoAnswer):
        await memory.worker.commit(lease, 0, [completes(key, checkpoint(1))])
    assert (await memory.worker.read_stored(lease, [key]))[key].last_seq == 1
    assert await statuses(memory, 1) == ["completed"]


async def test_a_claim_whose_answer_was_lost_is_found_among_what_is_owned(memory: MemoryUnderTest) -> None:
    (key,) = await start(memory, 1)
    lease = await register(memory)
    memory.store.inject("claim", Fault.LOST_AFTER)
    with pytest.raises(NoAnswer):
        await claim(memory, lease)
    assert await memory.worker.owned(lease) == [key]
    assert await claim(memory, lease) == []


async def test_faults_are_met_in_order_by_the_calls_of_one_method(memory: MemoryUnderTest) -> None:
    lease, key = await running(memory)
    memory.store.inject("commit", None, Fault.TRY_AGAIN)
    assert await memory.worker.commit(lease, 0, [goes_on(key, checkpoint(1))]) == [Outcome.COMMITTED]
    assert await memory.worker.owned(lease) == [key]
    with pytest.raises(TryAgain):
        await memory.worker.commit(lease, 0, [goes_on(key, checkpoint(2))])
    assert await memory.worker.commit(lease, 0, [goes_on(key, checkpoint(2))]) == [Outcome.COMMITTED]


async def test_where_the_server_would_wait_for_a_stranger_it_is_as_after_a_lock_timeout(
    memory: MemoryUnderTest,
) -> None:
    _lease, key = await running(memory)
    async with memory.held(key):
        with pytest.raises(TryAgain):
            await memory.client.send_request(public_id(1), "cancel", None)
    assert await memory.client.send_request(public_id(1), "cancel", None) == "running"


async def test_a_lease_runs_out_when_the_clock_says_so(memory: MemoryUnderTest) -> None:
    lease, key = await running(memory)
    memory.clock.advance(timedelta(seconds=10))
    assert await memory.recovery.take_over_expired() == 0
    memory.clock.advance(timedelta(microseconds=1))
    assert await memory.recovery.take_over_expired() == 1
    with pytest.raises(LeaseLost):
        await memory.worker.commit(lease, 0, [goes_on(key, checkpoint(1))])


async def test_each_worker_remembers_for_itself_where_its_claims_ended(memory: MemoryUnderTest) -> None:
    await start(memory, 1)
    lease, other = await register(memory), await register(memory)
    await claim(memory, lease)
    await start(memory, 2, priority=5)
    assert await claim(memory, lease) == []
    assert ids_of(await claim(memory, other)) == [public_id(2)]


def test_two_stores_with_the_same_history_hold_the_same() -> None:
    async def history() -> object:
        memory = MemoryUnderTest()
        lease, key = await running(memory)
        await memory.worker.commit(lease, 0, [completes(key, checkpoint(1))])
        return await memory.client.find_execution(public_id(1)), memory.store.rows

    assert asyncio.run(history()) == asyncio.run(history())


def test_the_clock_stands_still_until_it_is_advanced_and_never_goes_back() -> None:
    clock = FakeClock()
    begun = clock.now()
    assert clock.now() == begun
    assert clock.advance(timedelta(hours=1)) == begun + timedelta(hours=1)
    with pytest.raises(ValueError, match="cannot go back by 0:00:01"):
        clock.advance(timedelta(seconds=-1))
    assert MemoryStore(clock).clock.now() == begun + timedelta(hours=1)
