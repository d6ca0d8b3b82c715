"""Leaving some of a short queue to the other workers: whoever claims first has more slots than there is work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from durable_runtime.store.protocol import WorkerStore

LEFT_FOR = 0.02
"""Seconds for which the others have the rest for themselves."""

MOST_ROUNDS = 4
"""How often in a row something is left: the others may be full, or dead and not missed yet."""


class Sharing:
    """Says how much to claim. Of a long queue that is all that fits: nobody can have too little of it.

    `hear` is told of a queue when what was left of it may be claimed after all.
    """

    def __init__(self, store: WorkerStore, hear: Callable[[str], None]) -> None:
        self._store = store
        self._hear = hear
        self._others: Sequence[Collection[str]] = ()
        self._rounds: dict[str, int] = {}

    def see(self, others: Sequence[Collection[str]]) -> None:
        """Takes which queues each of the other workers serves; none named means every queue."""
        self._others = others

    async def share_of(self, queue: str, wanted: int) -> int:
        """Gives how many to claim of as many as fit: less than that if the others would be left without work.

        0 when there are none.
        """
        among = 1 + sum(not queues or queue in queues for queues in self._others)
        rounds = self._rounds.pop(queue, 0)
        if among == 1 or rounds == MOST_ROUNDS:
            return wanted
        ready = await self._store.count_ready(queue, wanted * among)
        share = min(wanted, -(-ready // among))
        if share < min(wanted, ready):
            self._rounds[queue] = rounds + 1
            asyncio.get_running_loop().call_later(LEFT_FOR, self._hear, queue)
        return share
