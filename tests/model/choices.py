"""What chance decides, decided in every way: a program that asks `choose` is run once for each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_RUNS = 400
"""Runs after which a program counts as undecided."""


class Undecided(Exception):
    """There are more ways than `MOST_RUNS`."""


class Choices:
    """Answers of one run: first those it was given, then the first of each."""

    def __init__(self, given: tuple[int, ...]) -> None:
        self.taken: list[tuple[int, int]] = []
        self._given = given

    def choose(self, options: list[T]) -> T:
        """Gives one of the options; in some other run every other one is given."""
        position = len(self.taken)
        chosen = self._given[position] if position < len(self._given) else 0
        self.taken.append((chosen, len(options)))
        return options[chosen]


def every_way(run: Callable[[Choices], R]) -> Iterator[R]:
    """Runs a program in every way that its choices leave open. Raises `Undecided` when these are too many."""
    given: tuple[int, ...] | None = ()
    for _ in range(MOST_RUNS):
        if given is None:
            return
        choices = Choices(given)
        yield run(choices)
        given = _after(choices.taken)
    if given is not None:
        raise Undecided


def _after(taken: list[tuple[int, int]]) -> tuple[int, ...] | None:
    """Gives the answers of the next run: the last one that has another option takes that."""
    for position in range(len(taken) - 1, -1, -1):
        chosen, count = taken[position]
        if chosen + 1 < count:
            return (*(before for before, _count in taken[:position]), chosen + 1)
    return None
