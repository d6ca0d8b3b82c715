"""Filters, orders and pages of executions, counts, and parts of a log and a history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durable_runtime.store.filters import Filter, Order
from durable_runtime.store.protocol import Commit, End, NewChild, NewExecution
from durable_runtime.store.seen import LogLine
from tests.store.building import AT, checkpoint, claim, get, goes_on, public_id, register, save_definition, start
from tests.store.stores import Stores

MINUTE = timedelta(minutes=1)


async def numbers(stores: Stores, order: Order = "newest", before: int | None = None, **filter: Any) -> list[int]:
    last = None if before is None else public_id(before)
    rows = await stores.client.list_executions(Filter(**filter), order=order, before=last)
    return [int(row.id[-12:]) for row in rows]


async def end(stores: Stores, *numbers: int) -> None:
    """Claims everything and ends these, each a minute after the one before it."""
    lease = await register(stores)
    await claim(stores, lease)
    for minutes, number in enumerate(numbers):
        move = End(status="completed", at=AT + minutes * MINUTE)
        key = (await get(stores, number)).key
        await stores.worker.commit(lease, 0, [Commit(key=key, seen=0, checkpoints=[], move=move)])


async def test_a_paused_one_is_shown_as_paused_only_until_it_has_ended(stores: Stores) -> None:
    await start(stores, 1, 2, 3)
    for number in (1, 2):
        await stores.client.send_request(public_id(number), "pause", None)
    assert await numbers(stores, statuses=("paused",)) == [2, 1]
    assert await numbers(stores, statuses=("pending",)) == [3]
    assert await stores.client.count_executions(Filter()) == {"paused": 2, "pending": 1}
    await stores.client.send_request(public_id(2), "cancel", None)
    assert await stores.client.count_executions(Filter()) == {"paused": 1, "pending": 2}


async def test_by_key_headers_version_and_label(stores: Stores) -> None:
    old = await stores.client.save_definition("order", "abc1", "1.0", b"{}")
    new = await stores.client.save_definition("order", "abd2", None, b"{}")
    for number, definition_id, key, headers in (
        (1, old, "a", b'{"tenant":"x","trace":"1"}'), (2, new, "b", b'{"tenant":"x"}'), (3, new, None, None)
    ):  # fmt: skip
        one = NewExecution(
            public_id=public_id(number),
            definition_id=definition_id,
            workflow="order",
            input=b"{}",
            key=key,
            headers=headers,
        )
        await stores.client.insert_executions([one])
    assert await numbers(stores, key="a") == [1]
    assert await numbers(stores, headers={"tenant": "x"}) == [2, 1]
    assert await numbers(stores, headers={"tenant": "x", "trace": "1"}) == [1]
    assert await numbers(stores, headers={"tenant": "y"}) == []
    assert await numbers(stores, version="ab") == [3, 2, 1]
    assert await numbers(stores, version="abd") == [3, 2]
    assert await numbers(stores, version="1.0") == [1]
    assert await numbers(stores, version="1") == []


async def test_those_that_an_execution_started_and_those_that_none_did(stores: Stores) -> None:
    parent, _other = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    definition_id = await save_definition(stores)
    child = NewExecution(public_id=public_id(3), definition_id=definition_id, workflow="order", input=b"{}")
    commit = goes_on(parent)
    commit.starts = (NewChild(execution=child, path="sub"),)
    await stores.worker.commit(lease, 0, [commit])
    assert await numbers(stores, parent=public_id(1)) == [3]
    assert await numbers(stores, parent=public_id(2)) == []
    assert await numbers(stores, root_only=True) == [2, 1]
    assert await numbers(stores) == [3, 2, 1]


async def test_by_the_times_of_start_and_end(stores: Stores) -> None:
    await start(stores, 1, 2, 3)
    await end(stores, 2, 1)
    now = await stores.now()
    assert await numbers(stores, created_from=now - MINUTE, created_until=now + MINUTE) == [3, 2, 1]
    assert await numbers(stores, created_until=now - MINUTE) == []
    assert await numbers(stores, finished_from=AT, finished_until=AT + MINUTE) == [2]
    assert await numbers(stores, finished_from=AT + MINUTE) == [1]


async def test_in_every_order_page_by_page(stores: Stores) -> None:
    await start(stores, 1, 2, 3)
    await end(stores, 3, 1)
    assert await numbers(stores, "oldest") == [1, 2, 3]
    assert await numbers(stores, "oldest", before=1) == [2, 3]
    assert await numbers(stores, "finished") == [1, 3]
    assert await numbers(stores, "finished", before=1) == [3]
    assert await numbers(stores, "finished", before=3) == []
    assert await numbers(stores, "finished", before=2) == []
    assert await numbers(stores, "newest", before=3) == [2, 1]


async def test_counts_are_by_status_and_filtered_too(stores: Stores) -> None:
    await start(stores, 1, 2)
    await start(stores, 3, workflow="invoice")
    await end(stores, 1)
    assert await stores.client.count_executions(Filter()) == {"completed": 1, "running": 2}
    assert await stores.client.count_executions(Filter(workflow="order")) == {"completed": 1, "running": 1}
    assert await stores.client.count_executions(Filter(workflow="nothing")) == {}


async def test_a_part_of_a_log(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    commit = goes_on(key, checkpoint(1), checkpoint(2))
    commit.logs = tuple(
        LogLine(path=path, attempt=1, level=level, message=message, at=AT)
        for path, level, message in (
            ("a", "info", "one"), ("a/b", "debug", "two"), ("a[0]/b", "error", "three"), ("ab", "warning", "four")
        )
    )  # fmt: skip
    await stores.worker.commit(lease, 0, [commit])
    lines = await stores.client.list_logs(key)
    assert [line.message for line in lines] == ["one", "two", "three", "four"]

    async def messages(**part: Any) -> list[str]:
        return [line.message for line in await stores.client.list_logs(key, **part)]

    assert await messages(levels=["warning", "error"]) == ["three", "four"]
    assert await messages(node="a") == ["one", "two", "three"]
    assert await messages(node="a/b") == ["two"]
    assert await messages(after=lines[1].id) == ["three", "four"]
    assert [one.seq for one in await stores.client.list_checkpoints(key, 1)] == [2]
