"""The results of a foreach, put together from its items' own checkpoints instead of being stored a second time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json

ItemRow: TypeAlias = tuple[str, str, Json, Json]
"""(path, kind, result, error) of a checkpoint one level below a foreach's items."""

_ITEM = re.compile(r"(.*)\[(\d+)\]/[^/]+")


def results_of(rows: Iterable[ItemRow], total: int, complete_all: bool) -> list[Json]:
    """Gives the items' results in order.

    `rows` are (path, kind, result, error) of the checkpoints one level below the items, in the order of their
    numbers; the last of each item is the last node its list reached, so its result is the item's.
    """
    last: dict[int, tuple[str, Json, Json]] = {}
    for path, kind, result, error in rows:
        match = _ITEM.fullmatch(path)
        if match is not None:
            last[int(match[2])] = (kind, result, error)
    found = (last.get(index, ("skipped", None, None)) for index in range(total))
    if not complete_all:
        return [result for _kind, result, _error in found]
    return [
        {"ok": False, "error": error} if kind == "failed" else {"ok": True, "value": result}
        for kind, result, error in found
    ]


class ItemResults:
    """Remembers items' results during a fold, until the foreach they belong to is over."""

    def __init__(self) -> None:
        self._rows: dict[str, list[ItemRow]] = {}

    def add(self, checkpoint: Checkpoint) -> None:
        """Notes a checkpoint if it may be an item's result; forgets the items of a foreach that is over."""
        if checkpoint.kind in ("completed", "collected", "skipped", "failed"):
            self._rows.pop(checkpoint.path, None)
            match = _ITEM.fullmatch(checkpoint.path)
            if match is not None:
                row = (checkpoint.path, checkpoint.kind, checkpoint.result, _error(checkpoint.error))
                self._rows.setdefault(match[1], []).append(row)

    def take(self, path: str) -> list[ItemRow]:
        """Gives the rows of a foreach's items."""
        return self._rows.get(path, [])


def _error(error: ErrorValue | None) -> Json:
    return error.as_json() if error is not None else None
