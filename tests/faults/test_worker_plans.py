"""A worker that began with empty tables, and a queue that became long before the server gathered any statistics."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Outcome, Suspend, Timer, TryAgain
from tests.postgres import wait_until
from tests.store.postgres import PostgresUnderTest

QUEUED = 100_000
CLAIMS = 5
BATCH = 100
PARKED = 20_000
TURNS = 5


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


@pytest.mark.parametrize("statistics", ["none", "of a short queue"])
def test_claims_and_commits_read_only_what_they_take_however_long_the_queue_became(
    stores: PostgresUnderTest, database_url: str, observe: Any, statistics: str
) -> None:
    observe("alter table durable.execution set (autovacuum_enabled = false)")
    observe("alter table durable.ready set (autovacuum_enabled = false)")
    if statistics != "none":
        observe(
            "insert into durable.execution (public_id, definition_id, workflow, status) "
            "select gen_random_uuid(), 1, 'old', case when n < 3 then 'pending' else 'completed' end "
            "from generate_series(1, 50) n"
        )
        observe("analyze durable.execution, durable.ready")
    read_before = rows_read(database_url, "execution")

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
    assert rows_read(database_url, "execution") - read_before < 20 * CLAIMS * BATCH


def test_a_claim_of_a_few_walks_down_a_short_queue_and_does_not_sort_it(
    stores: PostgresUnderTest, database_url: str, observe: Any
) -> None:
    observe("alter table durable.ready set (autovacuum_enabled = false)")
    observe(
        "with started as (insert into durable.execution (public_id, definition_id, workflow, input) "
        "select gen_random_uuid(), 1, 'few', '{}' from generate_series(1, 1000) returning id) "
        "insert into durable.ready (execution_id, queue, rank) select id, 'default', 0 from started"
    )

    async def scenario() -> None:
        store = PostgresWorkerStore(database_url)
        try:
            lease = await store.register("early", {}, 2, timedelta(minutes=1))
            for _claim in range(CLAIMS):
                assert len(await store.claim(lease, "default", 60)) == 60
        finally:
            await store.close()

    def hints_read() -> int:
        with psycopg.connect(database_url) as connection:
            query = "select idx_tup_read from pg_stat_user_indexes where indexrelname = 'ready_pkey'"
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    before = hints_read()
    asyncio.run(scenario())

    wait_until(lambda: hints_read() > before, "the claims are counted")
    assert hints_read() - before < 3 * CLAIMS * 60


@pytest.mark.parametrize("analyzed", [False, True])
def test_what_wakes_among_many_that_are_parked_is_found_without_reading_the_others(
    stores: PostgresUnderTest, database_url: str, observe: Any, analyzed: bool
) -> None:
    for table in ("execution", "wait", "request", "event", "open_wait", "ready"):
        observe(f"alter table durable.{table} set (autovacuum_enabled = false)")
    observe(
        "with parked as (insert into durable.execution (public_id, definition_id, workflow, status, input) "
        f"select gen_random_uuid(), 1, 'many', 'waiting', '{{}}' from generate_series(1, {PARKED}) returning id), "
        "waits as (insert into durable.wait (execution_id, path, kind, due_at) "
        "select id, 'a', 'time', now() + interval '30 days' from parked) "
        "insert into durable.open_wait (execution_id, path, label, kind, name, key, detail, opened_at) "
        "select id, 'b', '', 'event', 'paid', id::text, '{}', now() from parked"
    )

    async def scenario() -> None:
        store = PostgresWorkerStore(database_url)
        try:
            lease = await store.register("early", {}, 2, timedelta(minutes=1))
            for turn in range(TURNS):
                # One falls due, one is sent a request by another, one waits for an event: three are woken and parked.
                observe(f"update durable.wait set due_at = now() where execution_id = {10 * turn + 1}")
                observe(
                    "insert into durable.request (execution_id, kind, payload, routed) "
                    f"values ({10 * turn + 2}, 'nudge', '{{}}', false)"
                )
                observe(f"insert into durable.event (name, key, payload) values ('paid', '{10 * turn + 3}', '{{}}')")
                assert (await store.wake_due()).executions == 1
                while (await store.route()).requests:
                    pass
                claimed = await store.claim(lease, "default", BATCH)
                assert len(claimed) == 3
                await store.read_inboxes([one.key for one in claimed])
                later = Suspend((Timer("a", "time", await store.server_time() + timedelta(days=30)),))
                commits = [Commit(key=one.key, seen=one.signal, checkpoints=[], move=later) for one in claimed]
                assert await store.commit(lease, 0, commits) == [Outcome.COMMITTED] * 3
        finally:
            await store.close()

    def is_counted() -> bool:
        with psycopg.connect(database_url) as connection:
            query = "select n_tup_del from pg_stat_user_tables where schemaname = 'durable' and relname = 'ready'"
            return connection.execute(query).fetchone() == (3 * TURNS,)

    if analyzed:
        observe("analyze durable.execution, durable.wait, durable.open_wait")
    # The server counts on many requests until it knows better, and reads the executions once for all of them.
    tables = ("execution", "wait", "open_wait") if analyzed else ("wait", "open_wait")
    before = {table: rows_read(database_url, table) for table in tables}
    asyncio.run(scenario())

    wait_until(is_counted, "what was claimed is counted")
    read = {table: rows_read(database_url, table) - count for table, count in before.items()}
    assert max(read.values()) < 100 * TURNS


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
