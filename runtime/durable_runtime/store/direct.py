"""Statements of the hot path, handed to libpq directly.

A cursor of psycopg looks up how to send and to read each value and composes the statement anew: more Python than a
sequential step costs otherwise. Here the statement is numbered once, its parameters are columns that are encoded
already or a few plain values, and the server keeps it prepared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from durable_runtime.store.arrays import Column
from durable_runtime.store.protocol import Row
from durable_runtime.store.queries import Statement

_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Direct:
    """One connection and the statements that are prepared on it; used by one task at a time."""

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self._connection = connection
        self._reader = Transformer(connection)
        self._prepared: set[bytes] = set()

    async def run(
        self, statement: Statement, parameters: Mapping[str, Any], *, prepared: bool, plans_again: bool = False
    ) -> list[Row]:
        """Runs a statement and gives its rows; raises psycopg's errors.

        With `plans_again`, what is prepared is planned as the tables are now. That, and preparing, goes out together
        with the statement: one round trip, and one transaction.
        """
        values, formats = _encode(statement, parameters)
        server = self._connection.pgconn
        if not prepared:
            server.send_query_params(statement.text, values, param_formats=formats)
            result = await self._answer(server)
        elif statement.name in self._prepared and not plans_again:
            server.send_query_prepared(statement.name, values, formats)
            result = await self._answer(server)
        else:
            server.enter_pipeline_mode()
            if statement.name in self._prepared:
                server.send_query_params(b"discard plans", None)
            else:
                server.send_prepare(statement.name, statement.text)
            server.send_query_prepared(statement.name, values, formats)
            server.pipeline_sync()
            results = await self._answers(server)
            if results[0].status in _DONE:
                self._prepared.add(statement.name)
            result = _checked(*results)
        self._reader.set_pgresult(result)
        return self._reader.load_rows(0, result.ntuples, tuple)

    async def _answers(self, server: PGconn) -> list[PGresult]:
        """Reads all answers of a pipeline, and leaves it."""
        if server.flush():
            await self._connection.wait(generators.send(server))
        results: list[PGresult] = []
        while server.status == ConnStatus.OK:
            result = await _receive(server)
            if result.status == ExecStatus.PIPELINE_SYNC:
                server.exit_pipeline_mode()
                break
            results.append(result)
        if not results:
            raise psycopg.OperationalError("the connection is gone")
        return results

    async def _answer(self, server: PGconn) -> PGresult:
        if server.flush():
            # More than the socket takes at once: psycopg sends and reads in turn.
            results: list[PGresult] = await self._connection.wait(generators.execute(server))
            result = results[-1]
        else:
            result = await _receive(server)
        if result.status not in _DONE:
            raise errors.error_from_result(result)
        return result


def _checked(*results: PGresult) -> PGresult:
    """Gives the last result, or raises the first error."""
    for result in results:
        if result.status not in _DONE:
            raise errors.error_from_result(result)
    return results[-1]


async def _receive(server: PGconn) -> PGresult:
    """Waits for the answer and reads it to its end."""
    loop, socket = asyncio.get_running_loop(), server.socket
    last: PGresult | None = None
    while True:
        while server.is_busy():
            readable = loop.create_future()
            loop.add_reader(socket, _wake, readable)
            try:
                await readable
            finally:
                loop.remove_reader(socket)
            server.consume_input()
        result = server.get_result()
        if result is None:
            assert last is not None
            return last
        last = result


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _encode(statement: Statement, parameters: Mapping[str, Any]) -> tuple[list[bytes | None], list[int]]:
    """Gives values and formats in the statement's order: columns in binary, everything else as text.

    Bytes are a text already.
    """
    values: list[bytes | None] = []
    formats = []
    for name in statement.parameters:
        value = parameters[name]
        if isinstance(value, Column):
            values.append(value.encoded)
            formats.append(1)
        else:
            values.append(value if value is None or isinstance(value, bytes) else str(value).encode())
            formats.append(0)
    return values, formats
