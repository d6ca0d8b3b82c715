"""Events by key: kept, spread to those who wait, found by those who wait later, and dropped in the end."""

from __future__ import annotations

from datetime import timedelta

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.open_waits import OpenWait
from durable_runtime.store.messages import Emit, Sought
from durable_runtime.store.protocol import Outcome
from tests.store.building import (
    begun,
    checkpoint,
    completes,
    event_wait,
    goes_on,
    opens,
    public_id,
    start,
    statuses,
    suspends,
)
from tests.store.stores import Stores

SENT = [f"00000000-0000-7000-8000-0000000000e{number}" for number in range(10)]
DAY = timedelta(days=1)


def keyed(path: str = "payment", name: str = "paid", key: str = "a") -> OpenWait:
    return event_wait(path, name, key)


async def route(stores: Stores) -> int:
    """Routes until nothing is left; gives how many requests there were."""
    total = 0
    while (routed := await stores.worker.route()).requests:
        total += routed.answers
    return total


def payloads(found: dict[int, list[Json]]) -> dict[int, list[Json]]:
    return {key: [event["payload"] for event in events] for key, events in found.items()}


async def inbox(stores: Stores, key: int) -> list[object]:
    return [payload for _id, _kind, payload in (await stores.worker.read_inboxes([key]))[key].requests]


async def test_an_event_reaches_everyone_who_waits_for_its_name_and_key(stores: Stores) -> None:
    lease, keys = await begun(stores, 1, 2, 3, 4)
    waits = [(keyed(),), (keyed("other", key="b"),), (keyed(), keyed("again")), (keyed(name="refunded"),)]
    commits = [suspends(key, checkpoint(1)) for key in keys]
    for commit, wanted in zip(commits, waits, strict=True):
        opens(commit, *wanted)
    await stores.worker.commit(lease, 0, commits)
    await stores.client.emit_event("paid", "a", b'{"amount":5}', SENT[0])
    assert (await stores.worker.look(lease)).unrouted is True
    assert await route(stores) == 2
    assert (await stores.worker.look(lease)).unrouted is False
    assert await statuses(stores, 1, 2, 3, 4) == ["pending", "waiting", "pending", "waiting"]
    told = {"name": "paid", "key": "a", "payload": {"amount": 5}}
    for key in (keys[0], keys[2]):
        [event] = await inbox(stores, key)
        assert isinstance(event, dict)
        assert {name: event[name] for name in told} == told
    assert await inbox(stores, keys[1]) == []


async def test_an_event_that_is_sent_again_is_one(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    commit = opens(goes_on(key, checkpoint(1)), keyed())
    await stores.worker.commit(lease, 0, [commit])
    for _ in range(2):
        await stores.client.emit_event("paid", "a", b"null", SENT[0])
    assert await route(stores) == 1
    assert len(await inbox(stores, key)) == 1


async def test_what_came_before_is_found_unless_it_is_known_or_older_than_the_execution(stores: Stores) -> None:
    await stores.client.emit_event("paid", "a", b"0", SENT[0])
    await stores.let_pass(timedelta(seconds=1))
    keys = await start(stores, 1, 2)
    for number in (1, 2):
        await stores.client.emit_event("paid", "a", str(number).encode(), SENT[number])
    await stores.client.emit_event("paid", "b", b"3", SENT[3])
    everything = [Sought(execution=key, name="paid", key="a") for key in keys]
    found = await stores.worker.find_events(everything)
    assert {key: [event["payload"] for event in events] for key, events in found.items()} == {
        keys[0]: [1, 2],
        keys[1]: [1, 2],
    }
    first = found[keys[0]][0]
    assert (first["name"], first["key"]) == ("paid", "a")
    known = Sought(execution=keys[0], name="paid", key="a", known=(first["event"],))
    found = await stores.worker.find_events([known, everything[1]])
    assert {key: [event["payload"] for event in events] for key, events in found.items()} == {
        keys[0]: [2],
        keys[1]: [1, 2],
    }


async def test_a_step_sends_an_event_with_its_checkpoint_or_not_at_all(stores: Stores) -> None:
    lease, keys = await begun(stores, 1, 2)
    for key, kind in zip(keys, (completes, completes), strict=True):
        commit = kind(key, checkpoint(1))
        commit.emits = (Emit(name="paid", key="a", payload=str(key).encode()),)
        if key == keys[1]:
            await stores.client.send_request(public_id(2), "event", None)
        outcome = await stores.worker.commit(lease, 0, [commit])
        assert outcome == [Outcome.COMMITTED if key == keys[0] else Outcome.REFUSED]
    third = (await start(stores, 3))[0]
    found = await stores.worker.find_events([Sought(execution=keys[1], name="paid", key="a")])
    assert [event["payload"] for event in found[keys[1]]] == [keys[0]]
    assert third not in found


async def test_whose_wait_has_closed_or_who_has_ended_is_not_told(stores: Stores) -> None:
    lease, keys = await begun(stores, 1, 2)
    for key in keys:
        commit = opens(goes_on(key, checkpoint(1)), keyed())
        await stores.worker.commit(lease, 0, [commit])
    closing, ending = goes_on(keys[0], checkpoint(2)), completes(keys[1], checkpoint(2))
    closing.closes = ending.closes = (("payment", ""),)
    await stores.worker.commit(lease, 0, [closing, ending])
    await stores.client.emit_event("paid", "a", b"1", SENT[0])
    assert await route(stores) == 0
    assert await inbox(stores, keys[0]) == []


async def test_a_row_that_a_stranger_holds_is_told_later(stores: Stores) -> None:
    lease, keys = await begun(stores, 1, 2)
    for key in keys:
        commit = opens(suspends(key, checkpoint(1)), keyed())
        await stores.worker.commit(lease, 0, [commit])
    await stores.client.emit_event("paid", "a", b"1", SENT[0])
    async with stores.held(keys[0]):
        while (await stores.worker.route()).requests:
            pass
        assert await statuses(stores, 1, 2) == ["waiting", "pending"]
        assert (await stores.worker.look(lease)).unrouted is True
    await route(stores)
    assert await statuses(stores, 1, 2) == ["pending", "pending"]
    assert len(await inbox(stores, keys[0])) == 1


async def test_events_are_dropped_when_their_time_is_over_but_not_from_an_inbox(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    commit = opens(goes_on(key, checkpoint(1)), keyed(name="held"))
    await stores.worker.commit(lease, 0, [commit])
    await stores.client.keep_events("short", DAY)
    await stores.client.keep_events("long", 30 * DAY)
    for number, name in enumerate(("short", "usual", "long", "held")):
        await stores.client.emit_event(name, "a", b"1", SENT[number])
    assert await stores.recovery.drop_events() == 0
    await route(stores)
    await stores.let_pass(2 * DAY)
    assert await stores.recovery.drop_events() == 1
    await stores.let_pass(6 * DAY)
    assert await stores.recovery.drop_events() == 1
    await stores.client.keep_events("long", timedelta())
    assert await stores.recovery.drop_events(limit=1) == 1
    assert await stores.recovery.drop_events() == 0
    assert len(await inbox(stores, key)) == 1
