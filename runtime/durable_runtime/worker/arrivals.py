"""Outcomes of attempts, from when they arrive until what they changed was looked at."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from durable_runtime.core.checkpoints import Keys
from durable_runtime.core.state import chain_to
from durable_runtime.store.joined import Transaction
from durable_runtime.worker.ahead import Ahead
from durable_runtime.worker.attempts import Ended
from durable_runtime.worker.settling import checkpoints_of
from durable_runtime.worker.unsent import Unsent
from durable_runtime.worker.wanted import Wanted


class Arrivals:
    """Puts outcomes into the state, in the order in which they arrived.

    `joined` is the transaction of a step that the next commit is part of.
    """

    def __init__(
        self, ahead: Ahead, unsent: Unsent, wanted: Wanted, spawn: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._ahead = ahead
        self._unsent = unsent
        self._wanted = wanted
        self._spawn = spawn
        self._waiting: list[Ended] = []
        self._touched: list[Keys] = []
        # Not the same: after an item of a foreach there may be nothing to look at, and yet it must be stored.
        self._changed = False
        self.joined: Transaction | None = None

    def has_any(self) -> bool:
        """Tells whether there is something to take in."""
        return self._changed or bool(self._waiting)

    def has_changed(self) -> bool:
        """True when there are checkpoints of outcomes that are not on their way yet."""
        return self._changed

    @property
    def waits(self) -> bool:
        """True while an outcome is there that is not in the state: whoever looks at that sees an attempt to begin."""
        return bool(self._waiting)

    def add(self, ended: Ended) -> None:
        """Takes what arrived."""
        self._waiting.append(ended)

    def take_again(self, outcomes: Iterable[Ended]) -> None:
        """Takes outcomes whose checkpoints were dropped, before all others."""
        self._waiting = [*outcomes, *self._waiting]
        self._touched, self._changed = [], False

    def evolve(self, *, only_plain: bool = False) -> None:
        """Puts what arrived into the state; what is not plain, and all that came after it, may have to wait."""
        waiting, self._waiting = self._waiting, []
        ahead, unsent = self._ahead, self._unsent
        for position, ended in enumerate(waiting):
            if only_plain and not ended.is_plain:
                self._waiting = waiting[position:]
                return
            # No checkpoints at all: abandoned in the meantime, nobody waits for it.
            chain = chain_to(ahead.state, ended.command.keys)
            checkpoints = checkpoints_of(ahead.program, ahead.state, chain, ended, unsent.outgoing)
            for checkpoint in checkpoints:
                self._touched.extend(ahead.take(checkpoint, chain))
                chain = None  # the next one finds another state
            if checkpoints:
                self._changed = True
                # Whoever looked at the state before this, for a request, saw an attempt that had still to begin.
                self._wanted.forget(ended.command.path)
                unsent.add_outcome(ended, checkpoints)
            elif ended.is_plain:
                # It counts after all if what made it come to nothing cannot be stored.
                unsent.outcomes.append(ended)
            if ended.transaction is not None and not ended.commits(checkpoints):
                self._spawn(ended.transaction.roll_back())
            elif ended.transaction is not None:
                # One transaction in a commit; what else arrived waits for the next.
                self.joined, self._waiting = ended.transaction, waiting[position + 1 :]
                return

    def take_touched(self) -> list[Keys]:
        """Gives what was touched since it was last asked."""
        touched, self._touched, self._changed = self._touched, [], False
        return touched

    def take_joined(self) -> Transaction | None:
        """Gives the transaction that the commit which is about to be made is part of."""
        joined, self.joined = self.joined, None
        return joined
