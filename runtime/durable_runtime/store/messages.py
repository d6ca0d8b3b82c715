"""What executions send to each other, as the store takes and gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A request from one execution to another, by its id; None: to all its attached children that have not ended.

    `payload` is a JSON text. One to an execution that does not exist, or has ended by then, goes nowhere.
    """

    to: str | None
    kind: str
    payload: bytes


class Emit(msgspec.Struct, frozen=True, kw_only=True):
    """An event for everyone who waits for its name and key. `payload` is a JSON text."""

    name: str
    key: str
    payload: bytes


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Events that an execution looks for: of a name and a key, without those that it knows.

    It knows those with these ids, and those of transactions `before` that have an id up to `upto`.
    """

    execution: int
    name: str
    key: str
    known: tuple[int, ...] = ()
    before: int = 0
    upto: int = 0


def settled(sought: Sought, before: int, upto: int, gone: Sequence[int]) -> dict[str, Any]:
    """Gives what a look settles as its checkpoint stores it; nothing where transactions are counted anew."""
    gone = sorted(gone) if before > sought.before else []
    return {"name": sought.name, "key": sought.key, "before": before, "upto": max(upto, sought.upto), "gone": gone}


class Routed(msgspec.Struct, frozen=True):
    """What was routed: how many requests; their targets that can be claimed now; the owners of the others, by key.

    `answers` were stored in their place and are to be routed next.
    """

    requests: int
    claimable: tuple[int, ...]
    owned: dict[int, int]
    answers: int = 0
