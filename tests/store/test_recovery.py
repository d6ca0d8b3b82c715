"""Recovery: what becomes of the executions of workers that are gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from durable_runtime.store import takeover
from durable_runtime.store.protocol import RECOVERY_LIMIT
from tests.store.building import (
    LEASE,
    checkpoint,
    claim,
    completes,
    get,
    goes_on,
    ids_of,
    public_id,
    register,
    start,
    statuses,
    suspends,
)
from tests.store.stores import Leftovers, Stores


async def crash(stores: Stores, *, alone: bool = False, seq: int | None = None) -> None:
    """Claims execution 1, commits a checkpoint with this number if asked to, and is never heard of again."""
    lease = await register(stores)
    (claimed,) = await claim(stores, lease, alone=alone)
    if seq is not None:
        await stores.worker.commit(lease, 0, [goes_on(claimed.key, checkpoint(seq))])
    await stores.let_pass(LEASE * 2)
    assert await stores.recovery.take_over_expired() == 1


async def test_executions_of_an_expired_worker_are_pending_again_and_the_worker_is_forgotten(stores: Stores) -> None:
    keys = await start(stores, 1, 2, 3)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(
        lease, 0, [goes_on(keys[0], checkpoint(1)), completes(keys[1]), suspends(keys[2], checkpoint(1))]
    )
    await stores.let_pass(LEASE * 2)
    assert await stores.recovery.take_over_expired() == 1
    assert await statuses(stores, 1, 2, 3) == ["pending", "completed", "waiting"]
    assert await stores.leftovers(keys[0]) == Leftovers(hints=1, waits=0, requests=0)
    assert await stores.client.list_workers() == []
    assert await stores.recovery.take_over_expired() == 0


async def test_a_worker_whose_lease_holds_is_left_alone(stores: Stores) -> None:
    await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.let_pass(LEASE - timedelta(seconds=3))
    assert await stores.heartbeat(lease, LEASE)
    await stores.let_pass(LEASE - timedelta(seconds=3))
    assert await stores.recovery.take_over_expired() == 0
    assert await stores.recovery.take_over(lease.worker_id) == 0
    assert await statuses(stores, 1) == ["running"]


async def test_only_the_expired_one_of_two_workers_is_taken_over(stores: Stores) -> None:
    await start(stores, 1, 2)
    dead, alive = await register(stores), await register(stores)
    await claim(stores, dead, 1)
    await claim(stores, alive, 1)
    await stores.let_pass(LEASE * 2)
    assert await stores.heartbeat(alive, LEASE)
    assert await stores.recovery.take_over_expired() == 1
    assert await statuses(stores, 1, 2) == ["pending", "running"]
    assert not await stores.heartbeat(dead, LEASE)


async def test_the_recovered_execution_is_no_longer_fresh_and_shows_that_it_was_recovered(stores: Stores) -> None:
    await start(stores, 1)
    await crash(stores)
    assert (await get(stores, 1)).recoveries == 1
    (claimed,) = await claim(stores, await register(stores))
    assert (claimed.id, claimed.fresh, claimed.recoveries) == (public_id(1), False, 1)


async def test_recoveries_are_counted_until_a_checkpoint_is_written(stores: Stores) -> None:
    await start(stores, 1)
    await crash(stores)
    await crash(stores)
    assert (await get(stores, 1)).recoveries == 2
    await crash(stores, seq=1)
    assert (await get(stores, 1)).recoveries == 1
    await crash(stores)
    assert (await get(stores, 1)).recoveries == 2


async def test_a_checkpoint_written_alone_brings_it_back_among_the_others(stores: Stores) -> None:
    await start(stores, 1)
    for _crash in range(3):
        await crash(stores)
    await crash(stores, alone=True, seq=1)
    assert (await get(stores, 1)).recoveries == 1
    assert ids_of(await claim(stores, await register(stores))) == [public_id(1)]


async def test_at_the_limit_of_recoveries_it_fails_and_says_why(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    for number in range(RECOVERY_LIMIT):
        assert await statuses(stores, 1) == ["pending"]
        await crash(stores, alone=number >= 3)
    row = await get(stores, 1)
    assert row.status == "failed"
    assert row.error == {
        "type": "RecoveryLimit",
        "message": "its worker was lost 20 times in a row without a new checkpoint",
        "data": None,
        "node": None,
        "attempt": 1,
    }
    assert row.finished_at is not None
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)
    lease = await register(stores)
    assert await claim(stores, lease, alone=True) == []
    assert await stores.client.send_request(public_id(1), "cancel", None) == "failed"


async def test_a_row_that_a_stranger_holds_is_put_back_by_the_sweep(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    await claim(stores, await register(stores))
    await stores.let_pass(LEASE * 2)
    async with stores.held(keys[0]):
        assert await stores.recovery.take_over_expired() == 1
        assert await statuses(stores, 1, 2) == ["running", "pending"]
        assert await stores.recovery.sweep() == (0, 0)
    assert await stores.recovery.sweep() == (1, 0)
    assert await statuses(stores, 1, 2) == ["pending", "pending"]
    assert (await get(stores, 1)).recoveries == 1
    assert await stores.recovery.sweep() == (0, 0)


async def test_the_sweep_finds_what_an_unregistered_worker_still_held(stores: Stores) -> None:
    await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.unregister(lease)
    assert await stores.recovery.take_over_expired() == 0
    assert await stores.recovery.sweep() == (1, 0)
    assert await statuses(stores, 1) == ["pending"]


async def test_the_sweep_leaves_the_executions_of_living_workers(stores: Stores) -> None:
    await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease, 1)
    await stores.let_pass(timedelta(seconds=6))
    assert await stores.recovery.sweep() == (0, 0)


async def test_the_sweep_gives_back_a_hint_that_was_lost(stores: Stores) -> None:
    pending, _scheduled, sleeping = (
        *await start(stores, 1),
        *await start(stores, 2, scheduled_at=await stores.now() + timedelta(hours=1)),
        *await start(stores, 3, queue="slow"),
    )
    lease = await register(stores)
    await stores.worker.claim(lease, "slow", 1)
    await stores.worker.commit(lease, 0, [suspends(sleeping, until=[await stores.now() + timedelta(hours=1)])])
    await stores.drop_hints()
    assert await stores.recovery.sweep() == (0, 0)
    await stores.let_pass(timedelta(seconds=6))
    assert await stores.recovery.sweep() == (0, 1)
    assert (await stores.leftovers(pending)).hints == 1
    assert ids_of(await claim(stores, lease)) == [public_id(1)]
    assert await stores.recovery.sweep() == (0, 0)


async def test_a_sweep_looks_at_a_portion_and_the_next_one_goes_on(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "SWEPT_AT_ONCE", 2)
    await start(stores, 1, 2, 3, 4, 5)
    await stores.drop_hints()
    await stores.let_pass(timedelta(seconds=6))
    assert sum([(await stores.recovery.sweep())[1] for _ in range(3)]) == 5
    await stores.drop_hints()
    assert sum([(await stores.recovery.sweep())[1] for _ in range(3)]) == 5
