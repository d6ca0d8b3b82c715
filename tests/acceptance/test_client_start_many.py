"""Many starts in one call, which are copied: all or none, made while the server stores, and never twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable, InvalidInput
from durable_runtime.store import copying
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import NewExecution, NoAnswer
from tests.acceptance.clients import GREET, query, run
from tests.postgres import wait_until


def test_many_whose_answer_was_lost_are_not_doubled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    insert, insertions = PostgresClientStore.insert_many, []

    async def lost_once(store: PostgresClientStore, like: NewExecution, count: int, rows: Any) -> None:
        insertions.append(count)
        await insert(store, like, count, rows)
        if len(insertions) == 1:
            raise NoAnswer("the connection is gone")

    monkeypatch.setattr(PostgresClientStore, "insert_many", lost_once)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ids = await durable.start_many(GREET, [{"name": f"n{number}"} for number in range(700)])

            assert insertions == [700, 700]
            assert (await durable.get_execution(ids[650])).input["name"] == "n650"

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 700


def test_many_are_started_again_when_the_connection_breaks_between_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = PostgresClientStore.insert_many
    sent: list[list[str]] = []

    def breaking(rows: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        sent.append([])
        for number, row in enumerate(rows):
            if number == 600 and len(sent) == 1:
                with psycopg.connect(database_url, autocommit=True) as other:
                    ended = "select pg_terminate_backend(pid, 30000) from pg_stat_progress_copy where datname = %s"
                    assert other.execute(ended, [other.info.dbname]).fetchall() == [(True,)]
            sent[-1].append(row[0])
            yield row

    async def over_a_bad_line(store: PostgresClientStore, like: NewExecution, count: int, rows: Any) -> None:
        await insert(store, like, count, breaking(rows))

    monkeypatch.setattr(PostgresClientStore, "insert_many", over_a_bad_line)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ids = await durable.start_many(GREET, [{"name": "Ada"}] * 1000)

            assert sent[1] == ids
            assert sent[0] == ids[: len(sent[0])]

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 1000
    assert query(database_url, "select count(*) from durable.ready") == 1000


def test_of_many_the_next_are_encoded_while_the_server_stores_the_first(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = PostgresClientStore.insert_many

    def arrived() -> bool:
        with psycopg.connect(database_url, autocommit=True) as other:
            found = other.execute(
                "select bytes_processed from pg_stat_progress_copy where datname = current_database()"
            )
            return any(row[0] > 0 for row in found.fetchall())

    def watched(rows: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for number, row in enumerate(rows):
            if number == 600:
                wait_until(arrived, "the first rows are at the server before the last are made", seconds=10)
            yield row

    async def seen(store: PostgresClientStore, like: NewExecution, count: int, rows: Any) -> None:
        await insert(store, like, count, watched(rows))

    monkeypatch.setattr(PostgresClientStore, "insert_many", seen)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start_many(GREET, [{"name": "Ada"}] * 1000)

    run(story())


def test_many_are_not_started_without_what_makes_them_claimable(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(like: NewExecution, ids: bytes) -> bytes:
        raise RuntimeError("between the two")

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.migrate()
            with monkeypatch.context() as patch:
                patch.setattr(copying, "_hints", broken)
                with pytest.raises(RuntimeError, match="between the two"):
                    await durable.start_many(GREET, [{"name": "Ada"}] * 1000)
            assert await durable.list_executions() == []
            assert len(await durable.start_many(GREET, [{"name": "Ada"}] * 1000)) == 1000

    run(story())


def test_what_is_wrong_with_many_inputs_is_said_of_all_and_nothing_is_started(database_url: str) -> None:
    inputs: list[Any] = [{"name": "Ada"} for _ in range(1000)]
    inputs[700], inputs[999] = {}, {"name": 1}

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            with pytest.raises(InvalidInput) as caught:
                await durable.start_many(GREET, inputs)

            assert [problem.partition(":")[0] for problem in caught.value.problems] == ["inputs[700]", "inputs[999]"]
            assert await durable.list_executions() == []
            assert len(await durable.start_many(GREET, inputs[:700])) == 700

    run(story())
