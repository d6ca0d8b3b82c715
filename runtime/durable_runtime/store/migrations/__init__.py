"""Migrations: numbered SQL files, each applied once, in order, in one transaction, under a lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from durable_runtime.errors import DatabaseUnavailable, SchemaMismatch
from durable_runtime.store.addresses import check_address, describe_address
from durable_runtime.store.queries import DEFAULT_SCHEMA, check_schema, with_schema

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_LOCK = 0x64757261  # "dura": one migration at a time in a database, whatever the schema


def list_migrations() -> list[tuple[int, str, str]]:
    """Gives all migrations as (number, name, SQL for the schema `durable`), in order."""
    found = []
    for entry in files(__name__).iterdir():
        match = _FILE.fullmatch(entry.name)
        if match:
            found.append((int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    return sorted(found)


def applied(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> dict[int, datetime]:
    """Gives the numbers of the migrations this database has, and when each was applied."""
    # Not to_regclass: it asks this backend's cache, in which "there is none" outlives the wait for another's migration.
    exists = connection.execute(
        "select from pg_catalog.pg_tables where schemaname = %s and tablename = 'migration'", (schema,)
    ).fetchone()
    if exists is None:
        return {}
    query = sql.SQL("select number, applied_at from {}.migration").format(sql.Identifier(schema))
    rows: list[Any] = connection.execute(query).fetchall()
    return dict(rows)


def list_applied(conninfo: str, schema: str = DEFAULT_SCHEMA) -> dict[int, datetime]:
    """Gives the numbers of the migrations this database has, and when each was applied; raises as `migrate` does."""
    with _connected(conninfo, schema) as connection:
        return applied(connection, schema)


def migrate(conninfo: str, schema: str = DEFAULT_SCHEMA) -> list[str]:
    """Brings the schema up to date and gives the names of the migrations it applied; any number may do so at once.

    Raises `DatabaseUnavailable` when the server cannot be reached, `SchemaMismatch` when the database is newer than
    this release or does not let this user do it.
    """
    known = list_migrations()
    with _connected(conninfo, schema) as connection:
        if not _is_current(connection, schema, known):
            return _apply(connection, schema, known)
    return []


def list_pending(conninfo: str, schema: str = DEFAULT_SCHEMA) -> list[str]:
    """Gives the names of the migrations that the schema still lacks, and changes nothing; raises as `migrate` does."""
    known = list_migrations()
    with _connected(conninfo, schema) as connection:
        if _is_current(connection, schema, known):
            return []
        have = applied(connection, schema)
    return [_name(number, title) for number, title, _text in known if number not in have]


@contextmanager
def _connected(conninfo: str, schema: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Lends a connection in one transaction."""
    check_address(conninfo)
    check_schema(schema)
    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection, connection.transaction():
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise SchemaMismatch(
            f"the schema {schema!r} is not up to date, and this user may not change it ({error}): "
            "run `durable migrations apply` as the owner of the database"
        ) from None
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot reach {describe_address(conninfo)}: {error}") from None


def _name(number: int, title: str) -> str:
    return f"{number:04}_{title}"


def _is_current(
    connection: psycopg.Connection[tuple[object, ...]], schema: str, known: list[tuple[int, str, str]]
) -> bool:
    """Looks without a lock first: a start on an up-to-date database must not queue behind anything."""
    have = applied(connection, schema)
    newer = have.keys() - {number for number, _name, _text in known}
    if newer:
        raise SchemaMismatch(
            f"the schema {schema!r} has migration {max(newer)}, which this release does not know: upgrade durable-dsl"
        )
    return len(have) == len(known)


def _apply(
    connection: psycopg.Connection[tuple[object, ...]], schema: str, known: list[tuple[int, str, str]]
) -> list[str]:
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    have = applied(connection, schema)
    name = sql.Identifier(schema)
    if not have:
        connection.execute(sql.SQL("create schema if not exists {}").format(name))
        connection.execute(
            sql.SQL(
                "create table if not exists {}.migration "
                "(number integer primary key, name text not null, applied_at timestamptz not null default now())"
            ).format(name)
        )
    done = []
    for number, title, text in known:
        if number not in have:
            connection.execute(with_schema(text, schema).encode())
            connection.execute(
                sql.SQL("insert into {}.migration (number, name) values (%s, %s)").format(name), (number, title)
            )
            done.append(_name(number, title))
    return done
