"""A worker that is killed with SIGKILL at a commit of its own: `python -m tests.model.victim URL [MOMENT COMMIT]`.

MOMENT is `before` (nothing of the commit has left), `during` (it is under way: stored or not) or `after` (it is stored,
and the worker never learns it). Without them it works until nothing is left that will run by itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.worker import Worker

LEASE = timedelta(seconds=3)


def die() -> None:
    """Ends this process as nothing can prevent."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(moment: str, number: int) -> None:
    """Makes this process die at its commit of this number, the first being 1."""
    commit = PostgresWorkerStore.commit
    commits = 0

    async def deadly(self: PostgresWorkerStore, lease: Lease, lane: int, batch: Sequence[Commit]) -> list[Outcome]:
        nonlocal commits
        commits += 1
        if commits != number:
            return await commit(self, lease, lane, batch)
        if moment == "before":
            die()
        under_way = asyncio.ensure_future(commit(self, lease, lane, batch))
        if moment == "during":
            await asyncio.sleep(0.0005)
            die()
        await under_way
        die()
        raise AssertionError

    PostgresWorkerStore.commit = deadly  # type: ignore[method-assign, assignment]


def main() -> None:
    """Works, and dies if it was told to."""
    url, *when = sys.argv[1:]
    if when:
        die_at(when[0], int(when[1]))
    asyncio.run(Worker(url, lease=LEASE).run(until_idle=True))


if __name__ == "__main__":
    main()
