"""A mapping with fixed keys of which a changed copy costs little, however many there are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeVar

Value = TypeVar("Value")

_WIDTH = 32


class Shelf(Mapping[str, Value]):
    """Values in the order of their keys, on boards of a few; a copy shares all boards but the changed one.

    A dict is copied whole: with a thousand branches of a parallel that was a fifth of what each of their steps cost.
    """

    __slots__ = ("_boards", "_places")

    def __init__(self, values: Mapping[str, Value]) -> None:
        found = list(values.values())
        self._places = {key: divmod(number, _WIDTH) for number, key in enumerate(values)}
        self._boards = [found[first : first + _WIDTH] for first in range(0, len(found), _WIDTH)]

    def __getitem__(self, key: str) -> Value:
        board, place = self._places[key]
        return self._boards[board][place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def find(self, key: str) -> Value | None:
        """Gives the value of a key, or None for one that is not there."""
        found = self._places.get(key)
        return None if found is None else self._boards[found[0]][found[1]]

    def pairs(self) -> Iterator[tuple[str, Value]]:
        """Yields keys with their values: what `items()` gives, without looking each of them up."""
        return zip(self._places, chain.from_iterable(self._boards), strict=True)

    def __repr__(self) -> str:
        return f"Shelf({dict(self)!r})"

    def with_value(self, key: str, value: Value) -> Shelf[Value]:
        """Gives a copy in which this key, which is there already, has this value; raises `KeyError`."""
        board, place = self._places[key]
        boards = self._boards.copy()
        boards[board] = boards[board].copy()
        boards[board][place] = value
        copy: Shelf[Value] = Shelf.__new__(Shelf)
        copy._places, copy._boards = self._places, boards
        return copy
