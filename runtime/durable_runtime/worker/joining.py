"""Commits that go with an author's transaction instead of the journal, and what became of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from durable_runtime.actions.outcome import failure_of
from durable_runtime.core.outcomes import Failure
from durable_runtime.errors import LeaseLost
from durable_runtime.store.joined import Refused, Transaction
from durable_runtime.store.protocol import Commit, Lease, NoAnswer, Outcome, Stored, WorkerStore
from durable_runtime.worker.lease import Ownership

log = logging.getLogger("durable.joining")


class Joined:
    """A commit under way; once it is `settled` nobody is told any more."""

    def __init__(self, done: Callable[[Outcome, str], None], undone: Callable[[Failure | None], None]) -> None:
        self.settled = False
        self._done = done
        self._undone = undone

    def committed(self) -> None:
        if not self.settled:
            self.settled = True
            self._done(Outcome.COMMITTED, "")

    def undo(self, failure: Failure | None) -> None:
        if not self.settled:
            self.settled = True
            self._undone(failure)


class Joiner:
    """Commits transactions on the lane of steps, many at once, and finds out about those without an answer.

    `insist` asks the database again until it answers.
    """

    def __init__(
        self,
        store: WorkerStore,
        ownership: Ownership,
        insist: Callable[[Callable[[], Coroutine[Any, Any, None]]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._ownership = ownership
        self._insist = insist

    async def commit(self, transaction: Transaction, commit: Commit, joined: Joined) -> None:
        """Commits, and tells once what became of it."""
        lane, lease = self._ownership.step_lane, self._ownership.lease
        try:
            await transaction.commit(lease, lane, commit)
        except Refused as error:
            joined.undo(failure_of(error.reason))
        except NoAnswer as error:
            log.warning("no answer to the commit of a step's transaction: %s", error)
            await self._reconcile(lane, commit, joined)
        except LeaseLost:
            if self._ownership.lease.epoch(lane) == lease.epoch(lane):
                self._ownership.lost.set()
            else:
                # We raised it ourselves, for another transaction whose answer was lost: this one did nothing wrong.
                joined.undo(None)
        else:
            joined.committed()

    async def _reconcile(self, lane: int, commit: Commit, joined: Joined) -> None:
        """Our own epoch is raised: that waits for the transaction if it still commits, and afterwards it never can."""
        found: dict[int, Stored] = {}

        async def look() -> None:
            raised: Lease = await self._store.raise_own_epoch(self._ownership.lease, lane)
            self._ownership.take_epoch(lane, raised)
            found.update(await self._store.read_stored(raised, [commit.key]))

        try:
            await self._insist(look)
        except LeaseLost:
            self._ownership.lost.set()
            return
        stored = found.get(commit.key)
        if stored is not None and stored.last_seq >= commit.checkpoints[-1].seq:
            joined.committed()
        else:
            joined.undo(None)
