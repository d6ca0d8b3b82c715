"""What the errors of the server come out as, and that a store goes on after each."""

from __future__ import annotations

import asyncio

import pytest

from durable_runtime.errors import DatabaseUnavailable, SchemaMismatch
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import Lease, NoAnswer, Outcome, TryAgain
from tests.postgres import with_database
from tests.store.building import checkpoint, claim, goes_on, register, save_definition, start
from tests.store.postgres import PostgresUnderTest

TERMINATE = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = %(name)s and datname = current_database()
"""


async def running(stores: PostgresUnderTest) -> tuple[Lease, int]:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    assert await stores.worker.commit(lease, 0, [goes_on(key, checkpoint(1))]) == [Outcome.COMMITTED]
    return lease, key


async def test_a_connection_that_was_ended_gives_no_answer_once_and_is_opened_again(
    postgres: PostgresUnderTest,
) -> None:
    lease, key = await running(postgres)
    assert await postgres.query(TERMINATE, name="durable lane 0") == [(True,)]
    with pytest.raises(NoAnswer):
        await postgres.worker.commit(lease, 0, [goes_on(key, checkpoint(2))])
    assert await postgres.worker.commit(lease, 0, [goes_on(key, checkpoint(2))]) == [Outcome.COMMITTED]


async def test_a_server_that_only_reads_is_left_for_another_connection(postgres: PostgresUnderTest) -> None:
    lease, key = await running(postgres)
    name = (await postgres.query("select current_database()"))[0][0]
    await postgres.query(f"alter database {name} set default_transaction_read_only = on")
    await postgres.query(TERMINATE, name="durable lane 0")
    with pytest.raises(NoAnswer):
        await postgres.worker.commit(lease, 0, [goes_on(key, checkpoint(2))])
    with pytest.raises(NoAnswer, match="read-only"):
        await postgres.worker.commit(lease, 0, [goes_on(key, checkpoint(2))])
    await postgres.query(f"begin read write; alter database {name} reset default_transaction_read_only; commit")
    assert await postgres.worker.commit(lease, 0, [goes_on(key, checkpoint(2))]) == [Outcome.COMMITTED]


async def test_a_statement_that_was_cancelled_may_be_sent_again(postgres: PostgresUnderTest) -> None:
    lease, key = await running(postgres)
    name = (await postgres.query("select current_database()"))[0][0]
    await postgres.query(f"alter database {name} set lock_timeout = '1ms'")
    await postgres.query(TERMINATE, name="durable client")
    with pytest.raises(NoAnswer):
        await save_definition(postgres)
    async with postgres.held(key):
        with pytest.raises(TryAgain, match="55P03"):
            await postgres.client.send_request("00000000-0000-7000-8000-000000000001", "cancel", None)
    assert await postgres.client.send_request("00000000-0000-7000-8000-000000000001", "cancel", None) == "running"
    assert lease.worker_id == 1


async def test_a_caller_that_gives_up_leaves_no_half_read_answer_behind(postgres: PostgresUnderTest) -> None:
    _lease, key = await running(postgres)
    async with postgres.held(key):
        cancel = asyncio.create_task(
            postgres.client.send_request("00000000-0000-7000-8000-000000000001", "cancel", None)
        )
        waiting = (
            "select from pg_stat_activity where datname = current_database() "
            "and application_name = 'durable client' and wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(10):
            while not await postgres.query(waiting):
                pass
        cancel.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancel
    assert (await postgres.worker.read_inboxes([key]))[key].signal == 0
    for _line in range(2):
        assert await postgres.client.find_outcome("00000000-0000-7000-8000-000000000001") == ("running", None, None)


async def test_a_database_without_the_tables_says_what_to_do(postgres: PostgresUnderTest) -> None:
    client = PostgresClientStore(postgres.url, schema="empty")
    with pytest.raises(SchemaMismatch, match="run `durable migrations apply`"):
        await client.latest_definition("order")
    await client.close()


async def test_a_database_that_is_not_there_is_unavailable(postgres: PostgresUnderTest) -> None:
    client = PostgresClientStore(with_database(postgres.url, "nowhere"))
    with pytest.raises(DatabaseUnavailable, match='"nowhere" does not exist'):
        await client.latest_definition("order")
