"""What the calls of an attempt ask of the worker: to commit what they came to, and to tell them once it is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeAlias

import msgspec

from durable_runtime.core.calls import SubStep
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.core.substeps import SubOutcome
from durable_runtime.store.joined import Transaction


class Again(msgspec.Struct, frozen=True):
    """A sub-step failed and is tried again at `due_at`."""

    due_at: datetime
    attempt: int


class Redo(msgspec.Struct, frozen=True):
    """What a sub-step did in its transaction was undone, through no fault of its own: it runs once more."""


Answer: TypeAlias = SubStep | Again | Redo


class Port(Protocol):
    """What the calls of an attempt ask of the worker."""

    def now(self) -> datetime:
        """Gives the clock by which the worker times what it runs."""
        ...

    def note(self, sub: SubOutcome, transaction: Transaction | None = None) -> Awaitable[Answer]:
        """Commits what a call came to, together with its transaction; from the event loop."""
        ...

    def note_and_wait(self, sub: SubOutcome, transaction: Transaction | None = None) -> Answer:
        """The same from a thread, which waits; raises `Abandoned` when the attempt is over before."""
        ...

    async def find_target(
        self, name: str, workflow: str, input: dict[str, Json], queue: str | None, key: str | None, *, awaited: bool
    ) -> Failure | None:
        """Finds what a child would run, for the call of this name; gives why there cannot be one."""
        ...

    def wait_until(self, due_at: datetime) -> None:
        """Holds a thread until then; raises `Abandoned` when the attempt is over before."""
        ...

    def cancel(self) -> None:
        """The attempt is over: whoever waits in a thread stops waiting."""
        ...


RunPlain: TypeAlias = Callable[[Callable[[], "Success | Failure"]], Awaitable["Success | Failure"]]
"""Runs a plain function for an async one: in a thread, where it may block."""
