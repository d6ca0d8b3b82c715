"""What the reference says of an execution: how it may end, and what must or may be stored of each instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHORT = 2_000
"""Milliseconds: a timeout of at most this is over before what hangs is."""

LONG = 3_600_000
"""Milliseconds: a wait of at least this never ends by itself."""


ANY = "whatever the engine says"
"""Stands where the reference does not know the engine's words."""


@dataclass(frozen=True)
class Error:
    """An error as workflows see it; `names` are its class and base classes."""

    type: str
    node: str | None
    attempt: int = 1
    names: tuple[str, ...] = ()
    message: str = ANY
    data: Any = ANY
    undone: int = 0
    not_undone: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "message": self.message,
            "data": self.data,
            "node": self.node,
            "attempt": self.attempt,
        }


@dataclass
class Entry:
    """How an instance ends. One that is not `certain` may be cut off before, with everything after it.

    With `passes_on` its result is that of a list, which is stored only if someone can read it.
    """

    path: str
    kind: str
    result: Any = None
    error: Error | None = None
    certain: bool = True
    passes_on: bool = False


@dataclass
class Attempts:
    """How many attempts of an instance there are, if it comes that far; no ledger has noted those of children."""

    count: int
    certain: bool = True
    noted: bool = True


@dataclass
class Story:
    """Everything that becomes of an execution, one way it may go.

    `pairs` are instances of which the first ends before the second does. `attempts` are those of each path, of a call
    by the attempt of its step, else by 0.
    """

    status: str = ""
    output: Any = None
    error: Error | None = None
    entries: list[Entry] = field(default_factory=list)
    attempts: dict[str, dict[int, Attempts]] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)


class Failed(Exception):
    """A node failed."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.type)
        self.error = error


class Finished(Exception):
    """A `finish` was reached."""

    def __init__(self, output: Any) -> None:
        super().__init__("finish")
        self.output = output


class Jumped(Exception):
    """A decision goes to a node, or to the `end` of its list."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class TimedOut(Exception):
    """A wait took too long and goes to a node, or to the `end` of its list."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class Stuck(Exception):
    """A wait takes so long that a timeout around it comes first."""
