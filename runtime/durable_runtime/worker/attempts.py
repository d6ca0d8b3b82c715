"""The attempts of one execution that run right now, and what they came to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

import msgspec

from durable_runtime.actions.context import StepContext
from durable_runtime.actions.driving import Parked
from durable_runtime.actions.functions import Function, Missing
from durable_runtime.actions.notes import Notes
from durable_runtime.actions.port import Answer, Redo
from durable_runtime.core.checkpoints import Checkpoint, Emitted, Json
from durable_runtime.core.collecting import results_of
from durable_runtime.core.commands import Abandon, Collect, Perform, StartChild
from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.core.substeps import SubOutcome
from durable_runtime.store.joined import Transaction
from durable_runtime.store.progress import Progress
from durable_runtime.store.protocol import Claimed
from durable_runtime.store.seen import LogLine
from durable_runtime.store.streams import Written
from durable_runtime.worker.children import Target
from durable_runtime.worker.surroundings import Surroundings
from durable_runtime.worker.telling import AttemptPort


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an attempt or of a call in its function, or the results of a foreach, not yet in the state.

    `outcome` is None for a function that is left in the middle, `sub` says why. `hear` is told what became of a call
    once that is stored. `begins` is what a call starts, `told` what the step sends if it worked. `transaction` is what
    it did on the engine's database and commits with it. `entered_at` is when the function began to run, `uniform` draws
    a retry's jitter.
    """

    command: Perform | StartChild | Collect
    outcome: Success | Failure | Target | None
    started_at: datetime
    at: datetime
    uniform: float = 0.0
    entered_at: datetime | None = None
    sub: SubOutcome | None = None
    hear: Callable[[Answer], None] | None = None
    transaction: Transaction | None = None
    begins: tuple[StartChild, Target] | None = None
    told: tuple[Emitted, ...] = ()

    @property
    def path(self) -> str:
        """The path of what it is the outcome of."""
        return f"{self.command.path}/{self.sub.name}" if self.sub is not None else self.command.path

    @property
    def is_plain(self) -> bool:
        """True for what leaves a checkpoint and nothing else: nobody hears of it, nothing starts or commits with it."""
        return isinstance(self.command, Perform) and not (self.sub or self.told or self.transaction)

    def commits(self, checkpoints: Sequence[Checkpoint]) -> bool:
        """Tells whether these checkpoints say that it worked, so that its transaction is worth committing."""
        return bool(checkpoints) and checkpoints[-1].kind in ("completed", "compensated")

    def refused(self, failures: Mapping[str, Failure | None]) -> Ended | None:
        """Gives the same, with a failure in place of what it came to if there is one for its path.

        None is no failure: it is forgotten, and happens once more.
        """
        if self.path not in failures:
            return self
        failure = failures[self.path]
        if failure is None:
            if self.hear is not None:
                self.hear(Redo())
            return None
        sub = None if self.sub is None else msgspec.structs.replace(self.sub, outcome=failure)
        outcome = failure if self.sub is None else None
        return msgspec.structs.replace(self, sub=sub, outcome=outcome, transaction=None)


FLUSH_AFTER = 1.0
"""Seconds after which what an attempt told is written without waiting for a checkpoint."""

OnEnded: TypeAlias = Callable[[Ended], None]


class Attempts:
    """Runs attempts as tasks, one for each instance path.

    `ended` hears of each that was not abandoned and of the calls in its function, `missed` of one that this worker
    turned out not to have the secrets for, `broke` of an error that is not the author's, `told` that there are notes
    that have waited for a while.
    """

    def __init__(
        self,
        claimed: Claimed,
        around: Surroundings,
        ended: OnEnded,
        missed: Callable[[Perform, Missing], None],
        broke: Callable[[Exception], None],
        told: Callable[[], None],
    ) -> None:
        self._claimed = claimed
        self._around = around
        self._ended = ended
        self._missed = missed
        self._broke = broke
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._has_woken = False
        self._notes: dict[str, Notes] = {}
        self._lines: list[LogLine] = []
        self._written: list[Written] = []
        self._progress: dict[str, Progress] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._contexts: dict[str, StepContext] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def has_any(self) -> bool:
        """Tells whether an attempt runs."""
        return bool(self._tasks)

    def begin(self, command: Perform | StartChild) -> Missing | None:
        """Begins one attempt, or gives what this worker lacks for it."""
        performer = self._around.performer
        perform = performer.stand_in(command) if isinstance(command, StartChild) else command
        if perform is None:
            assert isinstance(command, StartChild)
            self._tasks[command.path] = asyncio.ensure_future(self._start_child(command))
            return None
        try:
            function = performer.find(perform)
        except Missing as error:
            return error
        if function.takes_ctx or perform.done or performer.captures:
            self._begin(function, perform)
        else:
            # Most functions ask nothing of the engine; what answers questions need not be made for them.
            self._tasks[perform.path] = self._loop.create_task(self._attempt_plainly(function, perform))
        return None

    def _begin(self, function: Function, perform: Perform) -> None:
        entered_at = self._around.clock.now()
        notes = Notes(perform.path, perform.attempt, self._around.clock.now, self.wake_soon, perform.since)

        def tell(
            sub: SubOutcome, at: datetime, hear: Callable[[Answer], None], transaction: Transaction | None
        ) -> None:
            # Only while this attempt is the one that runs: what an abandoned one did goes nowhere.
            if self._notes.get(perform.path) is notes:
                ended = self._noted(perform, sub, entered_at, at, hear)
                self._ended(msgspec.structs.replace(ended, transaction=transaction, begins=port.begins))
            elif transaction is not None:
                self._around.spawn(transaction.roll_back())

        def find(start: StartChild) -> Awaitable[Target | Failure]:
            return self._around.find_target(start, self._claimed.depth)

        port = AttemptPort(perform.path, self._around.clock, tell, find)
        ctx = self._contexts[perform.path] = StepContext(
            self._claimed.id, perform, port, notes, self._around.connections
        )
        self._notes[perform.path] = notes
        self._tasks[perform.path] = asyncio.ensure_future(self._attempt(function, perform, ctx, port, entered_at))

    def _noted(
        self,
        perform: Perform,
        sub: SubOutcome,
        entered_at: datetime,
        at: datetime,
        hear: Callable[[Answer], None] | None = None,
    ) -> Ended:
        return Ended(
            command=perform,
            outcome=None,
            started_at=at,
            at=at,
            uniform=self._around.uniform(),
            entered_at=entered_at,
            sub=sub,
            hear=hear,
        )

    async def _attempt_plainly(self, function: Function, perform: Perform) -> None:
        started_at = self._around.clock.now()
        try:
            outcome = await self._around.performer.perform(function, perform, None)
        except Missing as error:
            if self._forget(perform.path):
                self._missed(perform, error)
            return
        if self._forget(perform.path):
            assert not isinstance(outcome, Parked)
            at, uniform = self._around.clock.now(), self._around.uniform()
            self._ended(Ended(command=perform, outcome=outcome, started_at=started_at, at=at, uniform=uniform))

    async def _attempt(
        self, function: Function, perform: Perform, ctx: StepContext, port: AttemptPort, started_at: datetime
    ) -> None:
        joined: Transaction | None = None
        if self._around.performer.captures:
            ctx.listen()
        try:
            outcome = await self._around.performer.perform(function, perform, ctx)
            if isinstance(outcome, Success) and self._tasks.get(perform.path) is asyncio.current_task():
                joined, cut_off = ctx.transactions.end()
                assert cut_off is None
        except Missing as error:
            if self._forget(perform.path):
                self._missed(perform, error)
            return
        finally:
            ctx.end()
            for transaction in ctx.transactions.end():
                if transaction is not None:
                    self._around.spawn(transaction.roll_back())
        if not self._forget(perform.path):
            return
        at, uniform = self._around.clock.now(), self._around.uniform()
        match outcome:
            case Parked(sub) if sub is not None:
                ended = msgspec.structs.replace(self._noted(perform, sub, started_at, at), begins=port.begins)
            case Parked():
                ended = Ended(command=perform, outcome=None, started_at=started_at, at=at)
            case Success() | Failure():
                ended = Ended(command=perform, outcome=outcome, started_at=started_at, at=at, uniform=uniform)
        self._ended(msgspec.structs.replace(ended, transaction=joined, told=ctx.substeps.take_told()))

    async def _start_child(self, start: StartChild) -> None:
        started_at = self._around.clock.now()
        try:
            outcome = await self._around.find_target(start, self._claimed.depth)
        except Exception as error:
            if self._forget(start.path):
                self._broke(error)
            return
        if self._forget(start.path):
            at, uniform = self._around.clock.now(), self._around.uniform()
            self._ended(Ended(command=start, outcome=outcome, started_at=started_at, at=at, uniform=uniform))

    def collect(self, collect: Collect) -> None:
        """Begins to read a foreach's results back."""
        self._tasks[collect.path] = asyncio.ensure_future(self._collect(collect))

    async def _collect(self, collect: Collect) -> None:
        try:
            rows = await self._around.collect(self._claimed.key, collect.path, collect.since)
            values: list[Json] = results_of(rows, collect.total, collect.complete_all, collect.decisions)
        except Exception as error:
            if self._forget(collect.path):
                self._broke(error)
            return
        if self._forget(collect.path):
            now = self._around.clock.now()
            self._ended(Ended(command=collect, outcome=Success(values), started_at=now, at=now))

    def _forget(self, path: str) -> bool:
        """Takes the attempt that asks off; False when it was abandoned, so that its outcome goes nowhere.

        An abandoned one may pay no attention to its cancellation and end when another runs in its place: after a jump
        back the same instance is there again, with a first attempt.
        """
        if self._tasks.get(path) is not asyncio.current_task(self._loop):
            return False
        del self._tasks[path]
        if self._contexts and self._contexts.pop(path, None) is not None:
            self._keep_notes(path)
        return True

    # -- what attempts tell meanwhile

    def _keep_notes(self, path: str) -> None:
        """Keeps what an attempt that is over told last."""
        notes = self._notes.pop(path, None)
        if notes is not None:
            lines, progress = notes.take(is_over=True)
            self._lines += lines
            self._written += notes.take_written()
            if progress is not None:
                self._progress[path] = progress

    @property
    def have_told(self) -> bool:
        """True when there may be notes to take: of most attempts there are none."""
        return bool(self._notes or self._lines or self._written or self._progress)

    def take_notes(self) -> tuple[list[LogLine], dict[str, Progress], list[Written]]:
        """Gives the lines that were logged since, the progress that was told by instance, and what was written."""
        lines, self._lines = self._lines, []
        written, self._written = self._written, []
        told, self._progress = self._progress, {}
        for path, notes in self._notes.items():
            more, progress = notes.take()
            lines += more
            written += notes.take_written()
            if progress is not None:
                told[path] = progress
        return lines, told, written

    def wake_soon(self) -> None:
        """Something was told: it is written with the next commit, or when none comes for a while. From any thread."""
        if not self._has_woken:
            self._has_woken = True
            with suppress(RuntimeError):  # the loop is closed: nobody writes any more
                self._loop.call_soon_threadsafe(self._loop.call_later, FLUSH_AFTER, self._flush)

    def _flush(self) -> None:
        self._has_woken = False
        self._told()

    def abandon(self, abandon: Abandon) -> None:
        """Cancels what runs at or below a path: async functions at once, plain ones are told and left alone."""
        for path in [path for path in self._tasks if abandon.covers(path)]:
            ctx = self._contexts.pop(path, None)
            if ctx is not None:
                ctx.cancel()
            self._tasks.pop(path).cancel()
            self._keep_notes(path)
