"""Databases that are not there, not ready, or go away and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from durable_runtime import AsyncDurable, DatabaseUnavailable, InvalidOption, SchemaMismatch
from durable_runtime.client import session
from durable_runtime.embedded import EmbeddedServer
from tests.acceptance.clients import GREET, REST, query, run, work
from tests.postgres import OwnServer, with_database

PASSWORD = "s3cret"


async def _first_call(url: str) -> None:
    async with AsyncDurable(url) as durable:
        await durable.list_executions()


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        run(_first_call(f"postgresql://ada:{PASSWORD}@127.0.0.1:1/orders"))

    assert "cannot reach database orders on 127.0.0.1:1" in str(raised.value)
    assert PASSWORD not in str(raised.value)


def test_a_database_that_does_not_exist_says_so(server_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match='database "missing" does not exist'):
        run(_first_call(with_database(server_url, "missing")))


@pytest.mark.parametrize(
    "url",
    [
        f"postgres//ada:{PASSWORD}@host/orders",
        f"postgresql://ada:{PASSWORD}@rest@host/orders",
        f"postgresql://ada:{PASSWORD}/rest@host/orders",
        f"postgresql://ada@host/orders?passwort={PASSWORD}",
        f"host=x password={PASSWORD} nonsense",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidOption, match="expected something like postgresql://") as raised:
        run(_first_call(url))

    assert PASSWORD not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_first_call_brings_a_new_database_up_to_date(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url, schema="fresh") as durable:
            assert await durable.list_executions() == []
            assert await durable.migrate() == []

    run(story())


def test_without_leave_to_migrate_the_schema_is_only_looked_at(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DURABLE_AUTO_MIGRATE", "0")

    async def story() -> None:
        async with AsyncDurable(database_url, schema="fresh") as durable:
            with pytest.raises(SchemaMismatch, match=r"lacks 0001_initial.*run `durable migrations apply`"):
                await durable.list_executions()
            assert query(database_url, "select count(*) from pg_namespace where nspname = 'fresh'") == 0

            assert "0001_initial" in await durable.migrate()
            assert await durable.list_executions() == []

    run(story())


def test_a_database_from_the_future_is_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into durable.migration (number, name) values (9999, 'later')")

    with pytest.raises(SchemaMismatch, match="has migration 9999, which this release does not know"):
        run(_first_call(database_url))


def test_a_user_who_may_not_migrate_is_told_whom_to_ask(database_url: str) -> None:
    async def first_call() -> None:
        async with AsyncDurable(f"{database_url}&options=-crole%3Dguest", schema="forbidden") as durable:
            await durable.list_executions()

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create role guest")
        try:
            with pytest.raises(SchemaMismatch, match="run `durable migrations apply` as the owner"):
                run(first_call())
        finally:
            connection.execute("drop role guest")


def test_connections_that_broke_are_made_again(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            ended = query(
                database_url,
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where application_name = 'durable client' and datname = current_database()",
            )

            assert ended >= 1
            assert (await durable.get_execution(id)).id == id

    run(story())


def test_waiting_for_a_result_outlives_a_restart_of_the_server(own_server: Callable[..., OwnServer]) -> None:
    server = own_server()

    async def story() -> str:
        async with AsyncDurable(server.conninfo) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            waits = asyncio.create_task(durable.result(id))
            await asyncio.sleep(0)
            server.stop("immediate")
            server.start()
            await work(durable)
            result: str = await waits
            return result

    assert run(story()) == "hello Ada!"


def test_a_server_that_stays_away_is_given_up(
    own_server: Callable[..., OwnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.1)
    server = own_server()

    async def story() -> None:
        async with AsyncDurable(server.conninfo) as durable:
            await durable.list_executions()
            server.stop("immediate")
            with pytest.raises(DatabaseUnavailable, match="cannot reach"):
                await durable.list_executions()

    run(story())


def test_an_embedded_server_that_was_killed_is_started_again(durable_home: Path) -> None:
    async def story() -> None:
        async with AsyncDurable() as durable:
            id = await durable.start(REST)
            assert EmbeddedServer(durable_home).stop()

            assert (await durable.get_execution(id)).id == id

    run(story())
    assert not EmbeddedServer(durable_home).status().running


def test_the_home_of_the_embedded_server_can_be_named(
    durable_home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DURABLE_DATABASE_URL", database_url)

    async def story() -> None:
        async with AsyncDurable(home=durable_home) as durable:
            await durable.start(REST)
            assert EmbeddedServer(durable_home).status().users == 1

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 0


def test_the_environment_names_the_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_DATABASE_URL", database_url)

    async def story() -> None:
        async with AsyncDurable() as durable:
            await durable.start(REST)

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 1


def test_a_client_can_be_used_by_one_event_loop_after_the_other(database_url: str) -> None:
    durable = AsyncDurable(database_url)

    async def use() -> int:
        async with durable:
            await durable.start(REST)
            return len(await durable.list_executions())

    assert [run(use()), run(use())] == [1, 2]


def test_a_client_in_use_by_another_event_loop_says_so(database_url: str) -> None:
    durable = AsyncDurable(database_url)

    async def story() -> None:
        async with durable:
            await durable.list_executions()
            with pytest.raises(RuntimeError, match="in use by another event loop"):
                await asyncio.to_thread(lambda: asyncio.run(durable.list_executions()))

    run(story())
