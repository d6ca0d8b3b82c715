"""The executor: the executions this worker owns, from claim to end."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from durable_runtime.actions.performing import Performer
from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.commands import StartChild
from durable_runtime.core.outcomes import Failure
from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.store.histories import History
from durable_runtime.store.joined import StepConnections, Transaction
from durable_runtime.store.messages import Sought
from durable_runtime.store.protocol import (
    TERMINAL,
    Claimed,
    Commit,
    End,
    NoAnswer,
    Outcome,
    Suspend,
    Timer,
    TryAgain,
    WorkerStore,
)
from durable_runtime.store.rows import result_text
from durable_runtime.worker.children import Target, Targets
from durable_runtime.worker.clock import Clock
from durable_runtime.worker.endings import cancelled_unread
from durable_runtime.worker.joining import Joined, Joiner
from durable_runtime.worker.journal import Entry, Journal
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.looking import Looking
from durable_runtime.worker.programs import Programs
from durable_runtime.worker.resuming import NotFromSnapshot, resume
from durable_runtime.worker.run import Run
from durable_runtime.worker.snapshots import EVERY

log = logging.getLogger("durable.executor")

T = TypeVar("T")

DEFER_FOR = timedelta(seconds=15)

_NO_HISTORY = History(None, [])


class Executor:
    """Runs claimed executions and counts what became of them.

    `changed` is set whenever one leaves. `uniform` draws the jitter of retries, in [0, 1). Steps get `connections` to
    the engine's own database, if there are any.
    """

    def __init__(
        self,
        store: WorkerStore,
        ownership: Ownership,
        journal: Journal,
        performer: Performer,
        clock: Clock,
        uniform: Callable[[], float] = random.random,
        connections: StepConnections | None = None,
    ) -> None:
        self.clock = clock
        self.performer = performer
        self.defer_for = DEFER_FOR
        self.snapshot_every = EVERY
        self.connections = connections
        self.runs: dict[int, Run] = {}
        # By queue: all, and those that take up a slot; of whose end is on its way nothing more begins.
        self.taken: Counter[str] = Counter()
        self.running: Counter[str] = Counter()
        self._ending: set[int] = set()
        self.ended: Counter[str] = Counter()
        self.changed = asyncio.Event()
        self.look_wanted: asyncio.Event | None = None
        self._looking = Looking(lambda wanted: self._insist(lambda: store.find_events(wanted)))
        self.tell_end: Callable[[str], None] | None = None
        self._store = store
        self._ownership = ownership
        self._journal = journal
        self.programs = Programs(lambda definition_id: self._insist(lambda: store.load_graph(definition_id)), performer)
        self._targets = Targets(
            lambda names: self._insist(lambda: store.latest_definitions(names)),
            lambda definition_id: self._insist(lambda: store.load_graph(definition_id)),
        )
        self._uniform = uniform
        self._tasks: set[asyncio.Task[None]] = set()
        self._joiner = Joiner(store, ownership, self._insist)

    async def take(self, claimed: Sequence[Claimed]) -> None:
        """Begins what a claim gave: reads graphs and histories, folds, goes on where each execution stood.

        These executions are ours already, so reading them is not given up: nobody else would begin them while we live.
        """
        await self.programs.prepare({one.definition_id for one in claimed})
        resumed = [one.key for one in claimed if not one.fresh]
        histories = await self._insist(lambda: self._store.load_histories(resumed)) if resumed else {}
        unread: list[Claimed] = []
        for one in claimed:
            try:
                self._begin(one, histories.get(one.key, _NO_HISTORY))
            except NotFromSnapshot as error:
                log.info("execution %s is folded from its first checkpoint: %s", one.id, error)
                unread.append(one)
        if unread:
            keys = [one.key for one in unread]
            whole = await self._insist(lambda: self._store.load_checkpoints(keys))
            for one in unread:
                self._begin(one, History(None, whole[one.key]))

    def _begin(self, claimed: Claimed, history: History) -> None:
        before = self.runs.get(claimed.key)
        if before is not None:
            # A claim can give us an execution that we believe to hold only after the answer to its suspension was lost.
            before.drop()
        program = self.programs.get(claimed.definition_id)
        if program is None:
            self._cannot_read(claimed, history.checkpoints)
            return
        try:
            resumed = resume(program, claimed, history, self.snapshot_every)
        except NotFromSnapshot:
            raise
        except Exception as error:
            log.error("execution %s cannot be folded: %s: %s", claimed.id, type(error).__name__, error)
            self._cannot_read(claimed, history.checkpoints)
            return
        run = Run(claimed, program, resumed, self, self._left)
        self.runs[claimed.key] = run
        self.taken[claimed.queue] += 1
        self.running[claimed.queue] += 1
        run.begin()

    def _cannot_read(self, claimed: Claimed, history: list[Checkpoint]) -> None:
        if claimed.signal:
            self.spawn(self._end_or_set_aside(claimed, history, 0))
        else:
            self._set_aside(claimed, 0, history)

    def _set_aside(self, claimed: Claimed, seen: int, history: list[Checkpoint]) -> None:
        """Gives an execution that we cannot read up for a while: a worker of another version may be able to.

        Kept, nobody else could try; failed, a roll-out would destroy it.
        """
        due_at = self.clock.now() + self.defer_for

        def done(outcome: Outcome, _reason: str) -> None:
            if outcome is Outcome.COMMITTED:
                self.ended["deferred"] += 1
            elif outcome is Outcome.REFUSED:
                self.spawn(self._end_or_set_aside(claimed, history, seen))

        move = Suspend((Timer("", "defer", due_at),))
        self.submit(Commit(key=claimed.key, seen=seen, checkpoints=[], move=move), done)

    async def _end_or_set_aside(self, claimed: Claimed, history: list[Checkpoint], seen: int) -> None:
        """Ends what we cannot read if somebody asked for that, which needs no reading; sets it aside otherwise."""
        inbox = (await self._insist(lambda: self._store.read_inboxes([claimed.key]))).get(claimed.key)
        if inbox is None or inbox.signal == seen:
            return
        asked = [payload for _id, kind, payload in inbox.requests if kind == "cancel"]
        if not asked:
            self._set_aside(claimed, inbox.signal, history)
            return

        def done(outcome: Outcome, _reason: str) -> None:
            if outcome is Outcome.COMMITTED:
                self.ended["cancelled"] += 1
            elif outcome is Outcome.REFUSED:
                self.spawn(self._end_or_set_aside(claimed, history, inbox.signal))

        self.submit(cancelled_unread(claimed, history, inbox, asked[0], self.clock.now()), done)

    def _left(self, run: Run, status: str) -> None:
        if self.runs.get(run.key) is run:
            del self.runs[run.key]
        self.taken[run.claimed.queue] -= 1
        if run.key in self._ending:
            self._ending.discard(run.key)
        else:
            self.running[run.claimed.queue] -= 1
        self.ended[status] += 1
        self.changed.set()
        if status == "waiting" and self.look_wanted is not None:
            self.look_wanted.set()
        if status in TERMINAL and self.tell_end is not None:
            self.tell_end(run.claimed.id)
        log.info("%s %s: %s", run.claimed.workflow, run.claimed.id, status)

    def _end(self, run: Run, commit: Commit, done: Callable[[Outcome, str], None]) -> Entry:
        """Hands over the commit by which a run ends; what comes in its place is claimed meanwhile."""

        def answered(outcome: Outcome, reason: str) -> None:
            if outcome is not Outcome.COMMITTED:
                self._ending.discard(run.key)
                self.running[run.claimed.queue] += 1
            done(outcome, reason)

        self._ending.add(run.key)
        self.running[run.claimed.queue] -= 1
        self.changed.set()
        return self._journal.submit(commit, answered)

    def committed(self, commit: Commit) -> None:
        """Has those told who follow an execution that showed something."""
        run = self.runs.get(commit.key)
        if commit.tells and run is not None and self.tell_end is not None:
            self.tell_end(run.claimed.id)

    # -- what runs ask for

    def submit(
        self,
        commit: Commit,
        done: Callable[[Outcome, str], None],
        joined: Transaction | None = None,
        undone: Callable[[Failure | None], None] | None = None,
    ) -> Entry | Joined:
        """Has a commit written: by the journal, or by a step's own transaction, which may be `undone` instead."""
        if joined is None or undone is None:
            run = self.runs.get(commit.key) if isinstance(commit.move, End) else None
            return self._journal.submit(commit, done) if run is None else self._end(run, commit, done)
        entry = Joined(done, undone)
        self.spawn(self._joiner.commit(joined, commit, entry))
        return entry

    def uniform(self) -> float:
        return self._uniform()

    def read_inbox(self, key: int) -> None:
        self.spawn(self.read_inboxes([key]))

    def read_signalled(self, keys: Sequence[int]) -> None:
        """Has the requests of these executions read and applied."""
        if keys:
            self.spawn(self.read_inboxes(keys))

    async def read_inboxes(self, keys: Sequence[int]) -> None:
        """Reads the inboxes of executions of ours and applies what is in them."""
        inboxes = await self._insist(lambda: self._store.read_inboxes(keys))
        for key in keys:
            run, inbox = self.runs.get(key), inboxes.get(key)
            if run is not None and inbox is not None:
                run.apply(inbox)
            elif run is not None:
                log.warning("execution %s was deleted while it ran here", run.claimed.id)
                run.drop()

    def give_back(self, key: int) -> None:
        self.spawn(self._give_back(self.runs[key]))

    async def _give_back(self, run: Run) -> None:
        lane = self._ownership.claim_lane
        await self._insist(lambda: self._store.release(self._ownership.lease, lane, [run.key]))
        run.drop("given back")

    async def collect(self, key: int, path: str, since: int) -> list[tuple[str, str, Json, Json]]:
        return await self._insist(lambda: self._store.collect(key, path, since))

    async def find_target(self, start: StartChild, depth: int) -> Target | Failure:
        return await self._targets.find(start, depth)

    async def find_events(self, key: int, wanted: Sequence[Sought]) -> list[Json]:
        return await self._looking.find(key, wanted)

    async def settle_events(self, sought: Sought) -> Json:
        return await self._insist(lambda: self._store.settle_events(sought))

    async def find_unstorable(self, checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
        """Asks the server about each value on its own; gives path and reason of those it refuses."""
        values = [
            (checkpoint.path, text) for checkpoint in checkpoints if (text := result_text(checkpoint)) is not None
        ]
        return await self._insist(lambda: self._store.find_unstorable(values))

    # -- going on through troubles

    async def _insist(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Asks the database until it answers; only a lost lease ends it, with cancellation from outside."""
        pause = 0.05
        while True:
            try:
                return await ask()
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                log.warning("the database does not answer, trying again in %.1f s: %s", pause, error)
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the worker failed", exc_info=task.exception())

    def release_all(self) -> None:
        """Asks every run to stop where it stands; attempts that run may end."""
        for run in list(self.runs.values()):
            run.release()

    def drop_all(self) -> None:
        """Forgets everything, for the lease is lost: nothing of it may be written."""
        for run in list(self.runs.values()):
            run.drop()
        for task in list(self._tasks):
            task.cancel()
