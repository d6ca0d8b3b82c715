"""Requests: everyone but the owner only asks."""

from __future__ import annotations

from datetime import timedelta

from durable_runtime.store.messages import Send
from durable_runtime.store.protocol import Inbox, Outcome
from tests.store.building import (
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

HOUR = timedelta(hours=1)


async def test_a_request_to_a_running_execution_is_found_by_its_owner(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    assert (await stores.worker.look(lease)).signalled == ()
    assert await stores.client.send_request(public_id(2), "cancel", {"reason": "late"}) == "running"
    assert (await stores.worker.look(lease)).signalled == (keys[1],)
    inboxes = await stores.worker.read_inboxes(keys)
    assert inboxes[keys[0]] == Inbox(0, ())
    assert inboxes[keys[1]].signal == 1
    assert [(kind, payload) for _id, kind, payload in inboxes[keys[1]].requests] == [("cancel", {"reason": "late"})]


async def test_requests_are_read_in_the_order_in_which_they_were_sent(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    for kind in ("pause", "resume", "cancel"):
        await stores.client.send_request(public_id(1), kind, None)
    inbox = (await stores.worker.read_inboxes([key]))[key]
    assert inbox.signal == 3
    assert [kind for _id, kind, _payload in inbox.requests] == ["pause", "resume", "cancel"]


async def test_signals_of_other_workers_executions_are_not_ours(stores: Stores) -> None:
    await start(stores, 1)
    lease, other = await register(stores), await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(1), "cancel", None)
    assert (await stores.worker.look(other)).signalled == ()


async def test_a_request_makes_a_waiting_execution_claimable_and_its_waits_go_with_the_claim(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [suspends(key, until=[await stores.now() + HOUR])])
    assert await stores.client.send_request(public_id(1), "cancel", None) == "waiting"
    assert await statuses(stores, 1) == ["pending"]
    (claimed,) = await claim(stores, lease)
    assert (claimed.key, claimed.signal, claimed.fresh) == (key, 1, False)
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=1)


async def test_an_execution_that_is_scheduled_and_cancelled_leaves_no_timer(stores: Stores) -> None:
    (key,) = await start(stores, 1, scheduled_at=await stores.now() + HOUR)
    lease = await register(stores)
    assert await stores.client.send_request(public_id(1), "cancel", None) == "pending"
    assert ids_of(await claim(stores, lease)) == [public_id(1)]
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=1)


async def test_an_execution_that_has_ended_takes_no_request(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [completes(key)])
    assert await stores.client.send_request(public_id(1), "cancel", None) == "completed"
    assert await stores.worker.read_inboxes([key]) == {key: Inbox(0, ())}
    assert await statuses(stores, 1) == ["completed"]


async def test_a_request_to_nobody_is_told_so(stores: Stores) -> None:
    assert await stores.client.send_request(public_id(1), "cancel", None) is None
    assert await stores.client.send_request("nonsense", "cancel", None) is None


async def test_an_answered_request_leaves_the_inbox_with_the_checkpoint_that_answers_it(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(1), "set_result", {"path": "price"})
    await stores.client.send_request(public_id(1), "pause", None)
    ((first, _kind, _payload), second) = (await stores.worker.read_inboxes([key]))[key].requests
    commit = goes_on(key, checkpoint(1))
    commit.requests = (first,)
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    assert await stores.worker.read_inboxes([key]) == {key: Inbox(2, (second,))}


async def test_a_refused_commit_keeps_its_requests(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(1), "pause", None)
    ((first, _kind, _payload),) = (await stores.worker.read_inboxes([key]))[key].requests
    await stores.client.send_request(public_id(1), "cancel", None)
    commit = completes(key, checkpoint(1), seen=1)
    commit.requests = (first,)
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.REFUSED]
    inbox = (await stores.worker.read_inboxes([key]))[key]
    assert [kind for _id, kind, _payload in inbox.requests] == ["pause", "cancel"]
    assert await stores.client.list_checkpoints(key) == []


async def test_an_execution_is_marked_as_paused_from_the_request_on(stores: Stores) -> None:
    await start(stores, 1)
    marks = []
    for kind in ("pause", "event", "resume", "pause", "cancel"):
        await stores.client.send_request(public_id(1), kind, None)
        marks.append((await get(stores, 1)).paused)
    assert marks == [True, True, False, True, False]


async def test_a_paused_execution_is_claimed_when_it_is_asked_for_something(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await stores.client.send_request(public_id(1), "pause", None)
    assert ids_of(await claim(stores, lease)) == [public_id(1)]
    await stores.worker.commit(lease, 0, [suspends(key, seen=1)])
    assert await claim(stores, lease) == []
    await stores.client.send_request(public_id(1), "resume", None)
    assert ids_of(await claim(stores, lease)) == [public_id(1)]


async def test_a_pause_that_another_execution_sends_marks_its_target_when_it_is_routed(stores: Stores) -> None:
    parent, _child = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    marks = []
    for kind in ("pause", "resume"):
        commit = goes_on(parent)
        commit.sends = (Send(to=public_id(2), kind=kind, payload=b"null"),)
        await stores.worker.commit(lease, 0, [commit])
        marks.append((await get(stores, 2)).paused)
        await stores.worker.route()
        marks.append((await get(stores, 2)).paused)
    assert marks == [False, True, True, False]
