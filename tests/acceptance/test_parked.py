"""A parked execution costs rows only: nothing of a worker's memory, and nothing while it has nothing to do."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.store.migrations import migrate
from tests.acceptance.parked import Reading, idle, start_to_park, until_parked
from tests.faults.working import running, until, value
from tests.postgres import OwnServer

ROUNDS = 20

MEGABYTE = 1024**2


def assert_nothing_is_added(none: Reading, many: Reading) -> None:
    # Another round of the heart, or a hint that comes twice, is one more now and then.
    assert many.transactions <= none.transactions + 5
    # Each round finds the wait that is due next, and asks whether that is still waiting.
    assert many.rows <= none.rows + 5 * ROUNDS
    # From the root of an index to its leaf, where an empty table has one page.
    assert many.pages <= none.pages + 25 * ROUNDS


def test_two_thousand_parked_executions_add_nothing_to_what_an_idle_worker_reads(database_url: str) -> None:
    async def story() -> None:
        none = await idle(database_url, ROUNDS)
        async with AsyncDurable(database_url) as durable:
            await start_to_park(durable, 2_100)
        async with running(Worker(database_url)):
            await until_parked(database_url, 2_100)
        many = await idle(database_url, ROUNDS)
        assert_nothing_is_added(none, many)

    asyncio.run(story())


@contextmanager
def worker_process(url: str) -> Iterator[int]:
    """Runs a worker in a process of its own; gives its id."""
    started = subprocess.Popen([sys.executable, "-m", "durable_runtime.cli", "--database", url, "worker", "--quiet"])
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait(timeout=60)


async def memory(url: str, pid: int) -> int:
    """Gives the bytes that a worker has in memory, after three beats of its heart in which it had nothing to do."""
    beat = "select max(expires_at)::text from durable.worker"
    beats = {value(url, beat)}

    def beats_often() -> bool:
        beats.add(value(url, beat))
        return len(beats) > 3

    await until(beats_often, "the worker's heart beats")
    return resident(pid)


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_a_hundred_thousand_parked_executions_add_nothing(own_server: Callable[..., OwnServer]) -> None:
    url = own_server().conninfo
    migrate(url)

    async def story() -> None:
        none = await idle(url, ROUNDS)
        with worker_process(url) as fresh:
            empty = await memory(url, fresh)
        async with AsyncDurable(url) as durable:
            with worker_process(url) as pid:
                await start_to_park(durable, 6_000)
                await until_parked(url, 6_000)
                few = await memory(url, pid)
                await start_to_park(durable, 94_200)
                await until_parked(url, 100_200)
                many = await memory(url, pid)
        with worker_process(url) as fresh:
            full = await memory(url, fresh)
        reads = await idle(url, ROUNDS)
        print(f"idle: {none} with none, {reads} with 100,000")
        print(f"memory of a new worker: {empty / MEGABYTE:.1f} MB with none, {full / MEGABYTE:.1f} MB with 100,000")
        print(f"of the one that parked them: {few / MEGABYTE:.1f} MB after 6,000, {many / MEGABYTE:.1f} MB after all")
        assert_nothing_is_added(none, reads)
        assert full <= empty + 2 * MEGABYTE
        assert many <= few + 8 * MEGABYTE

    asyncio.run(story())
