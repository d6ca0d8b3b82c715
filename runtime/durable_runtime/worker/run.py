"""One execution while this worker owns it: outcomes in, commits and attempts out.

A run reacts; it has no task of its own. It holds the state as evolved, which is ahead of what is stored while a
commit is under way. The rule of effects: an attempt begins only when everything it depends on is stored, or can be
computed again from what is stored. So checkpoints that were only computed ride along with the next commit, and the
outcome of an attempt is committed before anything that follows from it begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from durable_runtime.actions.functions import MissingFunction
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Keys
from durable_runtime.core.commands import Abandon, Collect, Finish, Perform
from durable_runtime.core.evolve import evolve
from durable_runtime.core.interpreter import Pass, settle
from durable_runtime.core.outcomes import Failure, Success, completed, settle_attempt
from durable_runtime.core.program import Program
from durable_runtime.core.state import State, chain_to, timers_of
from durable_runtime.core.values import NotStorable, encode
from durable_runtime.store.protocol import Claimed, Commit, End, Inbox, Outcome, Suspend, Timer
from durable_runtime.worker.attempts import Attempts, Ended
from durable_runtime.worker.surroundings import Surroundings

log = logging.getLogger("durable.run")


OnOver: TypeAlias = Callable[["Run", str], None]
"""Called once when this worker no longer owns the execution; the text is its status then, or `lost`."""


class Run:
    """Drives one execution."""

    def __init__(self, claimed: Claimed, program: Program, state: State, around: Surroundings, over: OnOver) -> None:
        self.claimed = claimed
        self.key = claimed.key
        self.is_over = False
        self._program = program
        self._stored = state
        self._state = state
        self._around = around
        self._over = over
        # Requests from before the claim are not read yet: no move may apply before they are.
        self._seen = 0
        self._unsent: list[Checkpoint] = []
        self._unsent_outcomes: list[Ended] = []
        self._requests: list[int] = []
        self._pending: tuple[Keys, ...] = ()
        self._performs: dict[str, Perform] = {}
        self._collects: dict[str, Collect] = {}
        self._attempts = Attempts(claimed.id, claimed.key, around, self._attempt_ended)
        self._arrived: list[Ended] = []
        self._deferred: str | None = None
        self._in_flight: Commit | None = None
        self._finish: Finish | None = None
        self._must_commit = False
        self._timer: asyncio.TimerHandle | None = None
        self._released = False
        self._inbox_waits = False
        self._has_timers = state.deadline_at is not None or any(True for _timer in timers_of(state))

    # -- what comes in

    def begin(self) -> None:
        """Looks at the whole state once, as after every fold, and goes on from there."""
        self._settle(None)

    def apply(self, inbox: Inbox) -> None:
        """Applies requests that others sent; their answers are committed with the signal they came with."""
        if self.is_over:
            return
        if self._in_flight is not None:
            self._inbox_waits = True
            return
        # The root is looked at even when no request says anything new: a refused end has to be decided again.
        touched: list[Keys] = [()]
        self._seen = inbox.signal
        for request, kind, payload in inbox.requests:
            if request in self._requests:
                continue
            self._requests.append(request)
            if kind == "cancel" and self._state.cancelled is None:
                checkpoint = Checkpoint(path="", kind="cancelled", result=payload, finished_at=self._now())
                touched.extend(self._evolve(checkpoint))
        self._must_commit = True
        self._settle(touched)

    def release(self) -> None:
        """Gives the execution back: no further attempt begins, and whoever claims it next goes on."""
        self._released = True
        if self._in_flight is None:
            self._go_on()

    def drop(self) -> None:
        """Forgets the execution, for it belongs to another worker now; attempts are cancelled, nothing is written."""
        self._abandon(Abandon(""))
        self._end("lost")

    def _attempt_ended(self, ended: Ended) -> None:
        if self.is_over:
            return
        self._arrived.append(ended)
        if self._in_flight is None:
            self._take_in()

    # -- from outcomes to commits

    def _take_in(self) -> None:
        """Puts what arrived into the state and computes what follows."""
        arrived, self._arrived = self._arrived, []
        touched: list[Keys] = list(self._pending)
        for ended in arrived:
            checkpoint = self._checkpoint_of(ended)
            if checkpoint is None:
                continue  # abandoned in the meantime: nobody waits for it
            touched.extend(self._evolve(checkpoint))
            self._unsent_outcomes.append(ended)
            self._must_commit = True
        self._pending = ()
        self._settle(touched)

    def _checkpoint_of(self, ended: Ended) -> Checkpoint | None:
        command = ended.command
        if isinstance(command, Perform):
            return settle_attempt(
                self._program,
                self._state,
                command.path,
                command.keys,
                command.attempt,
                ended.outcome,
                started_at=ended.started_at,
                at=max(ended.at, self._state.now),
                uniform=ended.uniform,
            )
        chain = chain_to(self._state, command.keys)
        if chain is None or not isinstance(ended.outcome, Success):
            return None
        checkpoint = completed(self._program, self._state, chain, command.keys, ended.outcome.value, at=self._state.now)
        if checkpoint.kind == "completed" and chain[-1].node.output is None:
            return msgspec.structs.replace(checkpoint, kind="collected", encoded=None)
        return checkpoint

    def _evolve(self, checkpoint: Checkpoint) -> tuple[Keys, ...]:
        self._state, touched = evolve(self._program, self._state, checkpoint)
        self._unsent.append(msgspec.structs.replace(checkpoint, seq=self._state.seq))
        self._has_timers = self._has_timers or checkpoint.due_at is not None
        return touched

    def _settle(self, touched: list[Keys] | tuple[Keys, ...] | None) -> None:
        result = settle(self._program, self._state, touched, self._now())
        self._take_pass(result)
        if self._finish is not None or self._must_commit or self._pending:
            self._hand_over()
        else:
            self._go_on()

    def _take_pass(self, result: Pass) -> None:
        self._state = result.state
        self._unsent.extend(result.checkpoints)
        for abandon in result.abandons:
            self._abandon(abandon)
        for perform in result.performs:
            if perform.path not in self._attempts:
                self._performs[perform.path] = perform
        for collect in result.collects:
            if collect.path not in self._attempts:
                self._collects[collect.path] = collect
        self._pending = result.pending
        self._finish = result.finish
        self._has_timers = self._has_timers or result.has_timers
        self._must_commit = self._must_commit or result.read_clock

    def _hand_over(self) -> None:
        """Gives the journal everything unsent, with a move when nothing is left to do after it."""
        commit = Commit(
            key=self.key,
            seen=self._seen,
            checkpoints=self._unsent,
            move=self._move(),
            requests=tuple(self._requests),
        )
        self._in_flight = commit
        self._cancel_timer()
        self._around.submit(commit, self._committed)

    def _move(self) -> Suspend | End | None:
        if self._finish is not None:
            return self._end_of(self._finish)
        if self._pending or self._performs or self._collects or self._attempts or self._arrived:
            return None
        timers = [Timer(path, "time", due_at) for due_at, _keys, path in timers_of(self._state)]
        if self._deferred is not None:
            timers.append(Timer(self._deferred, "defer", self._now() + self._around.defer_for))
        if not timers:
            error = ErrorValue(
                type="Stuck", message="nothing is left that could move this execution on: please report it"
            )
            return self._end_of(Finish(status="failed", error=error, at=self._now()))
        return Suspend(tuple(timers))

    def _end_of(self, finish: Finish) -> End:
        output = error = None
        status = finish.status
        try:
            if finish.error is not None:
                error = encode(finish.error.as_json())[0]
            elif finish.status == "completed":
                output = encode(finish.output)[0]
        except NotStorable as problem:
            status = "failed"
            value = ErrorValue(type="ResultNotStorable", message=f"the execution's output: {problem}")
            output, error = None, encode(value.as_json())[0]
        return End(status=status, at=max(self._now(), finish.at), output=output, error=error)

    def _committed(self, outcome: Outcome, reason: str) -> None:
        """The journal's answer."""
        commit, self._in_flight = self._in_flight, None
        if self.is_over or commit is None:
            return
        match outcome:
            case Outcome.COMMITTED:
                self._stored = self._state
                self._unsent, self._unsent_outcomes, self._requests = [], [], []
                self._must_commit = False
                if isinstance(commit.move, End):
                    self._end(commit.move.status)
                elif isinstance(commit.move, Suspend):
                    self._end("deferred" if self._deferred is not None else "waiting")
                elif self._inbox_waits:
                    self._inbox_waits = False
                    self._around.read_inbox(self.key)
                elif self._arrived or self._pending:
                    self._take_in()
                else:
                    self._go_on()
            case Outcome.REFUSED:
                # Nothing was written; what was evolved stays right, only the end of it has to be decided again.
                self._finish = None
                self._inbox_waits = False
                self._around.read_inbox(self.key)
            case Outcome.UNSTORABLE:
                self._store_refused(commit, reason)
            case Outcome.BUSY:
                raise AssertionError("the journal keeps what is busy")

    def _store_refused(self, commit: Commit, reason: str) -> None:
        """The server cannot store a value: the node that gave it fails, and what followed is decided again."""
        self._around.spawn(self._find_refused(commit, reason))

    async def _find_refused(self, commit: Commit, reason: str) -> None:
        refused = await self._around.find_unstorable(commit.checkpoints)
        if self.is_over:
            return
        outcomes, self._unsent_outcomes = self._unsent_outcomes, []
        self._state, self._unsent = self._stored, []
        self._performs, self._collects, self._finish, self._pending = {}, {}, None, ()
        self._must_commit = True
        known = {ended.command.path for ended in outcomes}
        for path, why in refused.items():
            if path not in known:
                self._fail_execution(path, why)
                return
        if not refused:
            self._fail_execution(commit.checkpoints[0].path if commit.checkpoints else "", reason)
            return
        self._arrived = [
            msgspec.structs.replace(ended, outcome=_not_storable(refused[ended.command.path]))
            if ended.command.path in refused
            else ended
            for ended in outcomes
        ] + self._arrived
        self._settle_unsent_again()

    def _settle_unsent_again(self) -> None:
        """Computes again what had been computed before the outcomes came, then takes these in."""
        result = settle(self._program, self._state, None, self._now())
        self._state = result.state
        self._unsent.extend(result.checkpoints)
        for perform in result.performs:
            if perform.path not in self._attempts and all(
                perform.path != ended.command.path for ended in self._arrived
            ):
                self._performs[perform.path] = perform
        self._take_in()

    def _fail_execution(self, path: str, reason: str) -> None:
        error = ErrorValue(
            type="ResultNotStorable", message=f"the database refuses a value of {path}: {reason}", node=path
        )
        touched = self._evolve(Checkpoint(path="", kind="failed", error=error, finished_at=self._now()))
        self._settle(touched)

    # -- what goes out

    def _go_on(self) -> None:
        """Everything these attempts depend on is stored or can be computed again: begin them."""
        if self._released:
            self._give_back()
            return
        performs, self._performs = self._performs, {}
        collects, self._collects = self._collects, {}
        for perform in performs.values():
            self._begin(perform)
        for collect in collects.values():
            self._attempts.collect(collect)
        if not self._attempts and not self._arrived:
            self._hand_over()
        elif self._attempts:
            self._set_timer()

    def _give_back(self) -> None:
        self._performs, self._collects = {}, {}
        if self._attempts:
            return
        self._around.give_back(self.key)

    def _begin(self, perform: Perform) -> None:
        try:
            function = self._around.performer.get_function(perform.function)
        except MissingFunction as error:
            log.warning(
                "execution %s waits at %s for a worker that has its call: %s", self.claimed.id, perform.path, error
            )
            self._deferred = perform.path
            return
        self._attempts.begin(function, perform)

    def _abandon(self, abandon: Abandon) -> None:
        self._attempts.abandon(abandon)
        for waiting in (self._performs, self._collects):
            for path in [path for path in waiting if abandon.covers(path)]:
                del waiting[path]

    # -- time

    def _now(self) -> datetime:
        return max(self._around.clock.now(), self._state.now)

    def _set_timer(self) -> None:
        """What falls due beside a running attempt is looked at here; a suspended execution is woken by the store."""
        self._cancel_timer()
        if not self._has_timers:
            return
        due_at = min((due_at for due_at, _keys, _path in timers_of(self._state)), default=None)
        if due_at is not None:
            delay = max(0.0, (due_at - self._around.clock.now()).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(delay, self._fall_due)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fall_due(self) -> None:
        self._timer = None
        if self.is_over or self._in_flight is not None:
            return
        now = self._now()
        self._must_commit = True
        self._settle([keys for due_at, keys, _path in timers_of(self._state) if due_at <= now])

    def _end(self, status: str) -> None:
        if not self.is_over:
            self.is_over = True
            self._cancel_timer()
            self._over(self, status)


def _not_storable(reason: str) -> Failure:
    return Failure(type="ResultNotStorable", message=reason, names=("ResultNotStorable", "Fatal"))
