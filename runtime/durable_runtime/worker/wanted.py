"""What was decided and is not begun yet: what it follows from may not be stored, or others have their turn first."""

from __future__ import annotations

from itertools import islice

from durable_runtime.actions.functions import Missing
from durable_runtime.core.commands import Abandon, Collect, Perform, StartChild
from durable_runtime.core.interpreter import Pass
from durable_runtime.worker.attempts import Attempts

MOST_AT_ONCE = 64
"""Attempts that are begun in one go: those of a wide parallel neither hold up other executions, nor does the first
commit of their outcomes wait for the last of them.
"""


class Wanted:
    """Attempts to begin, results to collect, and attempts that nobody wants any more.

    Decided comes first, `ready` once everything that was decided is stored. Attempts that nobody wants go on until the
    decision that ended them is stored: if the database refuses it, they are wanted again, and what was cancelled would
    have to begin once more.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._decided: dict[str, Perform | StartChild | Collect] = {}
        self._ready: dict[str, Perform | StartChild | Collect] = {}
        self._abandons: list[Abandon] = []

    def has_to_begin(self) -> bool:
        """True when something is to be begun."""
        return bool(self._decided or self._ready)

    def has_ready(self) -> bool:
        """True when something may begin now."""
        return bool(self._ready)

    @property
    def runs(self) -> bool:
        """True when an attempt runs that is still wanted."""
        return any(self._is_wanted(path) for path in self._attempts)

    def _is_wanted(self, path: str) -> bool:
        return path in self._attempts and not any(abandon.covers(path) for abandon in self._abandons)

    def take(self, result: Pass) -> None:
        """Adds what a pass came to. What runs already, or is about to, is not begun once more."""
        for abandon in result.abandons:
            self._abandons.append(abandon)
            for path in [*self._decided, *self._ready]:
                if abandon.covers(path):
                    self.forget(path)
        for each in (*result.performs, *result.collects):
            if each.path not in self._ready and not self._is_wanted(each.path):
                self._decided[each.path] = each

    def forget(self, path: str) -> None:
        """Does not begin this instance: its outcome is there."""
        self._decided.pop(path, None)
        self._ready.pop(path, None)

    def begin_nothing(self) -> None:
        """Forgets what is to be begun."""
        self._decided, self._ready = {}, {}

    def take_back(self) -> None:
        """Forgets everything: what it followed from will never be stored, and is decided again."""
        self.begin_nothing()
        self._abandons = []

    def abandon(self) -> None:
        """Ends the attempts that nobody wants, now that this is certain."""
        if self._abandons:
            abandons, self._abandons = self._abandons, []
            for abandon in abandons:
                self._attempts.abandon(abandon)

    def stored(self) -> None:
        """Everything that was decided follows from what is stored, or can be computed again: it may begin."""
        if self._decided:
            self._ready |= self._decided
            self._decided = {}

    def begin_some(self) -> list[tuple[Perform | StartChild, Missing]]:
        """Begins what is ready, up to `MOST_AT_ONCE`; gives those that this worker lacks something for."""
        lacking = []
        for path in list(islice(self._ready, MOST_AT_ONCE)):
            each = self._ready.pop(path)
            if isinstance(each, Collect):
                self._attempts.collect(each)
                continue
            missing = self._attempts.begin(each)
            if missing is not None:
                lacking.append((each, missing))
        return lacking
