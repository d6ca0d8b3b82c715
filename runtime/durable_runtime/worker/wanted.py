"""What was decided and is not done yet, because what it follows from may not be stored."""

from __future__ import annotations

from durable_runtime.core.commands import Abandon, Collect, Perform, StartChild
from durable_runtime.core.interpreter import Pass
from durable_runtime.worker.attempts import Attempts


class Wanted:
    """Attempts to begin, results to collect, and attempts that nobody wants any more.

    Those go on until the decision that ended them is stored: if the database refuses it, they are wanted again, and
    what was cancelled would have to begin once more.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._performs: dict[str, Perform | StartChild] = {}
        self._collects: dict[str, Collect] = {}
        self._abandons: list[Abandon] = []

    @property
    def to_begin(self) -> bool:
        """True when something is to be begun."""
        return bool(self._performs or self._collects)

    @property
    def to_collect(self) -> bool:
        return bool(self._collects)

    @property
    def runs(self) -> bool:
        """True when an attempt runs that is still wanted."""
        return any(self._is_wanted(path) for path in self._attempts)

    def _is_wanted(self, path: str) -> bool:
        return path in self._attempts and not any(abandon.covers(path) for abandon in self._abandons)

    def take(self, result: Pass) -> None:
        """Adds what a pass came to. What runs already is not begun once more."""
        for abandon in result.abandons:
            self._abandons.append(abandon)
            for path in [*self._performs, *self._collects]:
                if abandon.covers(path):
                    self.forget(path)
        self._performs |= {each.path: each for each in result.performs if not self._is_wanted(each.path)}
        self._collects |= {each.path: each for each in result.collects if not self._is_wanted(each.path)}

    def forget(self, path: str) -> None:
        """Does not begin this instance: its outcome is there."""
        self._performs.pop(path, None)
        self._collects.pop(path, None)

    def begin_nothing(self) -> None:
        """Forgets what is to be begun."""
        self._performs, self._collects = {}, {}

    def take_back(self) -> None:
        """Forgets everything: what it followed from will never be stored, and is decided again."""
        self.begin_nothing()
        self._abandons = []

    def abandon(self) -> None:
        """Ends the attempts that nobody wants, now that this is certain."""
        abandons, self._abandons = self._abandons, []
        for abandon in abandons:
            self._attempts.abandon(abandon)

    def hand_out(self) -> tuple[list[Perform | StartChild], list[Collect]]:
        """Gives what is to be begun, to be begun at once."""
        performs, collects = self._performs, self._collects
        self.begin_nothing()
        return list(performs.values()), list(collects.values())
