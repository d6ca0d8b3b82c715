"""Maintenance: what any worker does for all of them: wake what is due, take over from the dead, sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.pausing import wait_at_most
from durable_runtime.store.heartbeat import LEASE
from durable_runtime.store.protocol import NoAnswer, Recovery, TryAgain, WorkerStore

log = logging.getLogger("durable.maintenance")

TAKEOVER_EVERY = 1.0
SWEEP_EVERY = 30.0
LONGEST_SLEEP = 1.0

PACE = 0.005
"""Seconds between two looks while executions suspend one after the other: many of them share one."""


class Maintenance:
    """Runs the chores of the whole installation; harmless when every worker does.

    `hint` is set when there may be something to claim. Set `suspended` when an execution was: it may be due sooner than
    what the last look found, and would be woken late. `route` is called when there are requests that nobody routed.
    """

    def __init__(self, store: WorkerStore, recovery: Recovery, hint: asyncio.Event, lease: timedelta = LEASE) -> None:
        self.suspended = asyncio.Event()
        self.route: Callable[[], None] | None = None
        self._store = store
        self._recovery = recovery
        self._hint = hint
        self._time = asyncio.get_running_loop().time
        self._took_over = float("-inf")
        self._swept = self._spare_until = self._time()
        self._away_since: float | None = None
        self._lease = lease.total_seconds()

    async def serve(self) -> None:
        """Does what is due and sleeps as long as that says, until cancelled."""
        while True:
            began = self._time()
            try:
                delay = await self.once()
                if self._away_since is not None:
                    self._spare(self._time() - self._away_since)
                    self._away_since = None
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                log.warning("maintenance failed, trying again: %s", error)
                delay = LONGEST_SLEEP
                if self._away_since is None:
                    self._away_since = began
            lies_down = self._time()
            await self._rest(delay)
            self._spare(self._time() - lies_down - delay)

    async def _rest(self, delay: float) -> None:
        """Sleeps until something is due, or an execution suspends."""
        if await wait_at_most(self.suspended, delay):
            self.suspended.clear()
            await asyncio.sleep(PACE)

    def _spare(self, stood_still: float) -> None:
        """After the database was away, or this process stood still, others get the time for a heartbeat first.

        Their leases ran out, but they did not die: what they run must not be run twice.
        """
        if stood_still > self._lease * 0.4:
            self._spare_until = self._time() + self._lease * 0.5

    async def once(self) -> float:
        """Does one round and gives the seconds until the next."""
        woken, next_due, unrouted = await self._store.wake_due()
        if unrouted and self.route is not None:
            self.route()
        now = self._time()
        recovered = 0
        if self._away_since is None and now >= self._spare_until and now - self._took_over >= TAKEOVER_EVERY:
            self._took_over = now
            recovered = await self._recovery.take_over_expired()
            if recovered:
                log.warning("took over %d executions of lost workers", recovered)
        if now - self._swept >= SWEEP_EVERY:
            self._swept = now
            orphans, unhinted = await self._recovery.sweep()
            if orphans or unhinted:
                log.warning("the sweep put %d orphans and %d missing hints right", orphans, unhinted)
            recovered += orphans + unhinted
        if woken or recovered:
            self._hint.set()
        if woken >= 1000:
            return 0.0
        return min(LONGEST_SLEEP, max(0.001, next_due)) if next_due is not None else LONGEST_SLEEP
