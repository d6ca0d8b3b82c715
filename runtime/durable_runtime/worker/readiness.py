"""What a worker does before its first work needs it: connections, plans, definitions."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from durable_runtime.errors import DatabaseUnavailable, DurableError
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Look, NoAnswer, TryAgain
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.journal import Journal

log = logging.getLogger("durable.worker")

MOST_DEFINITIONS = 32
"""Workflows whose newest definition is read ahead."""


async def plan_claims(store: PostgresWorkerStore) -> None:
    """Has the first claim planned while the worker registers; what fails here fails there, or when it claims."""
    with suppress(DurableError, NoAnswer, TryAgain):
        await store.plan_claims()


class Readiness:
    """Prepares what the first execution would have to wait for.

    While it claims, the connections that write plan their statements. A worker that finds nothing to do, and `stays`,
    reads the definitions that will probably run.
    """

    def __init__(self, store: PostgresWorkerStore, executor: Executor, journal: Journal, *, stays: bool) -> None:
        self._store = store
        self._journal = journal
        self._executor = executor
        self._stays = stays
        self._has_looked = asyncio.Event()
        self._finds_work = False

    def see(self, look: Look) -> None:
        """Takes what a look found; the first one counts."""
        if not self._has_looked.is_set():
            self._finds_work = bool(look.ready or look.lonely)
            self._has_looked.set()

    async def serve(self) -> None:
        """Prepares once, and then sleeps until cancelled: whatever fails here is done when it is needed."""
        await self._has_looked.wait()
        try:
            if self._finds_work or self._stays:
                await self._store.plan_commits(self._journal.spread, moves=not self._finds_work)
            if not self._finds_work and self._stays:
                for definition_id in await self._store.newest_definitions(MOST_DEFINITIONS):
                    if not self._executor.runs:
                        await self._executor.programs.read(definition_id)
        except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
            log.info("not everything is prepared: %s", error)
        await asyncio.Event().wait()
