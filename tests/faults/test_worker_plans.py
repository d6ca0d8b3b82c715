"""A worker that began with empty tables, and a queue that became long before the server gathered any statistics."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Outcome, Suspend, TryAgain
from tests.postgres import wait_until
from tests.store.postgres import PostgresUnderTest

QUEUED = 100_000
CLAIMS = 5
BATCH = 100


def rows_read(url: str, table: str) -> int:
    """How many rows of a table were looked at so far."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables "
            "where schemaname = 'durable' and relname = %s",
            [table],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_claims_and_commits_read_only_what_they_take_however_long_the_queue_became(
    stores: PostgresUnderTest, database_url: str, observe: Any
) -> None:
    observe("alter table durable.execution set (autovacuum_enabled = false)")
    observe("alter table durable.ready set (autovacuum_enabled = false)")

    async def scenario() -> None:
        store = PostgresWorkerStore(database_url)
        try:
            lease = await store.register("early", {}, 2, timedelta(minutes=1))
            for _time in range(10):  # by now the server would have settled for a plan
                assert await store.claim(lease, "default", BATCH) == []
                nothing = Commit(key=0, seen=0, checkpoints=[], move=Suspend(()))
                assert await store.commit(lease, 0, [nothing]) == [Outcome.REFUSED]
            observe(
                "with started as (insert into durable.execution (public_id, definition_id, workflow, input) "
                f"select gen_random_uuid(), 1, 'many', '{{}}' from generate_series(1, {QUEUED}) returning id) "
                "insert into durable.ready (execution_id, queue, rank) select id, 'default', 0 from started"
            )
            for _claim in range(CLAIMS):
                claimed = await store.claim(lease, "default", BATCH)
                assert len(claimed) == BATCH
                commits = [Commit(key=one.key, seen=0, checkpoints=[], move=Suspend(())) for one in claimed]
                assert await store.commit(lease, 0, commits) == [Outcome.COMMITTED] * BATCH
        finally:
            await store.close()  # with it the server counts what was read

    def is_counted() -> bool:
        with psycopg.connect(database_url) as connection:
            query = "select n_tup_del from pg_stat_user_tables where schemaname = 'durable' and relname = 'ready'"
            return connection.execute(query).fetchone() == (CLAIMS * BATCH,)

    asyncio.run(scenario())

    wait_until(is_counted, "the claims are counted")
    # A few looks at each row taken; a plan that reads the queue looks at all of it, every time.
    assert rows_read(database_url, "ready") < 10 * CLAIMS * BATCH
    assert rows_read(database_url, "execution") < 20 * CLAIMS * BATCH


def test_a_statement_that_the_server_has_forgotten_is_sent_again_and_not_prepared_any_more(
    stores: PostgresUnderTest, database_url: str
) -> None:
    async def scenario() -> None:
        store = PostgresWorkerStore(database_url)
        try:
            lease = await store.register("pooled", {}, 2, timedelta(minutes=1))
            going_on = Commit(key=0, seen=0, checkpoints=[])
            assert await store.commit(lease, 0, [going_on]) == [Outcome.COMMITTED]
            async with store._lanes[0].use() as connection:
                # As behind a pooler of transactions: gone, and psycopg has not seen how.
                await connection.execute("do $$ begin execute 'deallocate all'; end $$")
            with pytest.raises(TryAgain, match="26000"):
                await store.commit(lease, 0, [going_on])
            assert await store.commit(lease, 0, [going_on]) == [Outcome.COMMITTED]
            async with store._lanes[0].use() as connection:
                cursor = await connection.execute("select count(*) from pg_prepared_statements")
                assert await cursor.fetchone() == (0,)
        finally:
            await store.close()

    asyncio.run(scenario())
