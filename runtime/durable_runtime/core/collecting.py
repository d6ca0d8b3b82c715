"""The results of a foreach, put together from its items' own checkpoints instead of being stored a second time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TypeAlias

from durable_dsl.graph import Decision
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json
from durable_runtime.core.program import CompiledNode

ItemRow: TypeAlias = tuple[str, str, Json, Json]
"""(path, kind, result, error) of a checkpoint one level below a foreach's items."""

ITEM_KINDS = frozenset({"completed", "collected", "skipped", "failed", "ignored", "timed_out"})
"""How the last node of an item's list may have ended."""

_ITEM = re.compile(r"(.*)\[(\d+)\]/([^/]+)")


def decisions_in(foreach: CompiledNode) -> frozenset[str]:
    """Gives the names of the decisions in a foreach's list."""
    return frozenset(node.name for node in foreach.blocks[None].nodes if isinstance(node.graph, Decision))


def results_of(rows: Iterable[ItemRow], total: int, complete_all: bool, decisions: Collection[str] = ()) -> list[Json]:
    """Gives the items' results in order; that of a decision is null, whatever it chose.

    `rows` are (path, kind, result, error) of the checkpoints one level below the items, in the order of their
    numbers; the last of each item is the last node its list reached, so its result is the item's.
    """
    last: dict[int, tuple[str, Json, Json]] = {}
    for path, kind, result, error in rows:
        match = _ITEM.fullmatch(path)
        if match is not None:
            # What a decision or a wait that timed out stored is where it jumped to.
            jumped = match[3] in decisions or kind == "timed_out"
            last[int(match[2])] = (kind, None if jumped else result, error)
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
        if checkpoint.kind in ITEM_KINDS:
            self._rows.pop(checkpoint.path, None)
            match = _ITEM.fullmatch(checkpoint.path)
            if match is not None:
                row = (checkpoint.path, checkpoint.kind, checkpoint.result, _error(checkpoint.error))
                self._rows.setdefault(match[1], []).append(row)

    def take(self, path: str) -> list[ItemRow]:
        """Gives the rows of a foreach's items."""
        return self._rows.get(path, [])


MOST_KNOWN = 2000
MOST_KNOWN_BYTES = 64 * 1024
"""What an execution remembers of items' results, beside what the database holds."""


class KnownResults:
    """Remembers the items' results of every foreach that began here, so that few and small ones are not read back.

    A cache of what is stored, or stored in the same commit: it must have seen every checkpoint since the foreach was
    entered. Where it did not, or there was too much, it knows nothing.
    """

    def __init__(self) -> None:
        self._seq = 0
        self._rows: dict[str, list[ItemRow]] = {}
        self._count = self._bytes = 0

    def follow(self, seq: int) -> None:
        """Forgets everything unless the last checkpoint it saw has this number."""
        if seq != self._seq:
            self._forget()
            self._seq = seq

    def add(self, checkpoint: Checkpoint) -> None:
        """Takes the next checkpoint."""
        if checkpoint.seq != self._seq + 1:
            self._forget()
        self._seq = checkpoint.seq
        if checkpoint.kind == "entered":
            if isinstance(checkpoint.result, int):  # how many items; of what is no foreach nothing is asked for
                self._rows[checkpoint.path] = []
        elif self._rows and checkpoint.kind in ITEM_KINDS:
            self._rows.pop(checkpoint.path, None)
            item = checkpoint.path.rpartition("/")[0]
            rows = self._rows.get(item.rpartition("[")[0]) if item.endswith("]") else None
            if rows is not None:
                rows.append((checkpoint.path, checkpoint.kind, checkpoint.result, _error(checkpoint.error)))
                self._count += 1
                self._bytes += len(checkpoint.encoded or b"")
                if self._count > MOST_KNOWN or self._bytes > MOST_KNOWN_BYTES:
                    self._forget()
            elif not self._rows:
                self._forget()

    def take(self, path: str) -> list[ItemRow] | None:
        """Gives the rows of a foreach's items, or None when they have to be read."""
        return self._rows.get(path)

    def _forget(self) -> None:
        self._rows = {}
        self._count = self._bytes = 0


def _error(error: ErrorValue | None) -> Json:
    return error.as_json() if error is not None else None
