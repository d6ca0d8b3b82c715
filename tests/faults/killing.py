"""A worker that is killed with SIGKILL at a named point: `python -m tests.faults.killing URL POINT`.

A point is `before waiting hold` or `after waiting hold`: the commit with this kind of checkpoint at this path has not
left, or is stored and nobody learns it. `after cancelled x2` means the second commit with such a one, whosever it is.
`before look` and `after look` are those of the look for events that were sent by key.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from durable_runtime.core.checkpoints import Json
from durable_runtime.store.messages import Sought
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.worker import Worker
from tests.faults.working import expire
from tests.warm.python import warm_python

ROOT = Path(__file__).parents[2]
LEASE = timedelta(seconds=1)
_POINT = re.compile(r"(before|after) (\w+)(?: (?!x\d)(\S+))?(?: x(\d+))?")


def kill_at(url: str, point: str) -> None:
    """Runs a worker process that dies at the point. Fails when it did not come that far."""
    words = (*warm_python(), "-m", "tests.faults.killing", url, point)
    found = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, check=False, timeout=100).returncode
    assert found == -signal.SIGKILL, f"the worker ended with {found} and never was {point}"
    expire(url)


def work(url: str) -> None:
    """Lets a worker take over from the dead and do all that is to be done."""
    asyncio.run(Worker(url, lease=LEASE).run(until_idle=True))


def kinds(url: str, id: str) -> Counter[str]:
    """Counts an execution's checkpoints, those of nodes by `kind path`."""
    query = """
        select concat_ws(' ', c.kind, nullif(c.path, '')) from durable.checkpoint c
        join durable.execution e on e.id = c.execution_id where e.public_id = %s::uuid
    """
    with psycopg.connect(url, autocommit=True) as connection:
        return Counter(str(row[0]) for row in connection.execute(query, [id]).fetchall())


def effects(ledger: Path) -> Counter[str]:
    """Counts what steps did, by the lines of their ledger."""
    return Counter(ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else ())


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at(point: str) -> None:
    matched = _POINT.fullmatch(point)
    assert matched is not None, point
    when, kind, path, count = matched.groups()
    left = int(count or 1)
    commit, find_events = PostgresWorkerStore.commit, PostgresWorkerStore.find_events

    async def deadly_commit(
        self: PostgresWorkerStore, lease: Lease, lane: int, batch: Sequence[Commit]
    ) -> list[Outcome]:
        nonlocal left
        checkpoints = [one for each in batch for one in each.checkpoints]
        left -= any(one.kind == kind and one.path == (path or "") for one in checkpoints)
        if left == 0 and when == "before":
            _die()
        outcomes = await commit(self, lease, lane, batch)
        if left == 0:
            _die()
        return outcomes

    async def deadly_look(self: PostgresWorkerStore, wanted: Sequence[Sought]) -> dict[int, list[Json]]:
        if when == "before":
            _die()
        await find_events(self, wanted)
        _die()
        raise AssertionError

    replaced: dict[str, Any] = {"find_events": deadly_look} if kind == "look" else {"commit": deadly_commit}
    for name, deadly in replaced.items():
        setattr(PostgresWorkerStore, name, deadly)


if __name__ == "__main__":
    _die_at(sys.argv[2])
    work(sys.argv[1])
