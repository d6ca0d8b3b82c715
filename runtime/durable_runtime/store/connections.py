"""Connections and what their errors mean. The rest of the store never looks at a SQLSTATE."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import psycopg

from durable_runtime.errors import DatabaseUnavailable, SchemaMismatch
from durable_runtime.store.addresses import check_address, describe_address
from durable_runtime.store.arrays import register_columns
from durable_runtime.store.direct import Direct
from durable_runtime.store.protocol import NoAnswer, Row, StatementRefused, TryAgain
from durable_runtime.store.queries import Statement

# A pooler gave this connection's place at the server to others, or the tables changed under a plan that was kept.
_PLAN_LOST = ("26000", "42P05", "0A000")

_NEVER = 2**31
"""Uses of a statement before psycopg prepares it by itself."""

OPTIONS: Final[dict[str, Any]] = {
    "prepare_threshold": _NEVER,
    "connect_timeout": 10,
    # Columns are built in UTF-8; a database of another encoding converts, and refuses what it cannot hold.
    "client_encoding": "utf8",
    # A peer that vanished without a word is noticed in seconds, not in the kernel's two hours.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How every connection is opened."""

Connection: TypeAlias = psycopg.AsyncConnection[Row]

# 21 cardinality, 22 data, 23 integrity, 54 program limits: caused by what was sent.
_REFUSED = ("21", "22", "23", "54")
# 40 transaction rollback, lock not available, query cancelled: caused by what else was going on.
_AGAIN_CLASSES = ("40",)
# The server became a standby, or this address leads to one now; a new connection may find the primary.
_READ_ONLY = "25006"
_AGAIN_STATES = ("55P03", "57014", "53100", "53200", "53400")


def translate(error: psycopg.Error) -> Exception:
    """Gives the error that callers act on: refused, try again, no answer, or what it was."""
    state = error.sqlstate or ""
    if state[:2] in _REFUSED:
        return StatementRefused(f"{_first_line(error)} ({state})")
    if state[:2] in _AGAIN_CLASSES or state in _AGAIN_STATES:
        return TryAgain(f"{_first_line(error)} ({state})")
    if state in ("3F000", "42P01"):
        return SchemaMismatch(f"{_first_line(error)}: run `durable migrations apply` on this database")
    if not state or state[:2] in ("08", "57") or isinstance(error, psycopg.OperationalError):
        return NoAnswer(_first_line(error) or type(error).__name__)
    return error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


async def connect(conninfo: str, *, application_name: str) -> Connection:
    """Opens a connection in autocommit, its statements planned anew each time unless asked for otherwise.

    A prepared statement keeps the plan that was best when the tables were empty: a claim from a hundred thousand
    queued executions then took four seconds, until statistics happened to be gathered. Planning takes half of one
    thousandth of that.

    Raises `DatabaseUnavailable` when the server cannot be reached, `InvalidOption` when this is no address.
    """
    check_address(conninfo)
    try:
        connection = await psycopg.AsyncConnection.connect(
            conninfo,
            autocommit=True,
            application_name=application_name,
            **OPTIONS,
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot reach {describe_address(conninfo)}: {_first_line(error)}") from None
    # A takeover's statements need a snapshot each, whatever the database's default is.
    await connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
    register_columns(connection)
    return connection


class Line:
    """One connection that is opened when first needed and again after it broke; used by one task at a time."""

    def __init__(self, conninfo: str, name: str) -> None:
        self._conninfo = conninfo
        self._name = name
        self._connection: Connection | None = None
        self._direct: Direct | None = None
        self._lock = asyncio.Lock()
        self._planned_at = float("-inf")
        self.prepares = True
        """Whether statements are prepared: not any more once one was lost, as behind a pooler of transactions."""

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection]:
        """Lends the connection; errors of the database come out translated, a broken connection is dropped."""
        async with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._conninfo, application_name=self._name)
                self._direct = None
            connection = self._connection
            try:
                yield connection
            except psycopg.Error as error:
                if connection.closed or error.sqlstate == _READ_ONLY:
                    await self._drop(connection)
                    raise NoAnswer(_first_line(error) or type(error).__name__) from error
                if error.sqlstate in _PLAN_LOST:
                    self.prepares = False
                    await self._drop(connection)
                    raise TryAgain(f"{_first_line(error)} ({error.sqlstate})") from error
                raise translate(error) from error
            except BaseException:
                # Cancelled in the middle: the answer to come belongs to nobody, so the connection cannot be used again.
                if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    await self._drop(connection)
                raise

    async def fetch(self, query: bytes, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Runs one statement, planned as the tables are, and gives its rows."""
        async with self.use() as connection:
            cursor = await connection.execute(query, parameters, binary=False)
            return await cursor.fetchall() if cursor.description is not None else []

    async def ask(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        """Runs a statement that is asked often, and gives its rows; a plan that has lasted long enough is made anew."""
        async with self.use() as connection:
            direct = self._direct
            if direct is None:
                direct = self._direct = Direct(connection)
            plans_again = False
            if self.prepares and not math.isinf(statement.plan_lasts):
                now = time.monotonic()
                plans_again = now - self._planned_at >= statement.plan_lasts
                if plans_again:
                    self._planned_at = now
            return await direct.run(statement, parameters, prepared=self.prepares, plans_again=plans_again)

    async def _drop(self, connection: Connection) -> None:
        self._connection = None
        await connection.close()

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


class Lines:
    """A few connections shared by clients; as many statements at once as there are lines."""

    def __init__(self, conninfo: str, name: str, size: int) -> None:
        self._idle: asyncio.LifoQueue[Line] = asyncio.LifoQueue()
        self._all = [Line(conninfo, name) for _ in range(size)]
        for line in self._all:
            self._idle.put_nowait(line)

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        line = await self._idle.get()
        try:
            yield line
        finally:
            self._idle.put_nowait(line)

    async def fetch(self, query: bytes, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        async with self.line() as line:
            return await line.fetch(query, parameters)

    async def ask(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        async with self.line() as line:
            return await line.ask(statement, parameters)

    async def close(self) -> None:
        for line in self._all:
            await line.close()
