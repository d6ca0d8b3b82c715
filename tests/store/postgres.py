"""PostgreSQL under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import psycopg

from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Lease
from durable_runtime.store.queries import load_queries
from durable_runtime.store.takeover import Takeover
from tests.store.stores import Leftovers, Stores

_AGE = (
    "update durable.worker set expires_at = expires_at - %(span)s",
    "update durable.wait set due_at = due_at - %(span)s",
    "update durable.execution set created_at = created_at - %(span)s",
    "update durable.event set sent_at = sent_at - %(span)s",
    "update durable.burst set first_at = first_at - %(span)s, due_at = due_at - %(span)s",
)
_LEFTOVERS = """
select (select count(*) from durable.ready where execution_id = %(key)s),
       (select count(*) from durable.wait where execution_id = %(key)s),
       (select count(*) from durable.request where execution_id = %(key)s)
"""


class PostgresUnderTest(Stores):
    """The real store, and a connection of the test's own beside it."""

    client: PostgresClientStore
    worker: PostgresWorkerStore
    recovery: Takeover

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = PostgresClientStore(url)
        self.worker = PostgresWorkerStore(url)
        self.recovery = Takeover(url)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
        connection = await psycopg.AsyncConnection.connect(self.url, autocommit=True, application_name="durable test")
        async with connection:
            yield connection

    async def query(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """Runs a statement of the test's own."""
        async with self._connected() as connection:
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description is not None else []

    async def now(self) -> datetime:
        now = (await self.query("select now()"))[0][0]
        assert isinstance(now, datetime)
        return now

    async def let_pass(self, span: timedelta) -> None:
        for statement in _AGE:
            await self.query(statement, span=span)

    async def heartbeat(self, lease: Lease, span: timedelta) -> bool:
        statement = load_queries("worker")["heartbeat"].decode()
        return bool(await self.query(statement, worker_id=lease.worker_id, lease=span, loop_lag=0.0))

    @asynccontextmanager
    async def held(self, key: int) -> AsyncIterator[None]:
        async with self._connected() as connection, connection.transaction():
            await connection.execute("select from durable.execution where id = %s for update", (key,))
            yield

    async def leftovers(self, key: int) -> Leftovers:
        return Leftovers(*map(int, map(str, (await self.query(_LEFTOVERS, key=key))[0])))

    async def drop_hints(self) -> None:
        await self.query("delete from durable.ready")

    async def close(self) -> None:
        """Closes every connection."""
        for face in (self.client, self.worker, self.recovery):
            await face.close()
