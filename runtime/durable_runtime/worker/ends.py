"""Telling clients which executions have ended, while any of them waits for that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.store.protocol import NoAnswer, TryAgain

log = logging.getLogger("durable.ends")

PACE = 0.002
"""Seconds between two hints: many executions that end one after the other share one."""

WANTED_FOR = 60.0
"""Seconds for which ends are told after a client said that it waits; one that goes on waiting says so again."""

MOST_IDS = 200
"""Ids in one hint, which takes 8,000 bytes at most; of more it only says that there were some."""


class Ends:
    """Says which executions ended, by `say`; nothing at all while nobody waits.

    In a statement of its own and not in the commit: a NOTIFY holds a lock of the whole server until its transaction has
    ended, and this one has nothing to flush.
    """

    def __init__(self, say: Callable[[str], Awaitable[None]]) -> None:
        self._say = say
        self._ended: list[str] = []
        self._some = asyncio.Event()
        self._time = asyncio.get_running_loop().time
        self._wanted_until = float("-inf")

    def want(self) -> None:
        """Takes note that a client waits for an end."""
        self._wanted_until = self._time() + WANTED_FOR

    def tell(self, execution_id: str) -> None:
        """Has it told that this execution ended."""
        if self._time() < self._wanted_until:
            self._ended.append(execution_id)
            self._some.set()

    async def serve(self) -> None:
        """Tells until cancelled. What cannot be told is no loss: whoever waits looks for itself now and then."""
        while True:
            await self._some.wait()
            self._some.clear()
            ended, self._ended = self._ended, []
            try:
                await self._say(" ".join(ended) if len(ended) <= MOST_IDS else "")
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                log.info("ends were not told: %s", error)
            await asyncio.sleep(PACE)
