"""Bursts of starts: one execution of many calls with a key, with the input of the last."""

from __future__ import annotations

from datetime import datetime, timedelta

from durable_runtime.store.protocol import ExecutionRow, NewExecution
from tests.store.building import claim, get, ids_of, public_id, register, save_definition
from tests.store.stores import Leftovers, Stores

SECOND = timedelta(seconds=1)
SPAN, LIMIT = 30 * SECOND, 300 * SECOND


async def call(
    stores: Stores,
    number: int,
    *,
    key: str = "k",
    workflow: str = "order",
    queue: str = "default",
    span: timedelta = SPAN,
    limit: timedelta | None = None,
    again: bool = False,
) -> str:
    """A start of a burst; its number is its input, and that of the execution if it begins one."""
    new = NewExecution(
        public_id=public_id(number + 500 if again else number),
        definition_id=await save_definition(stores, workflow),
        workflow=workflow,
        input=b'{"n":%d}' % number,
        queue=queue,
        key=key,
    )
    return await stores.client.debounce(new, span, limit, public_id(1000 + number))


async def found(stores: Stores, number: int) -> tuple[ExecutionRow, timedelta]:
    """An execution, and how long from now it begins."""
    row = await get(stores, number)
    assert row.scheduled_at is not None
    return row, row.scheduled_at - await stores.now()


def near(span: timedelta, other: timedelta) -> bool:
    """A clock of a server went on meanwhile."""
    return abs(span - other) < 10 * SECOND


async def test_calls_within_the_span_are_one_start_with_the_last_input(stores: Stores) -> None:
    assert await call(stores, 1) == public_id(1)
    await stores.let_pass(20 * SECOND)
    assert await call(stores, 2, queue="late") == public_id(1)
    row, rest = await found(stores, 1)
    assert (row.input, row.queue, row.user_key) == ({"n": 2}, "late", None)
    assert near(rest, SPAN)
    assert await stores.client.find_execution(public_id(2)) is None
    assert ids_of(await claim(stores, await register(stores))) == []
    await stores.let_pass(SPAN)
    assert (await stores.worker.wake_due()).executions == 1
    lease = await register(stores)
    [claimed] = await stores.worker.claim(lease, "late", 10)
    assert (claimed.input, await stores.leftovers(claimed.key)) == ({"n": 2}, Leftovers(hints=0, waits=0, requests=0))


async def test_it_begins_at_latest_the_limit_after_the_first(stores: Stores) -> None:
    await call(stores, 1, limit=LIMIT)
    for number in range(2, 16):
        await stores.let_pass(20 * SECOND)
        assert await call(stores, number, limit=LIMIT) == public_id(1)
    row, rest = await found(stores, 1)
    assert row.input == {"n": 15}
    assert near(rest, 20 * SECOND)
    await stores.let_pass(25 * SECOND)
    assert await call(stores, 16, limit=LIMIT) == public_id(16)


async def test_the_last_call_says_how_long(stores: Stores) -> None:
    await call(stores, 1, span=LIMIT)
    assert await call(stores, 2, span=SPAN) == public_id(1)
    _row, rest = await found(stores, 1)
    assert near(rest, SPAN)
    # Shorter than what has passed since the first: it begins now.
    await stores.let_pass(15 * SECOND)
    assert await call(stores, 3, span=SPAN, limit=SECOND) == public_id(1)
    assert (await stores.worker.wake_due()).executions == 1


async def test_another_key_or_workflow_is_another_burst(stores: Stores) -> None:
    assert await call(stores, 1) == public_id(1)
    assert await call(stores, 2, key="other") == public_id(2)
    assert await call(stores, 3, workflow="invoice") == public_id(3)


async def test_what_has_begun_takes_no_more(stores: Stores) -> None:
    await call(stores, 1)
    await stores.let_pass(SPAN)
    # Its time has come, though nobody has looked yet.
    assert await call(stores, 2) == public_id(2)
    await stores.let_pass(SPAN)
    await stores.worker.wake_due()
    assert await call(stores, 3) == public_id(3)
    assert [(await get(stores, number)).input for number in (1, 2, 3)] == [{"n": 1}, {"n": 2}, {"n": 3}]


async def test_what_was_sent_something_is_an_execution_like_any_other(stores: Stores) -> None:
    await call(stores, 1)
    await stores.client.send_request(public_id(1), "cancel", None)
    assert await call(stores, 2) == public_id(2)
    assert (await get(stores, 1)).input == {"n": 1}


async def test_a_call_whose_answer_was_lost_counts_once(stores: Stores) -> None:
    await call(stores, 1)
    await stores.let_pass(SPAN)
    # It has begun meanwhile, and yet this is the call that began it.
    assert await call(stores, 1, again=True) == public_id(1)
    assert await stores.client.find_execution(public_id(501)) is None


async def test_one_whose_time_is_long_over_is_forgotten(postgres: Stores) -> None:
    for number in range(3):
        await call(postgres, number, key=str(number))
    await postgres.let_pass(timedelta(hours=2))
    await call(postgres, 7, key="1")
    assert await kept(postgres) == ["1"]


async def kept(stores: Stores) -> list[str]:
    from tests.store.postgres import PostgresUnderTest

    assert isinstance(stores, PostgresUnderTest)
    return [str(row[0]) for row in await stores.query("select key from durable.burst order by key")]


async def test_now_is_when_the_first_call_was(stores: Stores) -> None:
    before: datetime = await stores.now()
    await call(stores, 1, span=SPAN, limit=LIMIT)
    row = await get(stores, 1)
    assert row.scheduled_at is not None
    assert row.scheduled_at - before >= SPAN
