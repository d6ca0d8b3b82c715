"""The action `sql`: one statement with parameters, its rows as JSON."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.json import Json as AsJson

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import INT64
from durable_runtime.store.connections import connect

MAX_ROWS = 10_000
"""Rows that a step may give; more belong into a table."""

NAME = "durable sql"


class SqlRefused(Exception):
    """A statement whose answer cannot be a result; another attempt gives the same."""


async def run_statement(
    connection: psycopg.AsyncConnection[Any],
    query: str,
    params: dict[str, Json] | list[Json] | None,
    timeout: timedelta | None,
) -> Json:
    """Runs one statement in a transaction and gives {rows, rowcount}.

    Values go beside the text and never into it. Raises psycopg's errors, and `SqlRefused`.
    """
    if timeout is not None:
        milliseconds = max(1, int(timeout.total_seconds() * 1000))
        await connection.execute(f"set local statement_timeout = {milliseconds}".encode())
    # A pipeline speaks the extended protocol, in which a text is one statement, with parameters or without.
    async with connection.pipeline():
        cursor = await connection.execute(query.encode(), _adapted(params), binary=False)
    columns = [column.name for column in cursor.description or ()]
    repeated = next((name for name in columns if columns.count(name) > 1), None)
    if repeated is not None:
        raise SqlRefused(f"two columns are named {repeated!r}; tell them apart with 'as'")
    rows = await cursor.fetchmany(MAX_ROWS + 1) if columns else []
    rowcount = cursor.rowcount
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise SqlRefused("the statement ended the transaction, which is for the engine to do")
    if len(rows) > MAX_ROWS:
        raise SqlRefused(f"the statement gives more than {MAX_ROWS:,} rows; add a limit, or write them into a table")
    return {"rows": [dict(zip(columns, map(as_json, row), strict=True)) for row in rows], "rowcount": rowcount}


def _adapted(params: dict[str, Json] | list[Json] | None) -> dict[str, Any] | list[Any] | None:
    """Gives parameters as psycopg takes them: mappings as json, lists as arrays."""
    match params:
        case None:
            return None
        case dict():
            return {name: _one(value) for name, value in params.items()}
        case list():
            return [_one(value) for value in params]


def _one(value: Json) -> Any:
    return AsJson(value) if isinstance(value, dict) else value


def as_json(value: object) -> Json:
    """Gives a value of the database as JSON: what JSON has as it is, everything else as text.

    Instants are in UTC; bytes are base64; a number that JSON or a reader of it could bend is text.
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if value in INT64 else str(value)
        case float():
            return value if value - value == 0 else str(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat()
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID() | timedelta():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case dict():
            return {str(key): as_json(inner) for key, inner in value.items()}
        case list() | tuple():
            return [as_json(inner) for inner in value]
        case _:
            return str(value)


class Database:
    """Another database that steps may speak to by name. A few connections are kept for the next steps."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._idle: list[psycopg.AsyncConnection[Any]] = []

    async def run(self, query: str, params: dict[str, Json] | list[Json] | None, timeout: timedelta | None) -> Json:
        """Runs one statement in a transaction of its own: at least once."""
        connection = self._idle.pop() if self._idle else None
        if connection is None or connection.closed:
            connection = await connect(self._conninfo, application_name=NAME)
        try:
            await connection.execute(b"begin")
            answer = await run_statement(connection, query, params, timeout)
            await connection.execute(b"commit")
        except BaseException:
            await asyncio.shield(connection.close())
            raise
        self._idle.append(connection)
        return answer

    async def close(self) -> None:
        for connection in self._idle:
            await connection.close()
