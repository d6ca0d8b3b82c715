"""What executions start and send: stored with their checkpoint, counted once routed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from durable_runtime.core.checkpoints import Json
from durable_runtime.store.direct import Direct
from durable_runtime.store.messages import Send
from durable_runtime.store.protocol import (
    RECOVERY_LIMIT,
    Claimed,
    Commit,
    Lease,
    NewChild,
    Outcome,
    StatementRefused,
)
from tests.store.building import (
    LEASE,
    checkpoint,
    child_of,
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
from tests.store.postgres import PostgresUnderTest
from tests.store.stores import Leftovers, Stores

HOUR = timedelta(hours=1)

replace = msgspec.structs.replace


async def begin(stores: Stores, *numbers: int) -> tuple[Lease, list[Claimed]]:
    """Starts executions and claims them for one worker."""
    await start(stores, *numbers)
    lease = await register(stores)
    return lease, await claim(stores, lease)


def sends(commit: Commit, *sent: Send) -> Commit:
    """The commit with these requests to others."""
    commit.sends = sent
    return commit


def starts(commit: Commit, *children: NewChild) -> Commit:
    """The commit with these children."""
    commit.starts = children
    return commit


def with_key(child: NewChild, key: str) -> NewChild:
    """The same child under the caller's own name."""
    return replace(child, execution=replace(child.execution, key=key))


def nudge(number: int | None, payload: bytes = b"{}") -> Send:
    """A request to an execution, or to the sender's children."""
    return Send(to=None if number is None else public_id(number), kind="nudge", payload=payload)


async def kinds_to(stores: Stores, key: int) -> list[str]:
    """The requests that the owner of an execution would read."""
    return [kind for _id, kind, _payload in (await stores.worker.read_inboxes([key]))[key].requests]


async def test_a_child_is_stored_with_the_checkpoint_of_its_parent(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    commit = starts(goes_on(parent.key, checkpoint(1, "pay", "waiting")), await child_of(stores, 2))
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    row = await get(stores, 2)
    assert (row.status, row.workflow, row.input) == ("pending", "payment", {"n": 1})
    assert (row.parent_id, row.parent_path, row.depth, row.attached) == (public_id(1), "pay", 1, True)
    (claimed,) = await claim(stores, lease)
    assert (claimed.id, claimed.parent_id, claimed.parent_path) == (public_id(2), public_id(1), "pay")
    assert (claimed.depth, claimed.awaited) == (1, True)
    assert (parent.parent_id, parent.depth, parent.awaited) == (None, 0, False)


async def test_a_child_that_is_stored_already_is_left_as_it_is(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    for seq in (1, 2):
        commit = starts(
            goes_on(parent.key, checkpoint(seq)), await child_of(stores, 2), await child_of(stores, 2 + seq)
        )
        assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    assert ids_of(await claim(stores, lease)) == [public_id(2), public_id(3), public_id(4)]


async def test_a_child_whose_key_is_taken_is_not_started(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    keyed = [with_key(await child_of(stores, number), "order 7") for number in (2, 3)]
    await stores.worker.commit(lease, 0, [starts(goes_on(parent.key, checkpoint(1)), *keyed)])
    assert (await get(stores, 2)).user_key == "order 7"
    assert await stores.client.find_execution(public_id(3)) is None


async def test_a_refused_or_busy_parent_starts_and_sends_nothing(stores: Stores) -> None:
    lease, (parent, other) = await begin(stores, 1, 2)
    await stores.client.send_request(public_id(1), "cancel", None)

    refused = sends(starts(suspends(parent.key, checkpoint(1)), await child_of(stores, 3)), nudge(2))
    assert await stores.worker.commit(lease, 0, [refused]) == [Outcome.REFUSED]
    async with stores.held(other.key):
        busy = sends(starts(suspends(other.key, checkpoint(1)), await child_of(stores, 4)), nudge(1))
        assert await stores.worker.commit(lease, 0, [busy]) == [Outcome.BUSY]

    assert await stores.client.find_execution(public_id(3)) is None
    assert await stores.client.find_execution(public_id(4)) is None
    assert not (await stores.worker.wake_due()).unrouted


async def test_in_one_batch_only_those_that_were_written_start_and_send(stores: Stores) -> None:
    lease, (parent, other) = await begin(stores, 1, 2)
    await stores.client.send_request(public_id(1), "cancel", None)
    batch = [
        starts(suspends(parent.key, checkpoint(1)), await child_of(stores, 3)),
        starts(suspends(other.key, checkpoint(1)), await child_of(stores, 4)),
    ]
    assert await stores.worker.commit(lease, 0, batch) == [Outcome.REFUSED, Outcome.COMMITTED]
    assert await stores.client.find_execution(public_id(3)) is None
    assert (await get(stores, 4)).parent_id == public_id(2)


async def test_what_is_sent_counts_from_when_it_is_routed(stores: Stores) -> None:
    lease, (sender, target) = await begin(stores, 1, 2)
    await stores.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(1)), nudge(2, b'{"why": 1}'))])

    assert await kinds_to(stores, target.key) == []
    assert (await stores.worker.look(lease)).signalled == ()
    assert (await stores.worker.wake_due()).unrouted
    routed = await stores.worker.route()

    assert (routed.requests, routed.claimable, routed.owned) == (1, (), {target.key: lease.worker_id})
    assert (await stores.worker.look(lease)).signalled == (target.key,)
    inbox = (await stores.worker.read_inboxes([target.key]))[target.key]
    assert (inbox.signal, inbox.requests[0][1:]) == (1, ("nudge", {"why": 1}))
    assert not (await stores.worker.wake_due()).unrouted
    assert (await stores.worker.route()).requests == 0


async def test_a_target_that_waits_becomes_claimable_once_whatever_was_sent(stores: Stores) -> None:
    lease, (sender, target) = await begin(stores, 1, 2)
    batch = [
        sends(goes_on(sender.key, checkpoint(1)), nudge(2), nudge(2)),
        suspends(target.key, until=[await stores.now() + HOUR]),
    ]
    await stores.worker.commit(lease, 0, batch)
    routed = await stores.worker.route()
    assert (routed.requests, routed.claimable, routed.owned) == (2, (target.key,), {})
    assert await statuses(stores, 2) == ["pending"]
    (claimed,) = await claim(stores, lease)
    assert (claimed.id, claimed.signal) == (public_id(2), 1)
    assert await stores.leftovers(target.key) == Leftovers(hints=0, waits=0, requests=2)


async def test_what_suspends_after_the_routing_is_refused_and_before_it_is_woken(stores: Stores) -> None:
    lease, (sender, target) = await begin(stores, 1, 2)
    await stores.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(1)), nudge(2))])
    await stores.worker.route()
    assert await stores.worker.commit(lease, 0, [suspends(target.key, seen=0)]) == [Outcome.REFUSED]
    assert await stores.worker.commit(lease, 0, [suspends(target.key, seen=1)]) == [Outcome.COMMITTED]

    await stores.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(2)), nudge(2))])
    assert (await stores.worker.route()).claimable == (target.key,)


async def test_what_is_sent_to_an_execution_that_has_ended_is_gone(stores: Stores) -> None:
    lease, (sender, target) = await begin(stores, 1, 2)
    batch = [sends(goes_on(sender.key, checkpoint(1)), nudge(2), nudge(99)), completes(target.key)]
    await stores.worker.commit(lease, 0, batch)
    routed = await stores.worker.route()
    assert (routed.claimable, routed.owned) == ((), {})
    assert await stores.leftovers(target.key) == Leftovers(hints=0, waits=0, requests=0)
    assert await statuses(stores, 2) == ["completed"]
    assert not (await stores.worker.wake_due()).unrouted


async def test_a_target_that_a_stranger_holds_is_left_and_does_not_hold_up_the_others(stores: Stores) -> None:
    lease, (sender, held, free) = await begin(stores, 1, 2, 3)
    await stores.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(1)), nudge(2), nudge(3))])
    async with stores.held(held.key):
        assert (await stores.worker.route(limit=1)).owned == {free.key: lease.worker_id}
        assert (await stores.worker.wake_due()).unrouted
    assert (await stores.worker.route()).owned == {held.key: lease.worker_id}


async def test_a_message_to_the_family_reaches_attached_children_that_are_open(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    commit = starts(
        goes_on(parent.key, checkpoint(1)),
        await child_of(stores, 2),
        await child_of(stores, 3, attached=False),
        await child_of(stores, 4),
    )
    await stores.worker.commit(lease, 0, [commit])
    two, three, four = await claim(stores, lease)
    await stores.worker.commit(lease, 0, [completes(four.key)])
    # One that is started in the very commit that tells the family hears of it too.
    last = sends(starts(completes(parent.key, checkpoint(2)), await child_of(stores, 5)), nudge(None))
    await stores.worker.commit(lease, 0, [last])
    await stores.worker.route()
    assert await kinds_to(stores, two.key) == ["nudge"]
    assert await kinds_to(stores, three.key) == await kinds_to(stores, four.key) == []
    assert await kinds_to(stores, (await get(stores, 5)).key) == ["nudge"]


async def test_a_worker_for_one_execution_claims_its_whole_family(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    await start(stores, 9)
    await stores.worker.commit(
        lease, 0, [starts(suspends(parent.key, checkpoint(1)), await child_of(stores, 2, queue="other"))]
    )
    (first,) = await stores.worker.claim(lease, "", 10, only=[public_id(1)])
    assert first.id == public_id(2)
    await stores.worker.commit(lease, 0, [starts(goes_on(first.key, checkpoint(1)), await child_of(stores, 3))])
    outlook = await stores.worker.outlook(only=[public_id(1)])
    assert outlook.pending
    assert outlook.running
    (second,) = await stores.worker.claim(lease, "", 10, only=[public_id(1)])
    assert (second.id, second.depth, second.parent_id) == (public_id(3), 2, public_id(2))


async def test_what_is_on_its_way_is_work_to_come(stores: Stores) -> None:
    lease, (sender, target) = await begin(stores, 1, 2)
    batch = [sends(completes(sender.key, checkpoint(1)), nudge(2)), suspends(target.key)]
    await stores.worker.commit(lease, 0, batch)
    assert (await stores.worker.outlook()).pending
    await stores.worker.route()
    assert (await stores.worker.outlook()).pending
    await claim(stores, lease)
    assert not (await stores.worker.outlook()).pending


async def test_a_message_that_cannot_be_stored_stores_nothing_else(stores: Stores) -> None:
    lease, (sender, _target) = await begin(stores, 1, 2)
    with pytest.raises(StatementRefused):
        await stores.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(1)), nudge(2, b"{"))])
    assert await stores.client.list_checkpoints(sender.key) == []


async def test_a_child_that_kills_its_workers_tells_its_parent_and_its_own_children(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    await stores.worker.commit(lease, 0, [starts(suspends(parent.key, checkpoint(1)), await child_of(stores, 2))])
    lease = await register(stores)
    (first,) = await claim(stores, lease)
    grandchildren = [await child_of(stores, 3), await child_of(stores, 4, attached=False)]
    await stores.worker.commit(lease, 0, [starts(goes_on(first.key, checkpoint(1)), *grandchildren)])
    # They suspend, so that they do not die with the workers that their parent kills.
    await stores.worker.commit(lease, 0, [suspends(one.key) for one in await claim(stores, lease)])
    for _worker in range(RECOVERY_LIMIT):
        await stores.let_pass(LEASE * 2)
        assert await stores.recovery.take_over_expired() == 1
        if (await get(stores, 2)).status == "failed":
            break
        lease = await register(stores)
        assert ids_of([*await claim(stores, lease, alone=True), *await claim(stores, lease)]) == [public_id(2)]
    await stores.worker.route()
    (told,) = (await stores.worker.read_inboxes([parent.key]))[parent.key].requests
    assert told[1] == "child"
    assert {key: told[2][key] for key in ("id", "path", "status", "output")} == {
        "id": public_id(2),
        "path": "pay",
        "status": "failed",
        "output": None,
    }
    assert told[2]["error"]["type"] == "RecoveryLimit"
    assert await kinds_to(stores, (await get(stores, 3)).key) == ["cancel"]
    assert await kinds_to(stores, (await get(stores, 4)).key) == []


async def test_payloads_come_through_as_they_were_sent(stores: Stores) -> None:
    lease, (sender, target) = await begin(stores, 1, 2)
    payload = json.dumps({"z": 1e16, "a": -0.0, "text": "ä\u2028"}).encode()
    await stores.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(1)), nudge(2, payload))])
    await stores.worker.route()
    ((_id, _kind, read),) = (await stores.worker.read_inboxes([target.key]))[target.key].requests
    assert json.dumps(read) == json.dumps(json.loads(payload))


async def told_to(stores: Stores, key: int) -> list[dict[str, Json]]:
    """What an execution is told of others, each without what does not matter."""
    inbox = (await stores.worker.read_inboxes([key]))[key]
    return [payload for _id, kind, payload in inbox.requests if kind == "child"]


async def route_all(stores: Stores) -> None:
    while (await stores.worker.route()).requests:
        pass


async def test_a_start_with_a_key_is_told_who_has_the_key(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    for seq, number in ((1, 2), (2, 3)):
        keyed = with_key(await child_of(stores, number, awaited=False), "order 7")
        await stores.worker.commit(lease, 0, [starts(goes_on(parent.key, checkpoint(seq)), keyed)])
    await route_all(stores)
    told = await told_to(stores, parent.key)
    assert [(each["call"], each["id"], each["status"]) for each in told] == [
        (public_id(2), public_id(2), "started"),
        (public_id(3), public_id(2), "started"),
    ]


async def test_whoever_waits_for_a_taken_key_asks_the_one_who_has_it(stores: Stores) -> None:
    lease, (parent, other) = await begin(stores, 1, 5)
    await stores.worker.commit(
        lease, 0, [starts(goes_on(parent.key, checkpoint(1)), with_key(await child_of(stores, 2), "order 7"))]
    )
    await stores.worker.commit(
        lease, 0, [starts(suspends(other.key, checkpoint(1)), with_key(await child_of(stores, 6), "order 7"))]
    )
    await route_all(stores)
    holder = (await get(stores, 2)).key
    ((_id, kind, payload),) = (await stores.worker.read_inboxes([holder]))[holder].requests
    assert (kind, payload) == ("join", {"to": public_id(5), "call": public_id(6), "path": "pay"})
    assert await told_to(stores, parent.key) == await told_to(stores, other.key) == []


async def test_whoever_asks_for_the_end_of_what_has_ended_is_told_at_once(stores: Stores) -> None:
    lease, (parent, other) = await begin(stores, 1, 5)
    await stores.worker.commit(
        lease, 0, [starts(goes_on(parent.key, checkpoint(1)), with_key(await child_of(stores, 2), "order 7"))]
    )
    (holder,) = await claim(stores, lease)
    await stores.worker.commit(lease, 0, [completes(holder.key, output=b'{"b": 1e16, "a": 2}')])
    await stores.worker.commit(
        lease, 0, [starts(suspends(other.key, checkpoint(1)), with_key(await child_of(stores, 6), "order 7"))]
    )
    assert (await stores.worker.route()).answers == 1
    await route_all(stores)
    (told,) = await told_to(stores, other.key)
    assert json.dumps(told["output"]) == '{"b": 1e+16, "a": 2}'
    assert (told["call"], told["id"], told["status"]) == (public_id(6), public_id(2), "completed")
    assert await statuses(stores, 5) == ["pending"]


async def test_nobody_waits_for_the_end_of_himself_or_of_one_above(stores: Stores) -> None:
    lease, (parent,) = await begin(stores, 1)
    await stores.worker.commit(
        lease, 0, [starts(goes_on(parent.key, checkpoint(1)), with_key(await child_of(stores, 2), "order 7"))]
    )
    (first,) = await claim(stores, lease)
    await stores.worker.commit(lease, 0, [starts(goes_on(first.key, checkpoint(1)), await child_of(stores, 3))])
    (second,) = await claim(stores, lease)
    for one, number in ((first, 4), (second, 5)):
        keyed = with_key(await child_of(stores, number), "order 7")
        await stores.worker.commit(lease, 0, [starts(goes_on(one.key, checkpoint(2)), keyed)])
    await route_all(stores)
    for one in (first, second):
        (told,) = await told_to(stores, one.key)
        assert (told["id"], told["status"], told["error"]["type"]) == (public_id(2), "refused", "KeyCycle")


async def test_a_batch_without_messages_is_one_statement(
    postgres: PostgresUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, (first, second) = await begin(postgres, 1, 2)
    await postgres.worker.commit(lease, 0, [goes_on(first.key, checkpoint(1))])
    sent: list[object] = []
    execute = psycopg.AsyncConnection.execute

    async def counted(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return await execute(self, query, *arguments, **options)

    run = Direct.run

    async def counted_too(self: Direct, *arguments: Any, **options: Any) -> Any:
        sent.append(arguments)
        return await run(self, *arguments, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted)
    monkeypatch.setattr(Direct, "run", counted_too)
    await postgres.worker.commit(lease, 0, [goes_on(first.key, checkpoint(2)), suspends(second.key, checkpoint(1))])
    await postgres.worker.commit(lease, 0, [completes(first.key, checkpoint(3))])
    assert len(sent) == 2
    monkeypatch.undo()
