"""Taking over from workers whose lease ran out.

Statements in one transaction, and their order is the proof. The first takes the dead worker's own row: one takeover
at a time, and no heartbeat revives the lease from here on. The second raises the epochs of its lanes: it waits for a
commit under way (which holds its lane's row for share), and every later statement of that worker finds no row with
its epoch. Only then does the third, with a snapshot of its own, put the executions back: it sees what that last
commit did. In one statement with the second, the snapshot would be older than the wait, and an execution claimed or
finished in between would be orphaned or run again.

A client that froze between its statement and its COMMIT holds the fence for as long as it is frozen; after `PATIENCE`
its backend is terminated, which rolls its transaction back. Whoever else waits for the same fence is a takeover, and
those pass each other by. Transactions in which steps of the dead worker stand hold no fence, but rows of the author's:
their sessions are ended once nothing of that worker can be written any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from durable_runtime.store.connections import Connection, Line, connect
from durable_runtime.store.joined import steps_of
from durable_runtime.store.protocol import ALONE_FROM, RECOVERY_LIMIT, TryAgain
from durable_runtime.store.queries import DEFAULT_SCHEMA, load_queries

PATIENCE = timedelta(seconds=2)

SWEPT_AT_ONCE = 10_000
"""Pending executions that one sweep looks at: hundreds of thousands may be, which are to begin on another day."""

# A dead worker may have left a frozen transaction in each of its lanes; they are met one after the other.
_LOOK_AGAIN = 0.1


class Takeover:
    """Finds dead workers and puts their executions back. Any worker may run it at any time, many at once."""

    def __init__(self, conninfo: str, *, schema: str = DEFAULT_SCHEMA, patience: timedelta = PATIENCE) -> None:
        self._conninfo = conninfo
        self._schema = schema
        self._sql = load_queries("worker", schema)
        self._drop_events = load_queries("messages", schema)["drop_events"]
        self._patience = patience
        self._line = Line(conninfo, "durable takeover")
        self._swept_to = 0

    async def take_over_expired(self) -> int:
        """Takes over from every worker whose lease ran out; gives how many executions were put back."""
        rows = await self._line.fetch(self._sql["expired_workers"])
        back = 0
        for (dead_id,) in rows:
            back += await self.take_over(dead_id)
        return back

    async def take_over(self, dead_id: int) -> int:
        """Takes over from one worker, unless its lease was renewed in the meantime or someone else is at it."""
        for _round in range(3):
            try:
                return await self._try(dead_id)
            except TryAgain:
                # Our own patience ran out: the holder was terminated, or is about to be.
                continue
        return 0

    async def _try(self, dead_id: int) -> int:
        parameters = {"dead_id": dead_id}
        async with (
            self._line.use() as connection,
            self._blockers_ended(connection.info.backend_pid),
            connection.transaction(),
        ):
            timeout = int(self._patience.total_seconds() * 2000)
            await connection.execute(f"set local lock_timeout = {timeout}".encode())
            begun = await connection.execute(self._sql["begin_takeover"], parameters)
            if await begun.fetchone() is None:
                return 0
            await connection.execute(self._sql["raise_epochs"], parameters)
            await connection.execute(self._sql["end_steps"], {"name": steps_of(dead_id, self._schema)})
            back = await self._put_back(connection, dead_id)
            await connection.execute(self._sql["forget_worker"], parameters)
            return back

    async def _put_back(self, connection: Connection, dead_id: int) -> int:
        cursor = await connection.execute(
            self._sql["put_back"], {"dead_id": dead_id, "limit": RECOVERY_LIMIT, "alone_from": ALONE_FROM}
        )
        return len(await cursor.fetchall())

    @asynccontextmanager
    async def _blockers_ended(self, pid: int) -> AsyncIterator[None]:
        watch = asyncio.create_task(self._end_blockers(pid))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _end_blockers(self, pid: int) -> None:
        """After `patience`, ends the backends that hold a fence we wait for, one after the other."""
        await asyncio.sleep(self._patience.total_seconds())
        async with await connect(self._conninfo, application_name="durable takeover watch") as other:
            while True:
                await other.execute(self._sql["end_blockers"], {"pid": pid})
                await asyncio.sleep(_LOOK_AGAIN)

    async def sweep(self) -> tuple[int, int]:
        """Looks for what should not be: running executions without a worker, pending ones without a hint.

        Gives how many of each were put right. Rows that a takeover had to skip because a stranger held them are found
        here too. Of the pending ones it looks at `SWEPT_AT_ONCE`, and the next time at those that follow.
        """
        orphans = 0
        for (owner,) in await self._line.fetch(self._sql["sweep_owners"]):
            await self._line.fetch(self._sql["end_steps"], {"name": steps_of(owner, self._schema)})
            parameters = {"dead_id": owner, "limit": RECOVERY_LIMIT, "alone_from": ALONE_FROM}
            orphans += len(await self._line.fetch(self._sql["put_back"], parameters))
        portion = {"after": self._swept_to, "limit": SWEPT_AT_ONCE, "alone_from": ALONE_FROM}
        [(unhinted, swept_to)] = await self._line.fetch(self._sql["sweep_ready"], portion)
        self._swept_to = swept_to or 0
        return orphans, unhinted

    async def drop_events(self, limit: int = 1000) -> int:
        """Drops events whose time is over, at most so many; gives how many."""
        return int((await self._line.fetch(self._drop_events, {"limit": limit}))[0][0])

    async def close(self) -> None:
        await self._line.close()
