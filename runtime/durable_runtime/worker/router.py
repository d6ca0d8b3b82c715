"""Routing: what executions sent to others is made to count, soon after the commit that stored it.

Any worker may do it for all of them. One that dies between its commit and its routing leaves the requests stored, and
the next look of anybody's maintenance finds them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.store.protocol import Commit, NoAnswer, TryAgain, WorkerStore
from durable_runtime.worker.lease import Ownership

log = logging.getLogger("durable.router")

BATCH = 1000
"""Requests in one statement."""

PAUSE = 1.0
"""Seconds before another try after the database did not answer."""

HINT_INTERVAL = 0.01
"""Seconds between two hints to other workers: a NOTIFY in every transaction would serialise all commits."""


class Router:
    """Routes when it is told to.

    `hear` is called with the queue that has something to claim, or with nothing where that is not known;
    `read_inboxes` with the keys of executions of this worker that were sent something.
    """

    def __init__(
        self,
        store: WorkerStore,
        ownership: Ownership,
        hear: Callable[[str], None],
        read_inboxes: Callable[[Sequence[int]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._ownership = ownership
        self._hear = hear
        self._read_inboxes = read_inboxes
        self._wanted = asyncio.Event()
        self._sent = False
        self._tell_others = False
        self._time = asyncio.get_running_loop().time
        self._told_at = float("-inf")

    def committed(self, commit: Commit) -> None:
        """Takes note of a commit that started executions, sent requests or events."""
        for child in commit.starts:
            self._hear(child.execution.queue)
            self._tell_others = True
        self._sent = self._sent or bool(commit.sends or commit.emits)
        if self._sent or self._tell_others:
            self._wanted.set()

    def look(self) -> None:
        """Asks for a look: there are requests that whoever stored them has not routed."""
        self._sent = True
        self._wanted.set()

    async def serve(self) -> None:
        """Routes whenever it is told to, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._route()
                await self._hint_others()
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                log.warning("cannot route, trying again: %s", error)
                await asyncio.sleep(PAUSE)
                self.look()

    async def _route(self) -> None:
        while self._sent:
            self._sent = False
            routed = await self._store.route(BATCH)
            if routed.requests >= BATCH or routed.answers:
                self._sent = True
            if routed.claimable:
                self._hear("")
                self._tell_others = True
            own = self._ownership.lease.worker_id
            mine = [key for key, owner in routed.owned.items() if owner == own]
            self._tell_others = self._tell_others or len(mine) < len(routed.owned)
            if mine:
                await self._read_inboxes(mine)

    async def _hint_others(self) -> None:
        if not self._tell_others:
            return
        rest = self._told_at + HINT_INTERVAL - self._time()
        if rest > 0:
            await asyncio.sleep(rest)
        self._tell_others, self._told_at = False, self._time()
        await self._store.wake_workers()
