"""The journal: group commit across executions.

Each execution hands over what happened and is told what became of it. While one batch is on its way the next gathers;
nothing waits for a timer, so one execution alone pays one round trip and five hundred share it. There is a batch
under way for each lane. An execution has one commit in flight, on whatever lane: the next is handed over when what
became of that is certain, so the order of its numbers is the order of its commits.

What can go wrong with a batch, and why nothing is lost or doubled:

- The server refuses the statement for its content. The batch is halved until the one that is refused stands alone;
  its node fails.
- It gives up for reasons of the moment (deadlock, timeout). The same batch again; it was rolled back whole.
- No answer comes. It may be committed, or still be running, or have never begun. We raise our own epoch: that waits
  for the statement if it still runs, and afterwards it can never begin. Then what is stored is certain; the rest is
  sent again unchanged. Deciding anything before that read could give one number two contents.
- The fence does not hold: we were taken over. Everything of ours is void, and nobody may act on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from durable_runtime.errors import DatabaseUnavailable, LeaseLost
from durable_runtime.store.protocol import (
    Commit,
    Look,
    NoAnswer,
    Outcome,
    StatementRefused,
    TryAgain,
    WorkerStore,
)
from durable_runtime.worker.lease import Ownership

log = logging.getLogger("durable.journal")

MAX_ROWS = 1000
"""Checkpoints in one statement; more add latency and no speed."""

MAX_BYTES = 8 * 1024 * 1024
"""Results in one statement, in bytes of JSON, unless a single execution hands over more."""


class Entry:
    """An execution's part of a batch; `done` is called once with what became of it and why."""

    __slots__ = ("commit", "done", "settled", "size")

    def __init__(self, commit: Commit, done: Callable[[Outcome, str], None]) -> None:
        self.commit = commit
        self.done = done
        self.settled = False
        self.size = 0
        for checkpoint in commit.checkpoints:
            if checkpoint.encoded:
                self.size += len(checkpoint.encoded)

    def settle(self, outcome: Outcome, reason: str = "") -> None:
        if not self.settled:
            self.settled = True
            self.done(outcome, reason)


class Journal:
    """Takes commits and writes them in batches, one at a time on each lane; executions are spread over the lanes.

    Over one only while there are other workers: the database is what all of them share, and a batch of twice as many
    costs it a quarter less. Alone, another lane hides the time that a flush takes.
    `messages` is called with every commit that was written and started executions, sent requests or events, or has
    something for clients that follow its execution.
    """

    def __init__(self, store: WorkerStore, ownership: Ownership, lanes: int) -> None:
        self._store = store
        self._ownership = ownership
        self.messages: Callable[[Commit], None] | None = None
        self.spread = lanes
        self._queues: list[deque[Entry]] = [deque() for _ in range(lanes)]
        # The next batch of each lane, if those that were answered last follow at once.
        self._expected = [0] * lanes
        self._wake = [asyncio.Event() for _ in range(lanes)]

    def see(self, look: Look) -> None:
        """Takes what a look found: whether there are other workers."""
        self.spread = 1 if look.others else len(self._queues)

    def submit(self, commit: Commit, done: Callable[[Outcome, str], None]) -> Entry:
        """Hands a commit over; `done` is called from the event loop when its outcome is certain."""
        lane = commit.key % self.spread
        entry = Entry(commit, done)
        self._queues[lane].append(entry)
        self._wake[lane].set()
        return entry

    async def serve(self, lane: int) -> None:
        """Writes this lane's batches until cancelled, or until the lease is lost (raises `LeaseLost`)."""
        queue, wake = self._queues[lane], self._wake[lane]
        while True:
            if not queue:
                wake.clear()
                await wake.wait()
            elif len(queue) < self._expected[lane]:
                # A turn of the loop for those that were just answered: most have their next commit ready then, and
                # it goes together with what waited. Where they have it already, what they began runs meanwhile.
                await asyncio.sleep(0)
            try:
                taken = _take(queue)
                busy = await self._write(lane, taken)
                # Nothing here keeps the entries: in a worker at rest they would hold on to what is parked.
                taken = []
            except LeaseLost:
                self._ownership.lost.set()
                raise
            if busy:
                self._expected[lane] = 0
                queue.extendleft(reversed(busy))
                if len(busy) == len(queue):
                    # Nothing else to do: give the stranger who holds these rows a moment, or until something new comes.
                    await asyncio.sleep(0.02)

    async def _write(self, lane: int, entries: list[Entry]) -> list[Entry]:
        """Writes entries and settles them; gives back those whose rows someone else holds."""
        pause = 0.01
        while True:
            # What was dropped in the meantime is not sent again: its execution may be someone else's, or ours anew.
            entries = [entry for entry in entries if not entry.settled]
            if not entries:
                return []
            commits = [entry.commit for entry in entries]
            try:
                outcomes = await self._store.commit(self._ownership.lease, lane, commits)
                break
            except StatementRefused as error:
                if len(entries) == 1:
                    entries[0].settle(Outcome.UNSTORABLE, str(error))
                    return []
                half = len(entries) // 2
                return await self._write(lane, entries[:half]) + await self._write(lane, entries[half:])
            except TryAgain as error:
                log.info("batch of %d given up by the server, sent again: %s", len(entries), error)
                await asyncio.sleep(pause)
                pause = min(1.0, pause * 2)
            except (NoAnswer, DatabaseUnavailable) as error:
                log.warning("no answer for a batch of %d: %s", len(entries), error)
                entries = await self._reconcile(lane, entries)
        self._expected[lane] = len(entries) + len(self._queues[lane])
        busy = []
        for entry, outcome in zip(entries, outcomes, strict=True):
            if outcome is Outcome.BUSY:
                busy.append(entry)
            else:
                self._settle(entry, outcome)
        return busy

    def _settle(self, entry: Entry, outcome: Outcome) -> None:
        commit = entry.commit
        has_messages = commit.starts or commit.sends or commit.emits or commit.tells
        if has_messages and self.messages is not None and outcome is Outcome.COMMITTED:
            self.messages(commit)
        entry.settle(outcome)

    async def _reconcile(self, lane: int, entries: list[Entry]) -> list[Entry]:
        """Finds out what became of a batch whose answer was lost; settles what is stored, gives back the rest."""
        pause = 0.05
        while True:
            try:
                raised = await self._store.raise_own_epoch(self._ownership.lease, lane)
                self._ownership.take_epoch(lane, raised)
                stored = await self._store.read_stored(raised, [entry.commit.key for entry in entries])
                told = await self._told(entries)
                break
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                log.warning("the database does not answer, trying again in %.1f s: %s", pause, error)
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)
        rest = []
        for entry in entries:
            commit, found = entry.commit, stored.get(entry.commit.key)
            if found is None:
                entry.settle(Outcome.REFUSED)  # the execution was deleted
                continue
            last = commit.checkpoints[-1].seq if commit.checkpoints else 0
            moved = commit.move is not None and not (found.owned and found.status == "running")
            if (last and found.last_seq >= last) or (not last and (moved or commit.key in told)):
                self._settle(entry, Outcome.COMMITTED)
            elif not entry.settled:
                rest.append(entry)
        return rest

    async def _told(self, entries: list[Entry]) -> set[int]:
        """Gives the executions whose attempts have told something, and nothing more, that is stored.

        Everything else shows in their checkpoints or their status, or changes nothing when it is stored once more.
        """
        commits = [entry.commit for entry in entries]
        only_told = {one.key: one.logs[0] for one in commits if one.logs and not one.checkpoints and one.move is None}
        return await self._store.read_told(only_told) if only_told else set()


def _take(queue: deque[Entry]) -> list[Entry]:
    """Takes what has gathered, up to the limits of a batch, at least one entry."""
    entries: list[Entry] = []
    rows = size = 0
    while queue and (not entries or (rows < MAX_ROWS and size < MAX_BYTES)):
        entry = queue.popleft()
        if entry.settled:
            continue
        entries.append(entry)
        rows += len(entry.commit.checkpoints) + 1
        size += entry.size
    return entries
