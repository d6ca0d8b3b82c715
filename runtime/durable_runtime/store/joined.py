"""Transactions of authors that commit together with their step's checkpoint: exactly once.

A transaction begins when the step first asks for its connection. At the end the fence, the checkpoint and COMMIT leave
in one flush: the fence is held for no longer than the server needs for these, so a client that freezes in the middle of
an author's code holds up nobody who takes over. A fence that does not hold is an error, which the server answers by
skipping COMMIT: what the author wrote is rolled back with it.

Whether a COMMIT whose answer never came took effect is told by the checkpoint, once the lane's epoch was raised.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from durable_runtime.errors import LeaseLost
from durable_runtime.store.arrays import register_columns
from durable_runtime.store.columns import checkpoint_columns, rest_of
from durable_runtime.store.connections import OPTIONS, connect, translate
from durable_runtime.store.protocol import Commit, Lease, NoAnswer
from durable_runtime.store.queries import DEFAULT_SCHEMA, load_queries

MOST_CONNECTIONS = 10
"""Transactions of async functions at once, and as many of plain ones; the others wait."""

PATIENCE = 30.0
"""Seconds that a step waits for one of them."""

CANCEL = 5.0
"""Seconds that the server gets to end a statement that nobody waits for."""

NAME = "durable step"


def steps_of(worker_id: int, schema: str) -> str:
    """Gives the name of the sessions in which steps of one worker have their transactions; takeovers end these."""
    return f"{NAME} {worker_id} {schema}"


_LOST = "the lease is lost"

Statements: TypeAlias = Sequence[tuple[bytes, Any]]


class ConnectionsBusy(Exception):
    """All connections for steps were in use for too long; another attempt may find one."""


class NotInTransaction(Exception):
    """The function ended the transaction that `ctx.connection()` gave it; that is for the engine to do."""


class Refused(Exception):
    """The transaction was rolled back for this reason; the attempt has failed."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class StepConnections:
    """A small pool of connections for steps, on the engine's own database unless another is named."""

    def __init__(self, conninfo: str, *, schema: str = DEFAULT_SCHEMA, size: int = MOST_CONNECTIONS) -> None:
        self._conninfo = conninfo
        self._schema = schema
        self._name = NAME
        self._sql = load_queries("worker", schema) | load_queries("messages", schema)
        self._slots = asyncio.Semaphore(size)
        self._thread_slots = threading.Semaphore(size)
        self._idle: list[psycopg.AsyncConnection[Any]] = []
        self._plain_idle: list[psycopg.Connection[Any]] = []

    def belong_to(self, worker_id: int) -> None:
        """Names the connections after their worker."""
        self._name = steps_of(worker_id, self._schema)

    def begin(self) -> AsyncTransaction:
        """Gives a transaction for an async function; nothing is opened yet."""
        return AsyncTransaction(self)

    def begin_plain(self) -> PlainTransaction:
        """Gives a transaction for a plain function, to be used in its thread; nothing is opened yet."""
        return PlainTransaction(self)

    def statements(self, lease: Lease, lane: int, commit: Commit) -> Statements:
        """Gives what is written at the end of a transaction: the fence first, COMMIT last."""
        fence = {"worker_id": lease.worker_id, "lane": lane, "epoch": lease.epoch(lane)}
        rest = [(self._sql[name], parameters) for name, parameters in rest_of([commit])]
        append = (self._sql["append"], {**fence, **checkpoint_columns([commit])})
        return [(self._sql["hold_fence"], fence), append, *rest, (b"commit", None)]

    # -- connections

    async def take(self) -> psycopg.AsyncConnection[Any]:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._slots.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            connection = self._idle.pop() if self._idle else None
            if connection is None or connection.closed:
                connection = await connect(self._conninfo, application_name=self._name)
            await connection.execute(b"begin")
            return connection
        except BaseException:
            self._slots.release()
            raise

    async def put_back(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Takes a connection back as it was given, or closes it."""
        try:
            if connection.info.transaction_status is TransactionStatus.IDLE:
                connection.row_factory = tuple_row
                await connection.execute(b"discard all")
                self._idle.append(connection)
            else:
                await connection.close()
        except psycopg.Error:
            await connection.close()
        finally:
            self._slots.release()

    def take_plain(self) -> psycopg.Connection[Any]:
        if not self._thread_slots.acquire(timeout=PATIENCE):
            raise _busy()
        try:
            connection = self._plain_idle.pop() if self._plain_idle else None
            if connection is None or connection.closed:
                connection = psycopg.connect(self._conninfo, autocommit=True, application_name=self._name, **OPTIONS)
                register_columns(connection)
            connection.execute(b"begin")
            return connection
        except BaseException:
            self._thread_slots.release()
            raise

    def put_back_plain(self, connection: psycopg.Connection[Any]) -> None:
        try:
            if connection.info.transaction_status is TransactionStatus.IDLE:
                connection.row_factory = tuple_row
                connection.execute(b"discard all")
                self._plain_idle.append(connection)
            else:
                connection.close()
        except psycopg.Error:
            connection.close()
        finally:
            self._thread_slots.release()

    async def close(self) -> None:
        """Closes what is idle; what is in use is closed when it comes back."""
        for connection in self._idle:
            await connection.close()
        for plain in self._plain_idle:
            plain.close()


def _busy() -> ConnectionsBusy:
    return ConnectionsBusy(
        f"all {MOST_CONNECTIONS} connections for steps were in use for {PATIENCE:g} s; hold them for shorter"
    )


class AsyncTransaction:
    """One transaction of an async function."""

    def __init__(self, pool: StepConnections) -> None:
        self._pool = pool
        self._connection: psycopg.AsyncConnection[Any] | None = None

    @asynccontextmanager
    async def block(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Lends the connection; what is done in a block that fails is undone, the transaction goes on."""
        if self._connection is None:
            self._connection = await self._pool.take()
        async with self._connection.transaction():
            yield self._connection

    async def commit(self, lease: Lease, lane: int, commit: Commit) -> None:
        """Commits with the checkpoints of a commit.

        Raises `LeaseLost`, `NoAnswer`, or `Refused` when the attempt has failed; in each case but `NoAnswer` nothing
        was written.
        """
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            with _judged(connection.info.transaction_status):
                async with connection.pipeline():
                    for query, parameters in self._pool.statements(lease, lane, commit):
                        await connection.execute(query, parameters)
        finally:
            await self._pool.put_back(connection)

    async def roll_back(self) -> None:
        """Undoes everything. A function that pays no attention to its cancellation is left without its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
            await self._pool.put_back(connection)


class PlainTransaction:
    """One transaction of a plain function, used in its thread, and ended by the engine in another one."""

    def __init__(self, pool: StepConnections) -> None:
        self._pool = pool
        self._connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def block(self) -> Iterator[psycopg.Connection[Any]]:
        """Lends the connection; what is done in a block that fails is undone, the transaction goes on."""
        if self._connection is None:
            self._connection = self._pool.take_plain()
        with self._connection.transaction():
            yield self._connection

    async def commit(self, lease: Lease, lane: int, commit: Commit) -> None:
        """Commits as that of an async function does."""
        connection, self._connection = self._connection, None
        assert connection is not None
        await asyncio.to_thread(self._commit, connection, self._pool.statements(lease, lane, commit))

    def _commit(self, connection: psycopg.Connection[Any], statements: Statements) -> None:
        try:
            with _judged(connection.info.transaction_status), connection.pipeline():
                for query, parameters in statements:
                    connection.execute(query, parameters)
        finally:
            self._pool.put_back_plain(connection)

    async def roll_back(self) -> None:
        """Undoes everything. A thread that goes on is left without its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.to_thread(self._roll_back, connection)

    def _roll_back(self, connection: psycopg.Connection[Any]) -> None:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=CANCEL)
        # A statement of the thread's holds this lock until it has ended, and now it has.
        held = connection.lock.acquire(timeout=CANCEL)
        try:
            connection.close()
        finally:
            if held:
                connection.lock.release()
        self._pool.put_back_plain(connection)


Transaction: TypeAlias = AsyncTransaction | PlainTransaction

Begin: TypeAlias = Callable[[], Transaction]


@contextmanager
def _judged(status: TransactionStatus) -> Iterator[None]:
    """Says what an error at the end of a transaction means."""
    if status is not TransactionStatus.INTRANS:
        what = "failed in it" if status is TransactionStatus.INERROR else "ended it"
        raise Refused(NotInTransaction(f"the transaction of ctx.connection() cannot commit: a statement {what}"))
    try:
        yield
    except psycopg.Error as error:
        if _LOST in str(error):
            raise LeaseLost("this worker was taken over") from None
        if isinstance(translate(error), NoAnswer):
            raise NoAnswer(str(error)) from error
        raise Refused(error) from error
