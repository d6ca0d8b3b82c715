"""Transactions that stay open: a stranger's on one row, a client's that froze before its COMMIT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import psycopg
import pytest

from durable_runtime.store.arrays import register_columns
from durable_runtime.store.columns import checkpoint_columns
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.store.takeover import Takeover
from tests.faults.racing import EITHER_WAY, Observer, take_out
from tests.store.building import (
    LEASE,
    checkpoint,
    claim,
    completes,
    goes_on,
    public_id,
    register,
    start,
    statuses,
    suspends,
)
from tests.store.postgres import PostgresUnderTest

MANY = 500


@EITHER_WAY
@pytest.mark.parametrize(
    ("move", "status"), [(completes, "completed"), (suspends, "waiting")], ids=["finish", "suspend"]
)
async def test_a_strangers_transaction_on_one_row_does_not_hold_up_the_other_499(
    stores: PostgresUnderTest, observer: Observer, guarded: bool, move: Callable[..., Commit], status: str
) -> None:
    if not guarded:
        take_out(stores.worker, "append_and_move", "skip locked")
    moved = "select count(*) from durable.execution where status = %s"
    await start(stores, *range(1, MANY + 1))
    lease = await register(stores)
    claimed = await claim(stores, lease, MANY)
    held = claimed[123]
    batch = [move(one.key, checkpoint(1)) for one in claimed]

    async with stores.held(held.key):
        commit = asyncio.create_task(stores.worker.commit(lease, 0, batch))
        if guarded:
            outcomes = await commit
            assert [one.key for one, outcome in zip(batch, outcomes, strict=True) if outcome is Outcome.BUSY] == [
                held.key
            ]
            assert outcomes.count(Outcome.COMMITTED) == MANY - 1
            assert observer.value(moved, status) == MANY - 1
            assert await stores.client.list_checkpoints(held.key) == []
        else:
            await observer.until_waiting("durable lane 0")
            assert observer.value(moved, status) == 0
    if guarded:
        assert await stores.worker.commit(lease, 0, [batch[123]]) == [Outcome.COMMITTED]
    else:
        assert await commit == [Outcome.COMMITTED] * MANY
    assert observer.value(moved, status) == MANY


@asynccontextmanager
async def frozen(stores: PostgresUnderTest, lease: Lease, lane: int, key: int) -> AsyncIterator[int]:
    """A client of this lane that has sent a batch and froze before its COMMIT; gives its backend's pid."""
    connection = await psycopg.AsyncConnection.connect(stores.url, application_name="frozen")
    register_columns(connection)
    fence = {"worker_id": lease.worker_id, "lane": lane, "epoch": lease.epoch(lane)}
    columns = checkpoint_columns([goes_on(key, checkpoint(lane + 1))])
    cursor = await connection.execute(stores.worker._sql["append"], {**fence, **columns})
    assert await cursor.fetchone() == (1,)
    try:
        yield connection.info.backend_pid
    finally:
        await connection.close()


def server_time(observer: Observer) -> datetime:
    now = observer.value("select clock_timestamp()")
    assert isinstance(now, datetime)
    return now


@pytest.mark.parametrize("lanes", [(0, 0), (0, 1)], ids=["two on one lane", "one on each lane"])
async def test_clients_frozen_before_their_commit_delay_the_recovery_by_less_than_five_seconds(
    stores: PostgresUnderTest, observer: Observer, lanes: tuple[int, int]
) -> None:
    keys = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.let_pass(LEASE * 2)
    alive = "select count(*) from pg_stat_activity where application_name = 'frozen' and datname = current_database()"

    async with frozen(stores, lease, lanes[0], keys[0]), frozen(stores, lease, lanes[1], keys[1]):
        assert observer.value(alive) == 2
        begun = server_time(observer)
        assert await stores.recovery.take_over_expired() == 2
        # The only promise that is a number of seconds; the patience before it is two of them.
        assert server_time(observer) - begun < timedelta(seconds=5)
        assert observer.value(alive) == 0
    assert await statuses(stores, 1, 2) == ["pending", "pending"]
    assert await stores.worker.load_checkpoints(keys) == {keys[0]: [], keys[1]: []}
    another = await register(stores)
    assert [one.id for one in await claim(stores, another)] == [public_id(1), public_id(2)]


async def test_without_ending_the_frozen_client_nothing_is_recovered(
    stores: PostgresUnderTest, observer: Observer
) -> None:
    impatient = Takeover(stores.url, patience=timedelta(milliseconds=50))
    take_out(impatient, "end_blockers", "pg_terminate_backend(pid)", "pid")
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.let_pass(LEASE * 2)
    async with frozen(stores, lease, 0, key):
        assert await impatient.take_over_expired() == 0
        assert await statuses(stores, 1) == ["running"]
    await impatient.close()
