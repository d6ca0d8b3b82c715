"""What executions wait for from outside: listed while it is open, answered once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durable_runtime.core.open_waits import OpenWait
from durable_runtime.store.protocol import RECOVERY_LIMIT, Outcome
from tests.store.building import (
    AT,
    LEASE,
    begun,
    checkpoint,
    claim,
    completes,
    event_wait,
    goes_on,
    opens,
    public_id,
    register,
    start,
    statuses,
    suspends,
)
from tests.store.stores import Stores

ID = "00000000-0000-7000-8000-00000000000a"
OTHER_ID = "00000000-0000-7000-8000-00000000000b"


def ask(path: str = "approval", label: str = "", **detail: Any) -> OpenWait:
    return OpenWait(path=path, label=label, kind="ask", detail={"ask": "approval", **detail}, opened_at=AT)


def event(path: str = "payment", key: str | None = None) -> OpenWait:
    return event_wait(path, key=key, due_at=AT)


async def places(stores: Stores, **filters: Any) -> list[tuple[str, str]]:
    return [(one.path, one.label) for one in await stores.client.list_pending(**filters)]


async def test_what_opens_is_listed_until_it_closes(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    commit = opens(goes_on(key, checkpoint(1)), ask(prompt="Pay?", assignees=["ada"]), event(key="a-1"))
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    first, second = await stores.client.list_pending()
    assert (first.execution_id, first.workflow, first.path, first.kind) == (public_id(1), "order", "approval", "ask")
    assert first.detail == {"ask": "approval", "prompt": "Pay?", "assignees": ["ada"]}
    assert (first.opened_at, first.due_at, first.answered) == (AT, None, False)
    assert (second.name, second.key, second.due_at) == ("paid", "a-1", AT)

    commit = goes_on(key, checkpoint(2))
    commit.closes = (("approval", ""),)
    await stores.worker.commit(lease, 0, [commit])
    assert await places(stores) == [("payment", "")]


async def test_what_is_opened_again_stays_as_it_is(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    for seq in (1, 2):
        commit = opens(goes_on(key, checkpoint(seq)), ask())
        await stores.worker.commit(lease, 0, [commit])
        await stores.client.send_answer(public_id(1), "approval", "", ID, None)
    assert [one.answered for one in await stores.client.list_pending()] == [True]


async def test_a_refused_commit_opens_and_closes_nothing(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    opening = goes_on(key, checkpoint(1))
    opening.opens = (ask(),)
    await stores.worker.commit(lease, 0, [opening])
    await stores.client.send_request(public_id(1), "event", None)
    refused = suspends(key, checkpoint(2))
    refused.opens, refused.closes = (event(),), (("approval", ""),)
    assert await stores.worker.commit(lease, 0, [refused]) == [Outcome.REFUSED]
    assert await places(stores) == [("approval", "")]


async def test_filters_choose_and_the_oldest_comes_first(stores: Stores) -> None:
    keys = [*await start(stores, 1), *await start(stores, 2, workflow="mail")]
    lease = await register(stores)
    await claim(stores, lease)
    one, two = (goes_on(key, checkpoint(1)) for key in keys)
    one.opens = (ask("late", assignees=["ada", "role:boss"]), event("early"))
    two.opens = (ask("a", "legal", assignees=["bob"]),)
    await stores.worker.commit(lease, 0, [two])
    await stores.worker.commit(lease, 0, [one])
    assert await places(stores) == [("early", ""), ("late", ""), ("a", "legal")]
    assert await places(stores, kind="ask") == [("late", ""), ("a", "legal")]
    assert await places(stores, kind="approval") == [("late", ""), ("a", "legal")]
    assert await places(stores, kind="text") == []
    assert await places(stores, kind="event") == [("early", "")]
    assert await places(stores, assignee="role:boss") == [("late", "")]
    assert await places(stores, workflow="mail") == [("a", "legal")]
    assert await places(stores, public_id=public_id(2)) == [("a", "legal")]
    assert await places(stores, limit=1) == [("early", "")]


async def test_an_answer_is_taken_once_and_wakes_the_execution(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    commit = opens(suspends(key, checkpoint(1)), ask(label="legal"))
    await stores.worker.commit(lease, 0, [commit])
    assert await stores.client.send_answer(public_id(1), "approval", "", ID, 1) is False
    assert await stores.client.send_answer(public_id(1), "approval", "legal", ID, 1) is True
    assert await stores.client.send_answer(public_id(1), "approval", "legal", ID, 1) is True  # sent again
    assert await stores.client.send_answer(public_id(1), "approval", "legal", OTHER_ID, 2) is False
    assert await statuses(stores, 1) == ["pending"]
    (claimed,) = await claim(stores, lease)
    assert claimed.signal == 1
    inbox = (await stores.worker.read_inboxes([key]))[key]
    assert [(kind, payload) for _id, kind, payload in inbox.requests] == [("answer", 1)]
    assert await places(stores) == [("approval", "legal")]  # until the owner has taken it


async def test_an_event_takes_no_answer_and_neither_does_what_has_ended_or_is_nobody(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    commit = opens(goes_on(key, checkpoint(1)), event(), ask())
    await stores.worker.commit(lease, 0, [commit])
    assert await stores.client.send_answer(public_id(1), "payment", "", ID, 1) is False
    assert await stores.client.send_answer(public_id(7), "approval", "", ID, 1) is False
    end = completes(key, checkpoint(2))
    end.closes = (("payment", ""), ("approval", ""))
    await stores.worker.commit(lease, 0, [end])
    assert await stores.client.send_answer(public_id(1), "approval", "", ID, 1) is False
    assert await places(stores) == []


async def test_what_fails_for_its_recoveries_waits_for_nothing(stores: Stores) -> None:
    lease, (key,) = await begun(stores, 1)
    commit = opens(suspends(key, checkpoint(1)), ask())
    await stores.worker.commit(lease, 0, [commit])
    await stores.client.send_request(public_id(1), "event", None)
    for turn in range(RECOVERY_LIMIT + 1):
        lease = await register(stores)
        assert len(await claim(stores, lease, alone=turn >= 3)) == 1
        await stores.let_pass(LEASE + timedelta(seconds=1))
        await stores.recovery.take_over(lease.worker_id)
        if await statuses(stores, 1) == ["failed"]:
            break
    assert await statuses(stores, 1) == ["failed"]
    assert await places(stores) == []
