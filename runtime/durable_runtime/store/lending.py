"""Connections that a caller lends: what is done on them is part of the caller's transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from durable_runtime.errors import InvalidOption
from durable_runtime.store.arrays import register_columns
from durable_runtime.store.connections import translate
from durable_runtime.store.protocol import Row

Ask: TypeAlias = Callable[[bytes, Mapping[str, Any]], Awaitable[list[Row]]]
"""Runs one statement and gives its rows."""


@asynccontextmanager
async def lent(connection: Any) -> AsyncIterator[Ask]:
    """Gives the way to ask on a psycopg connection, asynchronous or not, as it was before if the block fails.

    Inside of a transaction that is a savepoint of it, otherwise a transaction of its own. Errors of the database come
    out translated, as from the store's own connections.
    """
    try:
        match connection:
            case psycopg.AsyncConnection():
                register_columns(connection)
                if _begins_at_first_use(connection):
                    await connection.execute("select 1")
                async with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:

                    async def ask(query: bytes, parameters: Mapping[str, Any]) -> list[Row]:
                        await cursor.execute(query, parameters)
                        return await cursor.fetchall()

                    yield ask
            case psycopg.Connection():
                register_columns(connection)
                if _begins_at_first_use(connection):
                    await asyncio.to_thread(connection.execute, "select 1")
                # Its statements block, so they are waited for in a thread; a connection may be used from any.
                block = connection.transaction()
                await asyncio.to_thread(block.__enter__)
                try:
                    yield _in_threads(connection)
                except BaseException as error:
                    await asyncio.to_thread(block.__exit__, type(error), error, error.__traceback__)
                    raise
                await asyncio.to_thread(block.__exit__, None, None, None)
            case _:
                raise InvalidOption(f"connection is one of psycopg, not a {type(connection).__name__}")
    except psycopg.Error as error:
        raise translate(error) from error


def _begins_at_first_use(connection: psycopg.AsyncConnection[Any] | psycopg.Connection[Any]) -> bool:
    """Tells whether the caller's transaction has yet to begin: a block of ours would be one of its own, and commit."""
    return not connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE


def _in_threads(connection: psycopg.Connection[Any]) -> Ask:
    def run(query: bytes, parameters: Mapping[str, Any]) -> list[Row]:
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    async def ask(query: bytes, parameters: Mapping[str, Any]) -> list[Row]:
        return await asyncio.to_thread(run, query, parameters)

    return ask
