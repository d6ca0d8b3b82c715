"""One execution while this worker owns it: outcomes in, commits and attempts out.

A run reacts; it has no task of its own. The state it works on is ahead of what is stored while a commit is under way.
The rule of effects: an attempt begins only when everything it depends on is stored, or can be computed again from what
is stored. So checkpoints that were only computed ride along with the next commit, and the outcome of an attempt is
committed before anything that follows from it begins. While a commit is under way, what follows from the one before
runs, and what it comes to is taken into the state already, for the next.
Whatever goes wrong in here, a defect of the engine included, is the fate of this execution alone: `guarded`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from durable_runtime.actions.functions import Missing
from durable_runtime.core.checkpoints import Keys
from durable_runtime.core.commands import Abandon, Finish, Perform, StartChild
from durable_runtime.core.interpreter import Pass
from durable_runtime.core.outcomes import Failure
from durable_runtime.core.program import Program
from durable_runtime.core.values import NotStorable
from durable_runtime.store.protocol import Claimed, Commit, End, Inbox, Outcome, Suspend
from durable_runtime.worker.ahead import Ahead
from durable_runtime.worker.alarm import Alarm, Soon, due
from durable_runtime.worker.arrivals import Arrivals
from durable_runtime.worker.asked import Asked
from durable_runtime.worker.attempts import Attempts, Ended
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
        self._around = around
        self._over = over
        self._alarm = Alarm(around.clock, self._fall_due, resumed.state)
        self._unsent = Unsent(claimed, resumed.state, resumed.snapshots)
        self._ahead = Ahead(program, resumed.state, self._unsent, self._alarm)
        self._asked = Asked(resumed.past, self._unsent.outgoing)
        self._pending: tuple[Keys, ...] = ()
        heard = (self._attempt_ended, self._attempt_missed, self.break_off, self._write_notes)
        self._attempts = Attempts(claimed, around, *heard)
        self._wanted = Wanted(self._attempts)
        self._arrivals = Arrivals(self._ahead, self._unsent, self._wanted, around.spawn)
        self._take_in_soon = Soon(self._take_in_those)
        self._begin_soon = Soon(self._begin_more)
        self._deferred: str | None = None
        self._in_flight: Commit | None = None
        self._entry: Any = None
        self._broken: Exception | None = None
        self._finish: Finish | None = None
        self._must_commit = False
        self._has_begun = False
        self._released = False
        self._leaves = False
        self._inbox_waits = False

    @property
    def has_progressed(self) -> bool:
        """True once a new checkpoint is stored."""
        return self._ahead.has_progressed

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
        ahead = self._ahead
        answers = self._asked.answer(ahead.program, ahead.state, inbox, self._unsent.requests, self._now())
        ahead.replace(answers.state, answers.checkpoints)
        if self._broken is not None:
            self._end_broken(self._broken)
            return
        if ahead.state.paused is not None:
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
        elif self._attempts.has_any() and self._unsent.take_notes(self._attempts):
            self._submit(self._unsent.commit(self.key, self._asked.seen, None, self._attempts, self._ahead.state))

    @guarded
    def _attempt_ended(self, ended: Ended) -> None:
        if self.is_over:
            return
        self._arrivals.add(ended)
        if self._in_flight is not None:
            self._arrivals.evolve(only_plain=True)
        elif self._attempts.has_any():
            # Others may end in this very moment: they share a commit.
            self._take_in_soon.ask()
        else:
            self._take_in()

    @guarded
    def _take_in_those(self) -> None:
        if self.is_over or not self._arrivals.has_any():
            return
        if self._in_flight is not None:
            self._arrivals.evolve(only_plain=True)
        else:
            self._take_in()

    # -- from outcomes to commits

    def _take_in(self) -> None:
        """Puts what arrived into the state and computes what follows."""
        self._arrivals.evolve()
        self._settle([])

    def _settle(self, touched: list[Keys] | None) -> None:
        if not self._has_begun and self._looks_first(self._ahead.state, self._attempts):
            return
        if self._arrivals.has_changed():
            self._must_commit = True
        arrived = self._arrivals.take_touched()
        everything = None if touched is None or not self._has_begun else [*self._pending, *arrived, *touched]
        self._has_begun = True
        self._take_pass(self._ahead.settle(everything, self._now()))
        if self._finish is not None or self._must_commit or self._pending:
            self._hand_over()
        else:
            self._go_on()

    def _take_pass(self, result: Pass) -> None:
        self._wanted.take(result)
        if result.cancels:
            self._unsent.outgoing.cancel(result.cancels, result.state)
        self._pending = result.pending
        self._finish = result.finish
        # What a collect reads back has to be stored first; what is sent to others must not wait for a step to end.
        is_urgent = self._unsent.outgoing.has_any or bool(result.collects and self._unsent.checkpoints)
        if is_urgent or result.read_clock or self._unsent.open_waits.differ(result.state):
            self._must_commit = True

    def _hand_over(self) -> None:
        """Has everything unsent written; nothing once it is given back: the next owner would be met by it."""
        if not self._leaves:
            move = self._move() if self._arrivals.joined is None else None
            self._submit(self._unsent.commit(self.key, self._asked.seen, move, self._attempts, self._ahead.state))

    def _submit(self, commit: Commit) -> None:
        self._in_flight = commit
        self._ahead.sent()
        self._alarm.cancel()
        self._entry = self._around.submit(commit, self._committed, self._arrivals.take_joined(), self._undone)

    def _move(self) -> Suspend | End | None:
        if self._finish is not None:
            return end_of(self._finish, self._now())
        if self._pending or self._wanted.has_to_begin() or self._wanted.runs or self._arrivals.has_any():
            return None
        return suspend(self._ahead.state, self._now(), self._deferred, self._around.defer_for)

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
                self._stored(commit)
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

    def _stored(self, commit: Commit) -> None:
        self._must_commit = self._arrivals.has_changed()
        self._ahead.stored()
        self._unsent.stored()
        self._asked.stored()
        self._wanted.abandon()
        if commit.move is not None:
            suspended = "deferred" if self._deferred is not None else "waiting"
            self._end(commit.move.status if isinstance(commit.move, End) else suspended)
        elif self._inbox_waits:
            self._inbox_waits = False
            self._around.read_inbox(self.key)
        elif self._pending or self._arrivals.has_any():
            if not (self._pending or self._released or self._arrivals.waits):
                self._wanted.stored()
                self._begin_some()
            self._take_in()
        else:
            self._go_on()

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
        self._ahead.go_back()
        # What requests asked for was in what is dropped here: the next move is refused, and they are read again.
        self._asked.seen = 0
        self._wanted.take_back()
        self._finish = None
        self._must_commit = True
        return self._unsent.drop()

    def _take_back(self, outcomes: list[Ended], failures: dict[str, Failure | None]) -> None:
        """Takes outcomes in again, with failures in the place of some."""
        self._arrivals.take_again(filter(None, (ended.refused(failures) for ended in outcomes)))
        # What had been computed before the outcomes came is computed again, then these are taken in.
        self._take_pass(self._ahead.settle(None, self._now()))
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
            self._submit(self._unsent.without_checkpoints(self.key, self._asked.seen, end, self._ahead.state))

    def _go_on(self) -> None:
        """Everything these attempts depend on is stored or can be computed again: begin them."""
        self._wanted.abandon()
        self._wanted.stored()
        if self._released:
            self._give_back()
        elif not self._looks(self._ahead.state):
            self._begin_some()
            self._rest()

    def _begin_some(self) -> None:
        for perform, missing in self._wanted.begin_some():
            self._defer(perform, missing)
        if self._wanted.has_ready():
            self._begin_soon.ask()

    @guarded
    def _begin_more(self) -> None:
        if not self.is_over and not self._released:
            self._begin_some()
            if self._in_flight is None:
                self._rest()

    def _rest(self) -> None:
        """Nothing more can be done until something comes in."""
        if self._wanted.has_ready():
            pass  # it is their turn soon
        elif self._arrivals.has_any():
            self._take_in_soon.ask()
        elif self._attempts.has_any():
            self._alarm.set(self._ahead.state, self._attempts)
        else:
            self._hand_over()

    def _give_back(self) -> None:
        self._wanted.begin_nothing()
        if not self._attempts.has_any() and not self._arrivals.has_any() and not self._leaves:
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
        return max(self._around.clock.now(), self._ahead.state.now)

    @guarded
    def _fall_due(self) -> None:
        if self.is_over or self._in_flight is not None:
            return
        touched = due(self._ahead.state, self._attempts, self._now())
        if touched:
            self._must_commit = True
            self._settle(touched)
        else:
            self._alarm.set(self._ahead.state, self._attempts)  # the loop's clock runs a little ahead of the database's

    def _end(self, status: str) -> None:
        if not self.is_over:
            self.is_over = True
            self._alarm.cancel()
            self._over(self, status)
