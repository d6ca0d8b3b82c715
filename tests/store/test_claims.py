"""Claims: what a worker takes, in which order, and what it leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from durable_runtime.errors import LeaseLost
from durable_runtime.store.protocol import ALONE_FROM, Outcome, TryAgain
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
)
from tests.store.stores import Leftovers, Stores


async def test_a_claimed_execution_is_running_and_owned(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    before = await stores.now()
    (claimed,) = await claim(stores, lease)
    row = await get(stores, 1)
    assert (claimed.key, claimed.id, claimed.workflow, claimed.queue) == (key, public_id(1), "order", "default")
    assert (claimed.definition_id, claimed.signal, claimed.recoveries) == (row.definition_id, 0, 0)
    assert (claimed.input, claimed.scheduled_at, claimed.fresh) == ({}, None, True)
    assert claimed.created_at == row.created_at
    assert claimed.started_at == row.started_at
    assert before <= claimed.started_at <= await stores.now()
    assert row.status == "running"
    assert await stores.worker.owned(lease) == [key]
    assert (await stores.leftovers(key)).hints == 0


async def test_an_execution_is_claimed_once(stores: Stores) -> None:
    await start(stores, 1)
    lease, other = await register(stores), await register(stores)
    assert len(await claim(stores, lease)) == 1
    assert await claim(stores, other) == []
    assert await stores.worker.owned(other) == []


async def test_higher_priority_comes_first_and_then_who_came_first(stores: Stores) -> None:
    await start(stores, 1, 2)
    await start(stores, 3, priority=-1)
    await start(stores, 4, priority=7)
    await start(stores, 5)
    lease = await register(stores)
    assert ids_of(await claim(stores, lease)) == [public_id(n) for n in (4, 1, 2, 5, 3)]


async def test_a_claim_takes_no_more_than_its_limit(stores: Stores) -> None:
    await start(stores, 1, 2, 3)
    lease = await register(stores)
    assert ids_of(await claim(stores, lease, 2)) == [public_id(1), public_id(2)]
    assert await statuses(stores, 3) == ["pending"]
    assert ids_of(await claim(stores, lease, 2)) == [public_id(3)]


async def test_a_claim_takes_from_its_own_queue_only(stores: Stores) -> None:
    await start(stores, 1, queue="slow")
    lease = await register(stores)
    assert await claim(stores, lease) == []
    assert ids_of(await stores.worker.claim(lease, "slow", 5)) == [public_id(1)]


async def test_a_claim_passes_by_a_row_that_a_stranger_holds(stores: Stores) -> None:
    keys = await start(stores, 1, 2, 3)
    lease = await register(stores)
    async with stores.held(keys[1]):
        assert ids_of(await claim(stores, lease)) == [public_id(1), public_id(3)]
    stores.worker.forget_low_water()
    assert ids_of(await claim(stores, lease)) == [public_id(2)]


async def test_a_claim_begins_where_the_last_one_ended_until_that_is_forgotten(stores: Stores) -> None:
    await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await start(stores, 2, priority=5)
    await start(stores, 3)
    assert ids_of(await claim(stores, lease)) == [public_id(3)]
    stores.worker.forget_low_water()
    assert ids_of(await claim(stores, lease)) == [public_id(2)]


async def test_one_claimed_by_its_id_leaves_a_hint_that_the_next_claim_drops(stores: Stores) -> None:
    key, _other = await start(stores, 1, 2)
    lease = await register(stores)
    (claimed,) = await stores.worker.claim(lease, "default", 10, only=[public_id(1)])
    assert (claimed.key, claimed.id, claimed.fresh) == (key, public_id(1), True)
    assert await statuses(stores, 1, 2) == ["running", "pending"]
    assert (await stores.leftovers(key)).hints == 1
    assert ids_of(await claim(stores, lease)) == [public_id(2)]
    assert (await stores.leftovers(key)).hints == 0


async def test_by_its_id_too_only_a_pending_one_is_claimed(stores: Stores) -> None:
    await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    assert await stores.worker.claim(lease, "default", 10, only=[public_id(1), public_id(9)]) == []


async def test_one_scheduled_for_later_can_be_claimed_by_its_id_and_keeps_no_timer(stores: Stores) -> None:
    (key,) = await start(stores, 1, scheduled_at=await stores.now() + timedelta(hours=1))
    lease = await register(stores)
    assert len(await stores.worker.claim(lease, "default", 10, only=[public_id(1)])) == 1
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)


async def test_hints_without_a_pending_execution_are_dropped_and_do_not_block_the_queue(stores: Stores) -> None:
    keys = await start(stores, 1, 2, 3)
    lease = await register(stores)
    await stores.worker.claim(lease, "default", 10, only=[public_id(1), public_id(2)])
    assert await stores.worker.commit(lease, 0, [completes(keys[0])]) == [Outcome.COMMITTED]
    assert await claim(stores, lease, 2) == []
    assert ids_of(await claim(stores, lease, 2)) == [public_id(3)]
    assert [(await stores.leftovers(key)).hints for key in keys] == [0, 0, 0]


async def test_two_hints_of_one_execution_give_it_once(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    await stores.client.send_request(public_id(1), "pause", None)
    assert (await stores.leftovers(key)).hints == 2
    lease = await register(stores)
    assert ids_of(await claim(stores, lease)) == [public_id(1)]
    assert (await stores.leftovers(key)).hints == 0


async def test_a_worker_that_was_taken_over_claims_nothing(stores: Stores) -> None:
    await start(stores, 1)
    zombie = await register(stores)
    await stores.let_pass(LEASE * 2)
    await stores.recovery.take_over_expired()
    with pytest.raises(LeaseLost):
        await claim(stores, zombie)
    with pytest.raises(LeaseLost):
        await stores.worker.claim(zombie, "default", 10, only=[public_id(1)])
    assert await statuses(stores, 1) == ["pending"]
    assert (await stores.leftovers(1)).hints == 1


async def test_one_that_was_recovered_too_often_is_claimed_alone(stores: Stores) -> None:
    await start(stores, 1)
    for _crash in range(ALONE_FROM):
        await claim(stores, await register(stores))
        await stores.let_pass(LEASE * 2)
        assert await stores.recovery.take_over_expired() == 1
    await start(stores, 2)
    lease = await register(stores)
    assert ids_of(await claim(stores, lease)) == [public_id(2)]
    (claimed,) = await claim(stores, lease, alone=True)
    assert (claimed.id, claimed.recoveries) == (public_id(1), 3)


async def test_released_executions_are_claimed_again_and_not_counted_as_recovered(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    lease, other = await register(stores), await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(keys[0], checkpoint(1))])
    assert await stores.worker.release(lease, 1, [keys[0], 999]) == [keys[0]]
    assert await statuses(stores, 1, 2) == ["pending", "running"]
    stores.worker.forget_low_water()
    (claimed,) = await claim(stores, other)
    assert (claimed.id, claimed.recoveries, claimed.fresh) == (public_id(1), 0, False)
    assert await stores.worker.release(lease, 1, [keys[0]]) == []
    assert await stores.worker.owned(other) == [keys[0]]


async def test_a_row_that_a_stranger_holds_is_released_later_and_the_others_at_once(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    async with stores.held(keys[0]):
        with pytest.raises(TryAgain):
            await stores.worker.release(lease, 1, keys)
        assert await statuses(stores, 1, 2) == ["running", "pending"]
    assert await stores.worker.release(lease, 1, keys) == [keys[0]]
    assert await statuses(stores, 1, 2) == ["pending", "pending"]


async def test_nothing_is_released_by_a_worker_that_was_taken_over(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    zombie, lease = await register(stores), await register(stores)
    await claim(stores, zombie)
    await stores.let_pass(LEASE * 2)
    assert await stores.heartbeat(lease, LEASE)
    await stores.recovery.take_over_expired()
    await claim(stores, lease)
    assert await stores.worker.release(zombie, 0, [key]) == []
    assert await stores.worker.owned(lease) == [key]


async def test_a_worker_that_leaves_is_gone_and_its_id_is_never_given_again(stores: Stores) -> None:
    lease = await register(stores, "first")
    await stores.worker.unregister(lease)
    assert await stores.client.list_workers() == []
    assert not await stores.heartbeat(lease, LEASE)
    assert (await register(stores)).worker_id > lease.worker_id
    with pytest.raises(LeaseLost):
        await claim(stores, lease)


async def test_workers_are_listed_with_their_leases_and_how_much_they_run(stores: Stores) -> None:
    await start(stores, 1, 2)
    lease = await stores.worker.register("a", {"default": 10, "slow": 1}, 2, LEASE)
    await claim(stores, lease)
    await stores.let_pass(LEASE * 2)
    await stores.worker.register("a", {"default": 3}, 2, LEASE)
    first, second = await stores.client.list_workers()
    assert (first.id, first.name, first.queues) == (lease.worker_id, "a", {"default": 10, "slow": 1})
    assert (first.expired, first.executions) == (True, 2)
    assert (second.name, second.expired, second.executions) == ("a", False, 0)
    assert second.expires_at - second.started_at == LEASE


async def test_what_waits_in_a_queue_is_counted_as_far_as_anybody_wants_to_know(stores: Stores) -> None:
    await start(stores, *range(1, 8))
    await start(stores, 8, queue="mails")
    lease = await register(stores)
    assert [await stores.worker.count_ready("default", at_most) for at_most in (3, 7, 100)] == [3, 7, 7]
    await claim(stores, lease, 2)
    assert await stores.worker.count_ready("default", 100) == 5
    assert await stores.worker.count_ready("nowhere", 100) == 0


async def test_a_look_names_the_queues_of_every_other_worker_that_lives(stores: Stores) -> None:
    lease = await register(stores)
    assert (await stores.worker.look(lease)).others == ()
    other = await register(stores)
    every = await stores.worker.register("every", {}, 2, LEASE)
    assert sorted(map(sorted, (await stores.worker.look(lease)).others)) == [[], ["default"]]
    await stores.worker.unregister(other)
    assert (await stores.worker.look(lease)).others == (frozenset(),)
    await stores.let_pass(2 * LEASE)
    assert await stores.heartbeat(lease, LEASE)
    assert (await stores.worker.look(lease)).others == ()
    assert await stores.heartbeat(every, LEASE)
    assert (await stores.worker.look(lease)).others == (frozenset(),)
