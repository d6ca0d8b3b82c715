"""Parked executions of every kind, and what a worker reads of them while it has nothing to do."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from datetime import timedelta
from unittest import mock
from urllib.parse import urlsplit

import psycopg

from durable_dsl import compile_text
from durable_runtime import AsyncDurable, Worker
from durable_runtime.worker import maintenance
from durable_runtime.worker.maintenance import Maintenance
from durable_runtime.worker.readiness import Readiness
from tests.faults.working import until, value
from tests.postgres import with_database

DOCUMENTS = """
workflow: parked_time
steps: [{wait: long, for: 30d}]
---
workflow: parked_event
steps: [{wait: word, event: word, timeout: 30d}]
---
workflow: parked_key
input: {type: object, properties: {key: {type: string}}}
steps: [{wait: word, event: word, key: "${ input.key }"}]
---
workflow: parked_ask
steps: [{wait: approval, ask: approval, assignees: ["role:manager"]}]
---
workflow: parked_parent
steps: [{step: child, workflow: parked_child}]
---
workflow: parked_child
steps: [{wait: word, event: word}]
"""

STARTED = ("parked_time", "parked_event", "parked_key", "parked_ask", "parked_parent")
CHUNK = 10_000
WAITING = "select count(*) from durable.execution where status = 'waiting'"

_numbers = itertools.count()


@dataclass(frozen=True)
class Reading:
    """What the server did for a database: transactions, rows of ours that it read, pages of tables and indexes."""

    transactions: int
    rows: int
    pages: int

    def __sub__(self, before: Reading) -> Reading:
        return Reading(self.transactions - before.transactions, self.rows - before.rows, self.pages - before.pages)


async def start_to_park(durable: AsyncDurable, count: int) -> None:
    """Starts executions of which a worker will have parked `count`: a parent and its child are two."""
    graphs = [graph for text in DOCUMENTS.split("---") for graph in compile_text(text)]
    each, rest = divmod(count, len(STARTED) + 1)
    assert rest == 0, f"{count} cannot be shared out evenly"
    for name in STARTED:
        for first in range(0, each, CHUNK):
            inputs = [{"key": f"key-{next(_numbers)}"} for _ in range(first, min(each, first + CHUNK))]
            await durable.start_many(graphs, inputs, workflow=name)


async def until_parked(url: str, count: int) -> None:
    """Returns when so many wait, and nothing else is open."""
    async with asyncio.timeout(30 + count / 200):
        while value(url, WAITING) < count:
            await asyncio.sleep(0.05 + count / 1_000_000)


def read_so_far(url: str) -> Reading:
    """Adds up what sessions have published; each does when it ends, at the latest."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            """
            select (select xact_commit + xact_rollback from pg_stat_database where datname = current_database()),
                   (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))
                    from pg_stat_user_tables where schemaname = 'durable')::bigint,
                   (select sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)
                               + coalesce(toast_blks_read + toast_blks_hit, 0))
                    from pg_statio_user_tables where schemaname = 'durable')::bigint
            """
        ).fetchone()
    assert row is not None
    return Reading(*row)


async def idle(url: str, rounds: int) -> Reading:
    """Gives what a worker asks for in its life, in which it has nothing to do for so many rounds of all chores."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")  # as autovacuum does, which may come now or never in a test
    await _until_everyone_has_left(url)
    before = read_so_far(url)
    worker = Worker(url, lease=timedelta(hours=1))  # its heart does not beat meanwhile
    done = itertools.count(1)
    once = Maintenance.once

    async def counted(self: Maintenance) -> float:
        delay = await once(self)
        await self._store.outlook()  # as one that ends when nothing is left does
        if next(done) >= rounds:
            worker.stop()
        return min(delay, 0.001)

    async def prepared(_self: Readiness) -> None:
        """What it does once, and of what else is stored in the database, has tests of its own."""
        await asyncio.Event().wait()

    with (
        mock.patch.object(Maintenance, "once", counted),
        mock.patch.object(maintenance, "SWEEP_EVERY", 0.0),
        mock.patch.object(Readiness, "serve", prepared),
    ):
        await asyncio.wait_for(worker.run(), 60)
    await _until_everyone_has_left(url)
    return read_so_far(url) - before


async def _until_everyone_has_left(url: str) -> None:
    """Sessions publish what they did when they end. Asked from another database, so that asking is not counted."""
    name = urlsplit(url).path.removeprefix("/")
    sessions = "select count(*) from pg_stat_activity where datname = %s and backend_type = 'client backend'"
    elsewhere = with_database(url, "postgres")
    await until(lambda: value(elsewhere, sessions, name) == 0, "everyone has left")
