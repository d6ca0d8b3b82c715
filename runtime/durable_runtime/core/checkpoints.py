"""Checkpoints: the committed outcomes of node instances. Past tense; append-only; folding them rebuilds the state."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = Any

Key: TypeAlias = str | int
Keys: TypeAlias = tuple[Key, ...]
"""The address of a frame: one key for each container above it (a branch's label, a case's index, an item, a turn)."""

Kind: TypeAlias = Literal[
    "completed",
    "collected",
    "skipped",
    "retrying",
    "failed",
    "caught",
    "ignored",
    "entered",
    "turned",
    "answered",
    "waiting",
    "received",
    "looked",
    "arrived",
    "timed_out",
    "cancelled",
    "paused",
    "resumed",
    "compensating",
    "compensated",
    "rewound",
    "edited",
    "forked",
    "joined",
]


class ErrorValue(msgspec.Struct, frozen=True, kw_only=True):
    """An error as workflows see it. `data` is JSON; `node` is the instance path; `attempt` counts from 1.

    `names` are the class names of the error and its bases, by which `catch` knows it, `undone` and
    `not_undone` how many steps it had undone by the catches it came through; workflows do not see these.
    """

    type: str
    message: str
    data: Json = None
    node: str | None = None
    attempt: int = 1
    names: tuple[str, ...] = ()
    undone: int = 0
    not_undone: int = 0

    def as_json(self) -> dict[str, Json]:
        return {
            "type": self.type,
            "message": self.message,
            "data": self.data,
            "node": self.node,
            "attempt": self.attempt,
        }

    def as_stored(self) -> dict[str, Json]:
        """Gives what a checkpoint keeps: what workflows see, and the rest where there is something of it."""
        stored = self.as_json()
        if self.names:
            stored["names"] = list(self.names)
        if self.undone or self.not_undone:
            stored |= {"undone": self.undone, "not_undone": self.not_undone}
        return stored


class Emitted(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a step sends, to the execution `to` or by `key`; it is stored with a checkpoint of the step."""

    name: str
    payload: Json
    to: str | None = None
    key: str | None = None


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One committed outcome.

    `seq` numbers an execution's checkpoints from 1 without a gap (0: not numbered yet). `path` is the instance's
    path (`poll#2/lines[3]/price`), empty for the execution itself. `result` means, by kind: the value (`completed`,
    `skipped`), nothing stored (`collected`: the value is put together from the items' own checkpoints), the case's
    index or the number of items (`entered`), the turn (`turned`), which condition a function answered and how
    (`answered`), the row of `catch` that takes the error (`caught`), who asked and why (`cancelled`, `paused`,
    `resumed`, and more in the next three): the numbers of what counts no more (`rewound`), the node and its result
    (`edited`), where it comes from (`forked`); what undoing a step gave (`compensated`), the child (`waiting` of a
    step), who is to be told of the end (`joined`); what is waited for by label (`waiting` for something from outside),
    the event (`received`), which events cannot come again (`looked`), the label and what came for it (`arrived`),
    where a wait jumps to (`timed_out`). `compensating` tells that the whole execution begins to be undone; what undoes
    a step has a path of its own, `charge/compensate`. `due_at` is when a retry, a wait or a deadline falls due.
    `encoded` is `result` as the JSON text that is stored, when someone encoded it already. `emitted` are sent by
    whoever commits the checkpoint, and `published` shown, values by name.
    """

    path: str
    kind: Kind
    finished_at: datetime
    seq: int = 0
    attempt: int = 1
    result: Json = None
    error: ErrorValue | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    keys: Keys | None = None
    encoded: bytes | None = None
    log: str | None = None
    emitted: tuple[Emitted, ...] = ()
    published: dict[str, Json] | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot as it is stored: what the checkpoints up to `seq` lead to, in a `format`, over a graph's `version`.

    `pruned` tells that some of these checkpoints are gone.
    """

    seq: int
    format: str
    version: str
    state: bytes
    pruned: bool = False


class Prune(msgspec.Struct, frozen=True, kw_only=True):
    """What goes of the loop at `path`, entered by the checkpoint `since`: the turns before `first`.

    What stands at a number in `spared` stays: those steps can still be undone.
    """

    path: str
    since: int
    first: int
    spared: tuple[int, ...] = ()
