"""Statements whose answer never came: after a lane's epoch was raised, what is stored is certain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from durable_runtime.errors import LeaseLost
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Outcome
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.store.building import checkpoint, claim, completes, goes_on, goes_on_by_two, register, start
from tests.store.postgres import PostgresUnderTest

Gates = Callable[[str, str, str], Gate]

WRITES = pytest.mark.parametrize(
    ("write", "statement"),
    [(goes_on, "append_one"), (goes_on_by_two, "append"), (completes, "append_and_move")],
    ids=["going on", "going on by two", "finishing"],
)


@EITHER_WAY
@WRITES
async def test_raising_the_epoch_waits_for_a_ghost_so_that_what_is_read_then_is_true(
    stores: PostgresUnderTest,
    observer: Observer,
    gate: Gates,
    guarded: bool,
    write: Callable[..., Commit],
    statement: str,
) -> None:
    # The ghost is the connection that this worker had before it broke: the same lane, the same epoch.
    ghost = PostgresWorkerStore(stores.url)
    if not guarded:
        take_out(ghost, statement, "for share")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "insert", "checkpoint")
    commit = write(key, checkpoint(1))
    lost = asyncio.create_task(ghost.commit(lease, 0, [commit]))
    await in_flight.reached()
    raising = asyncio.create_task(stores.worker.raise_own_epoch(lease, 0))

    if guarded:
        await observer.until_waiting("durable lane 0")
        in_flight.open()
        raised = await raising
        assert (await stores.worker.read_stored(raised, [key]))[key].last_seq == len(commit.checkpoints)
        assert await lost == [Outcome.COMMITTED]
    else:
        # It reads that nothing is stored, would send the batch again, and then the ghost arrives.
        raised = await raising
        assert (await stores.worker.read_stored(raised, [key]))[key].last_seq == 0
        in_flight.open()
        assert await lost == [Outcome.COMMITTED]
        assert (await stores.worker.read_stored(raised, [key]))[key].last_seq == len(commit.checkpoints)
    await ghost.close()


@EITHER_WAY
@WRITES
async def test_a_ghost_that_begins_after_the_epoch_was_raised_writes_nothing(
    stores: PostgresUnderTest, guarded: bool, write: Callable[..., Commit], statement: str
) -> None:
    ghost = PostgresWorkerStore(stores.url)
    if not guarded:
        take_out(ghost, statement, "epoch = %(epoch)s", "%(epoch)s > 0")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    raised = await stores.worker.raise_own_epoch(lease, 0)
    assert (await stores.worker.read_stored(raised, [key]))[key].last_seq == 0

    if guarded:
        with pytest.raises(LeaseLost):
            await ghost.commit(lease, 0, [write(key, checkpoint(1))])
        assert (await stores.worker.read_stored(raised, [key]))[key].last_seq == 0
    else:
        commit = write(key, checkpoint(1))
        assert await ghost.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
        assert (await stores.worker.read_stored(raised, [key]))[key].last_seq == len(commit.checkpoints)
    await ghost.close()
