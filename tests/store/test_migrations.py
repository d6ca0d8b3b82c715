"""Migrations: applied once, by any number of processes, in any schema, and never backwards."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from durable_runtime.errors import SchemaMismatch
from durable_runtime.store import migrations
from durable_runtime.store.migrations import list_applied, list_migrations, list_pending, migrate
from durable_runtime.store.queries import load_queries
from tests.postgres import wait_until

Connection = psycopg.Connection[tuple[object, ...]]

ALL = [f"{number:04}_{name}" for number, name, _text in list_migrations()]
TABLES = """
    select table_name from information_schema.tables where table_schema = %s order by table_name
"""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def tables(connection: Connection, schema: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(TABLES, (schema,)).fetchall()]


def test_the_first_one_makes_the_tables_and_the_second_changes_nothing(database_url: str) -> None:
    assert list_pending(database_url, "fresh") == ALL
    assert migrate(database_url, "fresh") == ALL
    with connected(database_url) as connection:
        made = tables(connection, "fresh")
    assert {"definition", "execution", "ready", "checkpoint", "wait", "request", "worker", "lane", "log"} <= set(made)
    assert migrate(database_url, "fresh") == []
    assert list_pending(database_url, "fresh") == []
    assert sorted(list_applied(database_url, "fresh")) == [number for number, _name, _text in list_migrations()]


_MIGRATE = """
import sys
from durable_runtime.store.migrations import migrate
print(*migrate(sys.argv[1], "fresh"))
"""


def test_two_processes_at_once_apply_each_one_once(database_url: str) -> None:
    with connected(database_url) as stranger:
        stranger.execute("select pg_advisory_lock(%s)", (migrations._LOCK,))
        processes = [
            subprocess.Popen([sys.executable, "-c", _MIGRATE, database_url], stdout=subprocess.PIPE, text=True)
            for _process in range(2)
        ]

        def both_wait() -> bool:
            query = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            return stranger.execute(query).fetchone() == (2,)

        wait_until(both_wait, "both processes wait for the lock of migrations")
        stranger.execute("select pg_advisory_unlock(%s)", (migrations._LOCK,))
        printed = [process.communicate(timeout=30)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(printed) == [[], ALL]


def test_a_newer_schema_is_refused_and_left_alone(database_url: str) -> None:
    with connected(database_url) as connection:
        connection.execute("insert into durable.migration (number, name) values (9999, 'of_the_future')")
        with pytest.raises(SchemaMismatch, match=r"migration 9999, which this release does not know: upgrade"):
            migrate(database_url)
        with pytest.raises(SchemaMismatch):
            list_pending(database_url)
        assert connection.execute("select max(number) from durable.migration").fetchone() == (9999,)


def test_a_migration_that_fails_leaves_nothing_of_itself(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (9998, "broken", "create table durable.half_done (); select 1 / 0;")
    monkeypatch.setattr(migrations, "list_migrations", lambda: [*list_migrations(), broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database_url)
    monkeypatch.undo()
    with connected(database_url) as connection:
        assert "half_done" not in tables(connection, "durable")
    assert migrate(database_url) == []


@pytest.mark.parametrize("name", ["Durable", "my schema", 'a"; drop schema public', "", "x" * 64])
def test_a_name_that_is_no_plain_schema_name_is_refused(database_url: str, name: str) -> None:
    with pytest.raises(ValueError, match="is not a schema name"):
        migrate(database_url, name)


def test_another_schema_holds_everything_and_nothing_speaks_of_the_usual_one(database_url: str) -> None:
    with connected(database_url) as connection:
        usual = tables(connection, "durable")
        connection.execute("drop schema durable cascade")
        migrate(database_url, "second")
        assert tables(connection, "second") == usual
        assert tables(connection, "durable") == []
        assert tables(connection, "public") == []
        for file in ("client", "worker"):
            for name, statement in load_queries(file, "second").items():
                assert b"durable." not in statement, f"{file}.{name} speaks of the schema durable"
                # Planned, not run: that needs every table and column it names, and no value of a parameter.
                # Rows that are copied cannot be planned; their columns can be asked for.
                asked = re.sub(rb"(?m)^copy (\S+) \((.+)\) from stdin.*$", rb"select \2 from \1", statement)
                connection.execute(b"explain " + asked, defaultdict(lambda: None))
