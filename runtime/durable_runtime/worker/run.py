"""One execution while this worker owns it: outcomes in, commits and attempts out.

A run reacts; it has no task of its own. It holds the state as evolved, which is ahead of what is stored while a
commit is under way. The rule of effects: an attempt begins only when everything it depends on is stored, or can be
computed again from what is stored. So checkpoints that were only computed ride along with the next commit, and the
outcome of an attempt is committed before anything that follows from it begins.
Whatever goes wrong in here, a defect of the engine included, is the fate of this execution alone: `guarded`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from durable_runtime.actions.functions import Missing
from durable_runtime.core.checkpoints import Checkpoint, Keys
from durable_runtime.core.collecting import KnownResults
from durable_runtime.core.commands import Abandon, Finish, Perform, StartChild
from durable_runtime.core.evolve import evolve
from durable_runtime.core.interpreter import Pass, settle
from durable_runtime.core.outcomes import Failure
from durable_runtime.core.program import Program
from durable_runtime.core.values import NotStorable
from durable_runtime.store.joined import Transaction
from durable_runtime.store.protocol import Claimed, Commit, End, Inbox, Outcome, Suspend
from durable_runtime.worker.alarm import Alarm, due
from durable_runtime.worker.asked import Asked
from durable_runtime.worker.attempts import Attempts, Ended, checkpoints_of
from durable_runtime.worker.endings import broken, end_of, not_storable, suspend
from durable_runtime.worker.guarding import guarded
from durable_runtime.worker.looking import LooksForEvents
from durable_runtime.worker.resuming import Resumed
from durable_runtime.worker.surroundings import Surroundings
from durable_runtime.worker.unsent import Unsent
from durable_runtime.worker.wanted import Wanted

log = logging.getLogger("durable.run")

OnOver: TypeAlias = Callable[["Run", str], None]
"""Called once when this worker no longer owns the execution; the text is its status then, or `lost`."""


class Run(LooksForEvents):
    """Drives one execution."""

    def __init__(
        self, claimed: Claimed, program: Program, resumed: Resumed, around: Surroundings, over: OnOver
    ) -> None:
        self.claimed = claimed
        self.key = claimed.key
        self.is_over = False
        self._program = program
        self._stored = self._state = resumed.state
        self._first_seq = resumed.state.seq
        self._known = KnownResults()
        self._around = around
        self._over = over
        self._unsent = Unsent(claimed, resumed.state, resumed.snapshots)
        self._asked = Asked(resumed.past, self._unsent.outgoing)
        self._pending: tuple[Keys, ...] = ()
        heard = (self._attempt_ended, self._attempt_missed, self.break_off, self._write_notes)
        self._attempts = Attempts(claimed, around, *heard)
        self._wanted = Wanted(self._attempts)
        self._arrived: list[Ended] = []
        self._deferred: str | None = None
        self._in_flight: Commit | None = None
        self._entry: Any = None
        self._joined: Transaction | None = None
        self._broken: Exception | None = None
        self._finish: Finish | None = None
        self._must_commit = False
        self._alarm = Alarm(around.clock, self._fall_due, resumed.state)
        self._has_begun = False
        self._released = False
        self._leaves = False
        self._inbox_waits = False

    @property
    def has_progressed(self) -> bool:
        """True once a new checkpoint is stored."""
        return self._stored.seq > self._first_seq

    # -- what comes in

    @guarded
    def begin(self) -> None:
        """Looks at the whole state once, as after every fold, and goes on from there.

        Requests from before the claim come first: what was cancelled while it was queued never begins.
        """
        if self.claimed.signal:
            self._around.read_inbox(self.key)
        else:
            self._settle(None)

    @guarded
    def apply(self, inbox: Inbox) -> None:
        """Applies requests that others sent; their answers are committed with the signal they came with."""
        if self.is_over or self._leaves:
            return
        if self._in_flight is not None:
            self._inbox_waits = True
            return
        answers = self._asked.answer(self._program, self._state, inbox, self._unsent.requests, self._now())
        self._state = answers.state
        self._unsent.checkpoints.extend(answers.checkpoints)
        self._alarm.look_at(self._state)
        if self._broken is not None:
            self._end_broken(self._broken)
            return
        if self._state.paused is not None:
            # Decided before, not begun yet: decided again when it is resumed.
            self._wanted.begin_nothing()
        self._must_commit = True
        self._settle(answers.touched)

    @guarded
    def release(self) -> None:
        """Gives the execution back: no further attempt begins, and whoever claims it next goes on."""
        self._released = True
        if self._in_flight is None:
            self._go_on()

    def drop(self, status: str = "lost") -> None:
        """Forgets the execution, for it belongs to another worker now; attempts are cancelled, nothing is written."""
        # Nor written again: a commit whose answer was lost must not be sent once more when the execution is ours anew.
        if self._entry is not None:
            self._entry.settled = True
        self._attempts.abandon(Abandon(""))
        self._end(status)

    @guarded
    def _write_notes(self) -> None:
        """What attempts told has waited for a commit long enough."""
        if self.is_over or self._leaves or self._broken is not None:
            return
        if self._in_flight is not None:
            self._attempts.wake_soon()
        elif self._attempts and self._unsent.take_notes(self._attempts):
            self._submit(self._unsent.commit(self.key, self._asked.seen, None, self._attempts, self._state))

    @guarded
    def _attempt_ended(self, ended: Ended) -> None:
        if self.is_over:
            return
        self._arrived.append(ended)
        if self._in_flight is None and self._attempts:
            # Others may end in this very moment: they share a commit.
            asyncio.get_running_loop().call_soon(self._take_in_arrived)
        else:
            self._take_in_arrived()

    @guarded
    def _take_in_arrived(self) -> None:
        if self._arrived and self._in_flight is None and not self.is_over:
            self._take_in()

    # -- from outcomes to commits

    def _take_in(self) -> None:
        """Puts what arrived into the state and computes what follows."""
        arrived, self._arrived = self._arrived, []
        touched: list[Keys] = []
        outgoing = self._unsent.outgoing
        for position, ended in enumerate(arrived, start=1):
            # None at all: abandoned in the meantime, nobody waits for it.
            for checkpoint in (checkpoints := checkpoints_of(self._program, self._state, ended, outgoing)):
                touched.extend(self._evolve(checkpoint))
                self._must_commit = True
            if checkpoints:
                # Whoever looked at the state before this, for a request, saw an attempt that had still to begin.
                self._wanted.forget(ended.command.path)
                self._unsent.add_outcome(ended, checkpoints)
            if ended.transaction is not None and not ended.commits(checkpoints):
                self._around.spawn(ended.transaction.roll_back())
            elif ended.transaction is not None:
                # One transaction in a commit; what else arrived waits for the next.
                self._joined, self._arrived = ended.transaction, arrived[position:]
                break
        self._settle(touched)

    def _evolve(self, checkpoint: Checkpoint) -> tuple[Keys, ...]:
        self._state, touched = evolve(self._program, self._state, checkpoint)
        self._unsent.checkpoints.append(numbered := msgspec.structs.replace(checkpoint, seq=self._state.seq))
        self._known.add(numbered)
        self._alarm.is_needed |= checkpoint.due_at is not None
        return touched

    def _settle(self, touched: list[Keys] | None) -> None:
        if not self._has_begun and self._looks_first(self._state, self._attempts):
            return
        everything = None if touched is None or not self._has_begun else [*self._pending, *touched]
        self._has_begun = True
        self._take_pass(settle(self._program, self._state, everything, self._now(), self._known))
        if self._finish is not None or self._must_commit or self._pending:
            self._hand_over()
        else:
            self._go_on()

    def _take_pass(self, result: Pass) -> None:
        self._state = result.state
        self._unsent.add(result.checkpoints)
        self._wanted.take(result)
        self._unsent.outgoing.cancel(result.cancels, result.state)
        self._pending = result.pending
        self._finish = result.finish
        self._alarm.is_needed |= result.has_timers
        # What a collect reads back has to be stored first; what is sent to others must not wait for a step to end.
        is_urgent = bool(self._unsent.outgoing or (self._wanted.to_collect and self._unsent.checkpoints))
        is_urgent = is_urgent or self._unsent.open_waits.differ(self._state)
        self._must_commit = self._must_commit or result.read_clock or is_urgent

    def _hand_over(self) -> None:
        """Has everything unsent written; nothing once it is given back: the next owner would be met by it."""
        if not self._leaves:
            move = self._move() if self._joined is None else None
            self._submit(self._unsent.commit(self.key, self._asked.seen, move, self._attempts, self._state))

    def _submit(self, commit: Commit) -> None:
        self._in_flight = commit
        self._alarm.cancel()
        joined, self._joined = self._joined, None
        self._entry = self._around.submit(commit, self._committed, joined, self._undone)

    def _move(self) -> Suspend | End | None:
        if self._finish is not None:
            return end_of(self._finish, self._now())
        if self._pending or self._wanted.to_begin or self._wanted.runs or self._arrived:
            return None
        return suspend(self._state, self._now(), self._deferred, self._around.defer_for)

    @guarded
    def _committed(self, outcome: Outcome, reason: str) -> None:
        """The journal's answer."""
        commit, self._in_flight = self._in_flight, None
        if self.is_over or commit is None:
            return
        match outcome:
            case Outcome.COMMITTED if self._broken is not None and commit.move is None:
                self._end_broken(self._broken)
            case Outcome.COMMITTED:
                self._stored = self._state
                self._unsent.stored()
                self._asked.stored()
                self._must_commit = False
                self._wanted.abandon()
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
                if self._asked.refused(commit.seen):
                    log.warning("execution %s is not ours any more, though nobody took it over", self.claimed.id)
                    self.drop()
                else:
                    self._around.read_inbox(self.key)
            case Outcome.UNSTORABLE:
                # Nothing else is committed meanwhile: it would carry the same value.
                self._in_flight = commit
                self._around.spawn(self._find_refused(commit, reason))
            case Outcome.BUSY:
                raise AssertionError("the journal keeps what is busy")

    async def _find_refused(self, commit: Commit, reason: str) -> None:
        """The server cannot store a value: the node that gave it fails, and what followed is decided again."""
        refused = await self._around.find_unstorable(commit.checkpoints)
        self._in_flight = None
        if not self.is_over:
            self._refuse(commit, refused, reason)

    @guarded
    def _refuse(self, commit: Commit, refused: dict[str, str], reason: str) -> None:
        outcomes = self._reset()
        # What was computed from a refused result carries it too, and is computed anew; it is no reason of its own.
        if self._broken is not None or all(ended.path not in refused for ended in outcomes):
            path, why = next(iter(refused.items()), (commit.checkpoints[0].path if commit.checkpoints else "", reason))
            raise NotStorable(f"the database refuses a value of {path or 'the execution'}: {why}")
        self._take_back(outcomes, {path: not_storable(why) for path, why in refused.items()})

    @guarded
    def _undone(self, failure: Failure | None) -> None:
        """An author's transaction was rolled back: its attempt failed, or without a failure is made once more."""
        self._in_flight = None
        if self._broken is not None:
            self._end_broken(self._broken)
        elif not self.is_over:
            outcomes = self._reset()
            self._take_back(outcomes, {one.path: failure for one in outcomes if one.transaction is not None})

    def _reset(self) -> list[Ended]:
        """Goes back to what is stored; gives the outcomes that are not in it."""
        self._state = self._stored
        # What requests asked for was in what is dropped here: the next move is refused, and they are read again.
        self._asked.seen = 0
        self._wanted.take_back()
        self._finish = None
        self._must_commit = True
        return self._unsent.drop()

    def _take_back(self, outcomes: list[Ended], failures: dict[str, Failure | None]) -> None:
        """Takes outcomes in again, with failures in the place of some."""
        self._arrived = [*filter(None, (ended.refused(failures) for ended in outcomes)), *self._arrived]
        # What had been computed before the outcomes came is computed again, then these are taken in.
        self._take_pass(settle(self._program, self._state, None, self._now(), self._known))
        self._pending = ((), *self._pending)
        self._take_in()

    def break_off(self, error: Exception) -> None:
        """Fails the execution for what is no outcome of a node; its attempts end, its neighbours notice nothing."""
        if self.is_over:
            return
        log.error("execution %s fails, for the engine cannot go on with it", self.claimed.id, exc_info=error)
        if self._broken is not None:
            self.drop()
            return
        self._broken = error
        self._wanted.take_back()
        self._attempts.abandon(Abandon(""))
        if self._in_flight is None:
            self._end_broken(error)

    def _end_broken(self, error: Exception) -> None:
        if not self._leaves:
            end = broken(error, self._now())
            self._submit(self._unsent.without_checkpoints(self.key, self._asked.seen, end, self._state))

    def _go_on(self) -> None:
        """Everything these attempts depend on is stored or can be computed again: begin them."""
        self._wanted.abandon()
        if self._released:
            self._give_back()
            return
        if self._looks(self._state):
            return
        performs, collects = self._wanted.hand_out()
        for perform in performs:
            missing = self._attempts.begin(perform)
            if missing is not None:
                self._defer(perform, missing)
        for collect in collects:
            self._attempts.collect(collect)
        if not self._attempts and not self._arrived:
            self._hand_over()
        elif self._attempts:
            self._alarm.set(self._state, self._attempts)

    def _give_back(self) -> None:
        self._wanted.begin_nothing()
        if not self._attempts and not self._arrived and not self._leaves:
            self._leaves = True
            self._alarm.cancel()
            self._around.give_back(self.key)

    def _defer(self, perform: Perform | StartChild, error: Missing) -> None:
        log.warning("execution %s waits at %s for a worker that can: %s", self.claimed.id, perform.path, error)
        self._deferred = perform.path

    @guarded
    def _attempt_missed(self, perform: Perform, error: Missing) -> None:
        if self.is_over:
            return
        self._defer(perform, error)
        if self._in_flight is None:
            self._go_on()

    def _now(self) -> datetime:
        return max(self._around.clock.now(), self._state.now)

    @guarded
    def _fall_due(self) -> None:
        if self.is_over or self._in_flight is not None:
            return
        touched = due(self._state, self._attempts, self._now())
        if touched:
            self._must_commit = True
            self._settle(touched)
        else:
            self._alarm.set(self._state, self._attempts)  # the loop's clock runs a little ahead of the database's

    def _end(self, status: str) -> None:
        if not self.is_over:
            self.is_over = True
            self._alarm.cancel()
            self._over(self, status)
