"""Maintenance: what any worker does for all of them: look, wake what is due, take over from the dead, sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.pausing import wait_at_most
from durable_runtime.store.heartbeat import LEASE
from durable_runtime.store.protocol import Look, NoAnswer, Recovery, TryAgain, WorkerStore
from durable_runtime.worker.lease import Ownership

log = logging.getLogger("durable.maintenance")

TAKEOVER_EVERY = 1.0
MOST_DROPPED = 1000
"""Events in one statement that drops what is kept no longer."""

SWEEP_EVERY = 30.0
DROP_EVERY = 300.0
"""Seconds between two looks for events that are kept no longer: they are kept for days."""

LOOK_EVERY = 1.0
LOOK_EVERY_WHILE_HEARING = 2.5
"""Seconds between two looks: fewer while hints are known to come through."""

PACE = 0.005
"""Seconds between two looks while executions suspend one after the other: many of them share one."""


class Maintenance:
    """Runs the chores of the whole installation; harmless when every worker does.

    One statement looks for everything at once, and `seen` is told what it found; others follow only when there is
    something to do. Set `wanted` for a look before the next one is due: when an execution suspends, which may be due
    sooner than anything known so far, and when a hint does not say what it is about.
    """

    def __init__(
        self,
        store: WorkerStore,
        recovery: Recovery,
        ownership: Ownership,
        seen: Callable[[Look], None],
        *,
        lease: timedelta = LEASE,
        hears: Callable[[], bool] = lambda: False,
    ) -> None:
        self.wanted = asyncio.Event()
        self._store = store
        self._recovery = recovery
        self._ownership = ownership
        self._seen = seen
        self._hears = hears
        self._time = asyncio.get_running_loop().time
        self._took_over = float("-inf")
        self._dropped = float("-inf")
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
                delay = LOOK_EVERY
                if self._away_since is None:
                    self._away_since = began
            lies_down = self._time()
            await self._rest(delay)
            self._spare(self._time() - lies_down - delay)

    async def _rest(self, delay: float) -> None:
        """Sleeps until something is due, or a look is wanted."""
        if await wait_at_most(self.wanted, delay):
            await asyncio.sleep(PACE)
            self.wanted.clear()

    def _spare(self, stood_still: float) -> None:
        """After the database was away, or this process stood still, others get the time for a heartbeat first.

        Their leases ran out, but they did not die: what they run must not be run twice.
        """
        if stood_still > self._lease * 0.4:
            self._spare_until = self._time() + self._lease * 0.5

    async def once(self) -> float:
        """Does one round and gives the seconds until the next."""
        look = await self._store.look(self._ownership.lease)
        self._seen(look)
        next_due, found = look.due_in, 0
        if next_due is not None and next_due <= 0:
            found, next_due, _unrouted = await self._store.wake_due()
        now = self._time()
        may_take_over = self._away_since is None and now >= max(self._spare_until, self._took_over + TAKEOVER_EVERY)
        if look.expired and may_take_over:
            self._took_over = now
            recovered = await self._recovery.take_over_expired()
            if recovered:
                log.warning("took over %d executions of lost workers", recovered)
            found += recovered
        if now - self._swept >= SWEEP_EVERY:
            self._swept = now
            orphans, unhinted = await self._recovery.sweep()
            if orphans or unhinted:
                log.warning("the sweep put %d orphans and %d missing hints right", orphans, unhinted)
            found += orphans + unhinted
            await self._drop_events(now)
        if found:
            return 0.0  # the next look says where they can be claimed
        pause = LOOK_EVERY_WHILE_HEARING if self._hears() else LOOK_EVERY
        return min(pause, max(0.001, next_due)) if next_due is not None else pause

    async def _drop_events(self, now: float) -> None:
        if now - self._dropped >= DROP_EVERY:
            self._dropped = now
            while await self._recovery.drop_events(MOST_DROPPED) >= MOST_DROPPED:
                await asyncio.sleep(0)
