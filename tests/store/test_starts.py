"""Starting executions and looking at them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from durable_runtime.errors import InvalidInput
from durable_runtime.store.filters import Filter
from durable_runtime.store.protocol import NewExecution, StatementRefused, Woken
from tests.store.building import claim, completes, get, ids_of, public_id, register, save_definition, start
from tests.store.stores import Leftovers, Stores

HOUR = timedelta(hours=1)


def new(number: int, definition_id: int, text: bytes = b"{}") -> NewExecution:
    return NewExecution(public_id=public_id(number), definition_id=definition_id, workflow="order", input=text)


async def test_a_started_execution_is_pending_and_shows_what_it_was_started_with(stores: Stores) -> None:
    definition_id = await stores.client.save_definition("order", "v1", "2.0", b"{}")
    before = await stores.now()
    await stores.client.insert_executions(
        [
            NewExecution(
                public_id=public_id(1),
                definition_id=definition_id,
                workflow="order",
                input=b'{"item":7}',
                queue="fast",
                priority=5,
            )
        ]
    )
    row = await get(stores, 1)
    assert row.id == "00000000-0000-7000-8000-000000000001"
    assert (row.workflow, row.version, row.label, row.definition_id) == ("order", "v1", "2.0", definition_id)
    assert (row.status, row.paused, row.queue, row.priority, row.recoveries) == ("pending", False, "fast", 5, 0)
    assert (row.input, row.output, row.error) == ({"item": 7}, None, None)
    assert (row.scheduled_at, row.started_at, row.finished_at) == (None, None, None)
    assert before <= row.created_at <= await stores.now()


async def test_an_input_keeps_the_order_of_its_keys_and_the_types_of_its_numbers(stores: Stores) -> None:
    definition_id = await save_definition(stores)
    await stores.client.insert_executions([new(1, definition_id, b'{"b":1e16,"a":-0.0,"c":10000000000000000,"d":1.0}')])
    found = (await get(stores, 1)).input
    assert list(found) == ["b", "a", "c", "d"]
    assert [repr(value) for value in found.values()] == ["1e+16", "-0.0", "10000000000000000", "1.0"]


async def test_executions_of_one_call_start_together_or_not_at_all(stores: Stores) -> None:
    definition_id = await save_definition(stores)
    await stores.client.insert_executions([new(1, definition_id)])
    with pytest.raises(StatementRefused):
        await stores.client.insert_executions([new(2, definition_id), new(1, definition_id), new(3, definition_id)])
    assert await stores.client.find_execution(public_id(2)) is None
    assert await stores.client.find_execution(public_id(3)) is None
    lease = await register(stores)
    assert ids_of(await claim(stores, lease)) == [public_id(1)]


async def test_many_that_are_alike_start_together_in_their_order(stores: Stores) -> None:
    like = NewExecution(
        public_id="",
        definition_id=await save_definition(stores),
        workflow="order",
        input=b"",
        queue="bulk",
        priority=-7,
        headers=b'{"tenant":"a"}',
    )
    rows = [(public_id(number), f'{{"n":{number},"s":"\u00e4"}}'.encode()) for number in range(600, 0, -1)]
    before = await stores.now()
    await stores.client.insert_many(like, 600, iter(rows))
    row = await get(stores, 3)
    assert (row.workflow, row.version, row.definition_id) == ("order", "v1", like.definition_id)
    assert (row.status, row.queue, row.priority) == ("pending", "bulk", -7)
    assert (row.input, row.headers) == ({"n": 3, "s": "\u00e4"}, {"tenant": "a"})
    assert (row.scheduled_at, row.started_at, row.finished_at) == (None, None, None)
    assert before <= row.created_at <= await stores.now()
    lease = await register(stores)
    claimed = [*await stores.worker.claim(lease, "bulk", 400), *await stores.worker.claim(lease, "bulk", 400)]
    assert ids_of(claimed) == [id for id, _input in rows]
    await start(stores, 601)
    assert len(await claim(stores, lease)) == 1


async def test_many_that_are_alike_start_together_or_not_at_all(stores: Stores) -> None:
    like = new(0, await save_definition(stores), b"")
    await stores.client.insert_executions([new(300, like.definition_id)])

    def broken() -> Iterator[tuple[str, bytes]]:
        yield from ((public_id(number), b"{}") for number in range(1000, 1400))
        raise InvalidInput("the last is none", ())

    def rows(*numbers: int) -> Iterator[tuple[str, bytes]]:
        return ((public_id(number), b"{}") for number in numbers)

    with pytest.raises(StatementRefused):
        await stores.client.insert_many(like, 400, rows(*range(1, 401)))
    with pytest.raises(InvalidInput):
        await stores.client.insert_many(like, 401, broken())
    for announced in (399, 401, 700, 100):
        with pytest.raises(ValueError, match="announced"):
            await stores.client.insert_many(like, announced, rows(*range(1000, 1400)))
    assert await stores.client.count_executions() == {"pending": 1}
    lease = await register(stores)
    assert ids_of(await claim(stores, lease)) == [public_id(300)]


async def test_an_unknown_execution_and_an_id_that_is_none_are_not_found(stores: Stores) -> None:
    for unknown in (public_id(1), "order-17", "", "12", "'; drop table"):
        assert await stores.client.find_execution(unknown) is None
        assert await stores.client.find_outcome(unknown) is None


async def test_an_id_is_found_however_it_is_written(stores: Stores) -> None:
    await start(stores, 10)
    row = await stores.client.find_execution("{00000000000070008000000000000010}".upper())
    assert row is not None
    assert row.id == public_id(10)


async def test_the_outcome_of_an_execution_is_its_status_output_and_error(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    assert await stores.client.find_outcome(public_id(1)) == ("pending", None, None)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [completes(key, output=b'{"paid":true}')])
    assert await stores.client.find_outcome(public_id(1)) == ("completed", {"paid": True}, None)


async def test_an_execution_scheduled_for_later_is_claimed_when_its_time_has_come(stores: Stores) -> None:
    lease = await register(stores)
    (key,) = await start(stores, 1, scheduled_at=await stores.now() + HOUR)
    assert await claim(stores, lease) == []
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=1, requests=0)
    woken, seconds, _unrouted = await stores.worker.wake_due()
    assert woken == 0
    assert seconds is not None
    assert 3500 < seconds <= 3600
    await stores.let_pass(HOUR)
    assert await stores.worker.wake_due() == Woken(1, None)
    (claimed,) = await claim(stores, lease)
    assert claimed.fresh
    assert claimed.scheduled_at is not None
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)


async def test_a_schedule_in_the_past_does_not_wait(stores: Stores) -> None:
    lease = await register(stores)
    (key,) = await start(stores, 1, scheduled_at=await stores.now() - HOUR)
    assert await stores.leftovers(key) == Leftovers(hints=1, waits=0, requests=0)
    assert ids_of(await claim(stores, lease)) == [public_id(1)]


async def test_waking_workers_is_never_an_error(stores: Stores) -> None:
    await stores.client.wake_workers()


async def numbers(stores: Stores, **filters: object) -> list[int]:
    page = {name: filters.pop(name) for name in ("order", "before", "limit") if name in filters}
    rows = await stores.client.list_executions(Filter(**filters), **page)  # type: ignore[arg-type]
    return [int(row.id[-12:]) for row in rows]


async def test_a_list_shows_the_newest_first(stores: Stores) -> None:
    await start(stores, 7, 3)
    await start(stores, 5)
    assert await numbers(stores) == [5, 3, 7]


async def test_a_list_goes_page_by_page(stores: Stores) -> None:
    await start(stores, 1, 2, 3, 4, 5)
    assert await numbers(stores, limit=2) == [5, 4]
    assert await numbers(stores, limit=2, before=public_id(4)) == [3, 2]
    assert await numbers(stores, limit=2, before=public_id(2)) == [1]
    assert await numbers(stores, limit=2, before=public_id(1)) == []


async def test_a_page_before_nothing_known_is_empty(stores: Stores) -> None:
    await start(stores, 1)
    assert await numbers(stores, before=public_id(99)) == []
    assert await numbers(stores, before="nonsense") == []


async def test_a_list_is_filtered_by_status_workflow_and_queue(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    await start(stores, 3, workflow="invoice")
    await start(stores, 4, queue="slow")
    lease = await register(stores)
    await stores.worker.claim(lease, "default", 2)
    await stores.worker.commit(lease, 0, [completes(keys[0])])
    assert await numbers(stores, statuses=("completed",)) == [1]
    assert await numbers(stores, statuses=("running", "completed")) == [2, 1]
    assert await numbers(stores, statuses=()) == []
    assert await numbers(stores, statuses=("failed",)) == []
    assert await numbers(stores, workflow="invoice") == [3]
    assert await numbers(stores, queue="slow") == [4]
    assert await numbers(stores, workflow="order", statuses=("pending",), queue="slow") == [4]
    assert await numbers(stores, workflow="order", statuses=("pending",), queue="fast") == []
