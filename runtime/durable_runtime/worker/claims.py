"""Claiming: keeps free slots filled, and asks for little when there is nothing to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.store.protocol import Look, NoAnswer, TryAgain, WorkerStore
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.sharing import Sharing

log = logging.getLogger("durable.claims")

BATCH = 200
"""Executions in one claim."""

POLL = 1.0
"""Seconds between two claims of a worker that was started for certain executions."""

PATIENCE = 5.0
"""Seconds for which a worker begins nothing, the first time, to get empty for an execution that must be alone."""

LONGEST_PATIENCE = 320.0


class Claims:
    """Fills the executor. `queues` are limits by name; None serves every queue, together at most `concurrency` at once.

    With `only`, just these executions (by id) are claimed. Claims never exceed the free slots; a slot is free once the
    end of what was in it is on its way. Queues are claimed from while they are believed to have work: because a hint or
    a look said so, and until a claim found less than it wanted. Of a short queue something is left to other workers.
    """

    def __init__(
        self,
        store: WorkerStore,
        ownership: Ownership,
        executor: Executor,
        *,
        queues: Mapping[str, int] | None,
        concurrency: int,
        only: Collection[str] | None = None,
    ) -> None:
        self._store = store
        self._ownership = ownership
        self._executor = executor
        self._queues = dict(queues) if queues is not None else None
        self._concurrency = concurrency
        self._only = only
        self._alone = False
        self._time = asyncio.get_running_loop().time
        self._lowered = self._time()
        self._patience = PATIENCE
        self._room_until: float | None = None
        self._rest_until: float | None = None
        self._said_exhausted = False
        self._sharing = Sharing(store, self.hear)
        self._ready: dict[str, None] = {}
        self._lonely: tuple[str, ...] = ()
        self._wake = asyncio.Event()

    def hear(self, queue: str) -> None:
        """Takes a hint that a queue has work."""
        self._ready[queue] = None
        self._wake.set()

    def see(self, look: Look) -> None:
        """Takes what a look found. A hint that came meanwhile is not in it, so nothing is forgotten here."""
        self._ready.update(dict.fromkeys(look.ready))
        self._lonely = look.lonely
        self._sharing.see(look.others)
        if look.ready or look.lonely:
            self._wake.set()

    async def claim(self) -> int:
        """Claims what fits once; gives how many executions were begun."""
        if self._executor.performer.exhausted:
            if not self._said_exhausted:
                self._said_exhausted = True
                log.error("too many threads hang in steps that outlived their timeout: this worker takes nothing new")
            return 0
        self._said_exhausted = False
        now = self._time()
        if now - self._lowered >= 1.0:
            self._lowered = now
            self._store.forget_low_water()
        if self._alone:
            if any(not run.has_progressed for run in self._executor.runs.values()):
                return 0
            self._alone = False
        try:
            return await self._claim()
        except (DatabaseUnavailable, TryAgain) as error:
            log.warning("cannot claim: %s", error)
        except NoAnswer as error:
            log.warning("no answer to a claim: %s", error)
            await self._return_unknown()
        return 0

    async def _claim(self) -> int:
        if self._only is not None:
            return await self._take("", self._free(""), only=self._only)
        lonely = [queue for queue in self._lonely if self._serves(queue)]
        if not self._executor.runs and lonely and await self._claim_alone(lonely[0]):
            return 1
        if self._makes_room(bool(lonely)):
            return 0
        total = 0
        for queue in [queue for queue in self._ready if self._serves(queue)]:
            wanted = min(self._free(queue), BATCH)
            if wanted > 0:
                total += await self._claim_from(queue, wanted)
        return total

    async def _claim_from(self, queue: str, wanted: int) -> int:
        # Before the claim: a hint that comes while it is under way tells of what it may not have seen.
        del self._ready[queue]
        share = await self._sharing.share_of(queue, wanted)
        taken = await self._take(queue, share) if share else 0
        if taken == wanted:
            self._ready[queue] = None
        return taken

    def _serves(self, queue: str) -> bool:
        return self._queues is None or queue in self._queues

    def _free(self, queue: str) -> int:
        running, taken = self._executor.running, self._executor.taken
        free = _room(self._concurrency, running.total(), taken.total())
        if self._queues is None or self._only is not None:
            return free
        return min(free, _room(self._queues[queue], running[queue], taken[queue]))

    async def _claim_alone(self, queue: str) -> bool:
        """Claims an execution that was recovered too often, while nothing else runs here.

        It may be what kills its workers: alone it harms nobody beside it, until a new checkpoint has cleared it.
        """
        self._lonely = ()  # the next look says what is left
        self._alone = await self._take(queue, 1, alone=True) > 0
        return self._alone

    def _makes_room(self, is_wanted: bool) -> bool:
        """Tells whether to claim nothing now, so that this worker gets empty for one that must be alone.

        For a while only, and then not for twice as long: what runs here may take hours, and the others must not wait
        for it. Each time it is patient twice as long as before, so the lonely one has its turn in the end.
        """
        now = self._time()
        if not is_wanted:
            self._patience, self._room_until, self._rest_until = PATIENCE, None, None
        elif self._room_until is not None and now >= self._room_until:
            self._room_until, self._rest_until = None, now + 2 * self._patience
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        elif self._rest_until is None:
            # Not all workers at once: the first that is empty takes it, and the others have lost nothing.
            self._rest_until = now + PATIENCE * self._executor.uniform()
        elif self._room_until is None and now >= self._rest_until:
            self._room_until = now + self._patience
        return self._room_until is not None

    async def _take(self, queue: str, limit: int, *, alone: bool = False, only: Collection[str] | None = None) -> int:
        lease = self._ownership.lease
        claimed = await self._store.claim(lease, queue, limit, alone=alone, only=only)
        if claimed:
            await self._executor.take(claimed)
        return len(claimed)

    async def _return_unknown(self) -> None:
        """A claim's answer was lost: whatever it took that we do not know goes back.

        Raising the epoch of the claims' lane waits for that claim if it still runs, and it cannot begin afterwards.
        """
        lane = self._ownership.claim_lane
        while True:
            try:
                raised = await self._store.raise_own_epoch(self._ownership.lease, lane)
                self._ownership.take_epoch(lane, raised)
                unknown = [
                    key for key in await self._store.owned(self._ownership.lease) if key not in self._executor.runs
                ]
                if unknown:
                    await self._store.release(self._ownership.lease, lane, unknown)
                return
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                log.warning("the database does not answer: %s", error)
                await asyncio.sleep(0.2)

    async def serve(self) -> None:
        """Claims whenever a slot is free and there may be something, until cancelled."""
        while True:
            self._wake.clear()
            self._executor.changed.clear()
            claimed = await self.claim()
            if claimed:
                await asyncio.sleep(0)
                continue
            waits = [asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(self._executor.changed.wait())]
            try:
                timeout = POLL if self._only is not None else None
                await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()


def _room(slots: int, running: int, taken: int) -> int:
    """Gives how many more may be claimed.

    Ends that are on their way for long, as while the database hangs, must not let more and more be claimed.
    """
    return min(slots - running, 2 * slots - taken)
