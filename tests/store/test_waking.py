"""What falls due by itself, and what is left to be done."""

from __future__ import annotations

from datetime import timedelta

from durable_runtime.store.outlook import Outlook
from durable_runtime.store.protocol import Commit, Outcome, Suspend, Timer, Woken
from tests.store.building import (
    claim,
    completes,
    ids_of,
    public_id,
    register,
    start,
    statuses,
    suspends,
)
from tests.store.stores import Leftovers, Stores

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOTHING = Outlook(pending=False, running=False, timers=False)


async def test_a_due_execution_can_be_claimed_and_loses_its_other_timers(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    now = await stores.now()
    await stores.worker.commit(lease, 0, [suspends(key, until=[now + MINUTE, now + HOUR])])
    assert (await stores.worker.wake_due())[0] == 0
    await stores.let_pass(2 * MINUTE)
    woken, seconds, _unrouted = await stores.worker.wake_due()
    assert woken == 1
    assert seconds is not None
    assert 3400 < seconds < 3500
    assert await statuses(stores, 1) == ["pending"]
    assert ids_of(await claim(stores, lease)) == [public_id(1)]
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)
    await stores.let_pass(HOUR)
    assert await stores.worker.wake_due() == Woken(0, None)
    assert await stores.worker.owned(lease) == [key]


async def test_a_timer_in_the_past_wakes_at_once(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [suspends(key, until=[await stores.now() - HOUR])])
    assert await stores.worker.wake_due() == Woken(1, None)
    assert len(await claim(stores, lease)) == 1


async def test_two_timers_of_one_execution_wake_it_once(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    past = await stores.now() - HOUR
    await stores.worker.commit(lease, 0, [suspends(key, until=[past, past])])
    assert await stores.worker.wake_due() == Woken(1, None)
    assert await stores.leftovers(key) == Leftovers(hints=1, waits=0, requests=0)


async def test_the_earliest_wake_up_comes_first_and_more_than_the_limit_is_told(stores: Stores) -> None:
    keys = await start(stores, 1, 2, 3)
    lease = await register(stores)
    await claim(stores, lease)
    now = await stores.now()
    await stores.worker.commit(
        lease,
        0,
        [
            suspends(keys[0], until=[now - MINUTE]),
            suspends(keys[1], until=[now - HOUR]),
            suspends(keys[2], until=[now + HOUR]),
        ],
    )
    assert await stores.worker.wake_due(limit=1) == Woken(1, 0.0)
    assert await statuses(stores, 1, 2) == ["waiting", "pending"]
    assert await stores.worker.wake_due(limit=1) == Woken(1, 0.0)
    assert await statuses(stores, 1, 2, 3) == ["pending", "pending", "waiting"]
    woken, seconds, _unrouted = await stores.worker.wake_due(limit=1)
    assert woken == 0
    assert seconds is not None
    assert seconds > 3500


async def test_a_row_that_a_stranger_holds_is_woken_later(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    past = await stores.now() - HOUR
    await stores.worker.commit(lease, 0, [suspends(key, until=[past]) for key in keys])
    async with stores.held(keys[0]):
        assert (await stores.worker.wake_due())[0] == 1
    assert await statuses(stores, 1, 2) == ["waiting", "pending"]
    assert (await stores.worker.wake_due())[0] == 1
    assert await statuses(stores, 1, 2) == ["pending", "pending"]


async def test_nothing_is_left_in_an_empty_store(stores: Stores) -> None:
    assert await stores.worker.outlook() == NOTHING


async def test_the_outlook_tells_whether_something_will_run_by_itself(stores: Stores) -> None:
    now = await stores.now()
    await start(stores, 1, 2, 3, 4, 5)
    await start(stores, 6, scheduled_at=now + HOUR)
    lease = await register(stores)
    sleeping, deferred, ended, _running = [one.key for one in await claim(stores, lease, 4)]
    later = Commit(key=deferred, seen=0, checkpoints=[], move=Suspend((Timer("price", "defer", now + MINUTE),)))
    batch = [suspends(sleeping, until=[now + HOUR, now + 2 * HOUR]), later, completes(ended)]
    assert await stores.worker.commit(lease, 0, batch) == [Outcome.COMMITTED] * 3
    assert await stores.worker.outlook() == Outlook(pending=True, running=True, timers=True)

    async def of(*numbers: int) -> Outlook:
        return await stores.worker.outlook(only=[public_id(number) for number in numbers])

    assert await of(1) == Outlook(pending=False, running=False, timers=True)
    assert await of(2, 3, 99) == NOTHING
    assert await of(4) == Outlook(pending=False, running=True, timers=False)
    assert await of(5) == Outlook(pending=True, running=False, timers=False)
    assert await of(6) == Outlook(pending=True, running=False, timers=False)


async def test_what_was_deferred_is_tried_again_by_itself_once_it_is_due(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    move = Suspend((Timer("price", "defer", await stores.now() + MINUTE),))
    await stores.worker.commit(lease, 0, [Commit(key=key, seen=0, checkpoints=[], move=move)])
    assert await stores.worker.outlook() == NOTHING
    assert await stores.worker.outlook(only=[public_id(1)]) == NOTHING
    await stores.let_pass(2 * MINUTE)
    timed = Outlook(pending=False, running=False, timers=True)
    assert await stores.worker.outlook() == timed
    assert await stores.worker.outlook(only=[public_id(1)]) == timed


async def test_the_outlook_of_some_queues_leaves_the_others_out(stores: Stores) -> None:
    await start(stores, 1, queue="mail")
    (timed,) = await start(stores, 2, queue="orders")
    await start(stores, 3, queue="running")
    lease = await register(stores)
    await stores.worker.claim(lease, "orders", 1)
    await stores.worker.claim(lease, "running", 1)
    await stores.worker.commit(lease, 0, [suspends(timed, until=[await stores.now() + HOUR])])
    assert await stores.worker.outlook(queues=["mail"]) == Outlook(pending=True, running=False, timers=False)
    assert await stores.worker.outlook(queues=["orders"]) == Outlook(pending=False, running=False, timers=True)
    assert await stores.worker.outlook(queues=["running"]) == Outlook(pending=False, running=True, timers=False)
    assert await stores.worker.outlook(queues=["mail", "orders"]) == Outlook(True, False, True)
    assert await stores.worker.outlook(queues=["default"]) == NOTHING


async def test_an_execution_that_only_waits_to_be_asked_will_not_run_by_itself(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [suspends(key)])
    assert await stores.worker.outlook() == NOTHING
    assert await stores.worker.wake_due() == Woken(0, None)


async def test_the_queues_with_work_are_known(stores: Stores) -> None:
    lease = await register(stores)
    assert (await stores.worker.look(lease)).ready == ()
    await start(stores, 1, 2, queue="slow")
    await start(stores, 3, queue="fast")
    look = await stores.worker.look(lease)
    assert (look.ready, look.lonely) == (("fast", "slow"), ())
    await stores.worker.claim(lease, "slow", 5)
    assert (await stores.worker.look(lease)).ready == ("fast",)


async def test_a_look_tells_how_long_until_something_is_due_and_whether_a_lease_ran_out(stores: Stores) -> None:
    lease = await register(stores)
    look = await stores.worker.look(lease)
    assert (look.due_in, look.expired) == (None, False)
    await start(stores, 1, scheduled_at=await stores.now() + MINUTE)
    look = await stores.worker.look(lease)
    assert look.due_in is not None
    assert 50 < look.due_in <= 60
    await stores.let_pass(2 * MINUTE)
    look = await stores.worker.look(lease)
    assert look.due_in is not None
    assert look.due_in <= 0
    assert (look.expired, look.ready) == (True, ())


async def test_the_servers_time_is_told(stores: Stores) -> None:
    before = await stores.now()
    assert before <= await stores.worker.server_time() <= await stores.now()
