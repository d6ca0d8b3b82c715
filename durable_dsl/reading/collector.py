"""The mistakes found so far, each at its place, and what the reading of one document has to remember."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_dsl.document import Json
from durable_dsl.errors import Position, Problem
from durable_dsl.places import BROKEN, KEY, Broken, Path, Places, find_place, place_inside


class Collector:
    """Collects the problems of one document."""

    def __init__(self, places: Places, file: str, kinds: Mapping[str, Any]) -> None:
        self.places = places
        self.file = file
        # The table of the kinds of nodes. It is handed in because its entries refer to the readers that need it.
        self.kinds = kinds
        self.elsewhere: dict[str, Mapping[str, str]] = {}
        self.problems: list[Problem] = []
        # Where each node's name was first given.
        self.names: dict[str, Path] = {}
        self._unnamed = 0

    def report(
        self,
        code: str,
        message: str,
        path: Path,
        *,
        hint: str | None = None,
        at_key: bool = False,
        inside: int | None = None,
        width: int | None = None,
    ) -> Broken:
        """Records a problem with the value at `path`, its key (`at_key`) or the character `inside` its text."""
        place = self.places.get((*path, KEY)) if at_key else None
        if place is None:
            place = find_place(self.places, path)
        if place is None:
            self.problems.append(Problem(code, message, self.file, hint=hint))
            return BROKEN
        if inside is not None:
            place = place_inside(place, inside)
        self.problems.append(
            Problem(code, message, place.file, place.line, place.column, hint, place.width if width is None else width)
        )
        return BROKEN

    def wrong_type(self, path: Path, expected: str, value: Json, hint: str | None = None) -> Broken:
        """Records that the value at `path` is not what it must be."""
        if value is None and hint is None:
            hint = "leave the key out if nothing is meant"
        return self.report("W005", f"{subject(path)} must be {expected}, not {describe(value)}", path, hint=hint)

    def new_name(self) -> str:
        """Gives a node whose name cannot be read one that no other has."""
        self._unnamed += 1
        return f"unnamed {self._unnamed}"

    def place(self, path: Path) -> Position | None:
        """Gives where a thing stands, to be kept in the document."""
        return self.places.get(path)


def subject(path: Path) -> str:
    """Names the value at a path for a message."""
    if not path:
        return "the document"
    last = path[-1]
    if last == KEY:
        return "the key"
    if isinstance(last, str):
        return f"'{last}'"
    of = next((f" of '{part}'" for part in reversed(path[:-1]) if isinstance(part, str)), "")
    return f"item {last + 1}{of}"


def describe(value: Any) -> str:
    """Names a value for a message: its type, and itself where it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # Python writes no whole number of more than a few thousand digits.
        return f"the number {value}" if abs(value) < 10**30 or value != value else "a very large number"
    if isinstance(value, str):
        line = value if len(value) <= 30 else value[:27] + "..."
        return f"the text {line!r}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return f"a Python {type(value).__name__}"
