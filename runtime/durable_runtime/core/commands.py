"""Commands: what the interpreter wants done next. Imperative; someone else does them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec

from durable_dsl.expressions import Template
from durable_runtime.core.calls import SubStep
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json, Keys


class Record(msgspec.Struct, frozen=True):
    """Evolve the state with this checkpoint: it was computed, nothing outside is touched."""

    checkpoint: Checkpoint


class Sealed(msgspec.Struct, frozen=True):
    """Arguments that read secrets: rendered by the worker just before the attempt, and nowhere else.

    `secrets` are the names that `template` reads; `names` is what it sees besides them, at the time `now`.
    """

    template: Template
    secrets: tuple[str, ...]
    names: dict[str, Any]
    now: datetime


Performed: TypeAlias = Literal["call", "http", "shell", "sql", "use"]
"""What an attempt does."""


class Perform(msgspec.Struct, frozen=True, kw_only=True):
    """Make one attempt of a step's action with these arguments, then hand in its outcome.

    `function` is the import path of a call, the name of a plug-in's action (`use`) or of a database
    (`sql`; empty is the engine's own), and empty for `http` and `shell`.
    `arguments` None, which only a call can have, gives it `data`, the whole data at this place. With `sealed` they are
    not known yet. `error` is the later one for which a step is undone. `done` are the calls of `ctx` that its function
    made before, and `next_attempt` is that of the call after these. `began_at` is the time that the function sees; of
    the `timeout`, what it used before a wait is taken off. `since` is the
    checkpoint by which the execution was last retried. With `slot` a function answers a condition of the node;
    `path` is the node's with a word behind it.
    """

    path: str
    node: str
    keys: Keys
    function: str
    attempt: int
    data: Json
    action: Performed = "call"
    arguments: dict[str, Json] | None
    timeout: timedelta | None
    sealed: Sealed | None = None
    error: Json = None
    began_at: datetime
    done: tuple[SubStep, ...] = ()
    next_attempt: int = 1
    next_at: datetime | None = None
    slot: str | None = None
    since: int = 0


class StartChild(msgspec.Struct, frozen=True, kw_only=True):
    """Find the workflow of this name, check the input against its schema, and hand in what was found.

    `key` attaches to the execution of that workflow which has the key, if there is one. An `attached` child is reached
    by what happens to its parent; of an `awaited` one's end the parent is told. `began_at` is when it was decided.
    """

    path: str
    node: str
    keys: Keys
    workflow: str
    attempt: int
    input: dict[str, Json]
    key: str | None
    queue: str | None
    attached: bool
    awaited: bool
    timeout: timedelta | None
    began_at: datetime


class Collect(msgspec.Struct, frozen=True, kw_only=True):
    """Read the results of a finished foreach back from its items' checkpoints.

    `decisions` are the names of its list's decisions, whose checkpoints say where they jumped: their result is null.
    `since` is the number of the checkpoint that entered it.
    """

    path: str
    keys: Keys
    total: int
    complete_all: bool
    decisions: frozenset[str] = frozenset()
    since: int = 0


class Abandon(msgspec.Struct, frozen=True):
    """Stop every attempt at or below this path; nobody wants its outcome any more. An empty path means all."""

    path: str

    def covers(self, path: str) -> bool:
        """Tells whether `path` is the abandoned instance or lies below it, in any item or turn."""
        if not self.path or path == self.path:
            return True
        return path.startswith(self.path) and path[len(self.path)] in "/[#"


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """End the execution with this status. `encoded` is the JSON text of `output`, when someone encoded it already."""

    status: Literal["completed", "failed", "cancelled", "compensated", "compensation_failed"]
    at: datetime
    output: Json = None
    encoded: bytes | None = None
    error: ErrorValue | None = None


Command: TypeAlias = Record | Perform | StartChild | Collect | Abandon | Finish
