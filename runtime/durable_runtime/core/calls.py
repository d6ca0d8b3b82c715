"""What the state keeps of a step that waits, and of one whose function makes calls of its own.

A call of `ctx` that suspends its function holds the same openings as a node that waits: one mechanism serves both.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.checkpoints import ErrorValue, Json


class Retrying(msgspec.Struct, frozen=True):
    """A step between two attempts; `attempt` is the next one, `first_at` when the first began.

    `before` is what the attempt that failed left: its sub-steps are not done again.
    """

    attempt: int
    retry_at: datetime
    first_at: datetime
    before: Underway | None = None


class Waiting(msgspec.Struct, frozen=True):
    """A wait for a time. `times_out` means that its timeout comes first, at `due_at`."""

    due_at: datetime
    times_out: bool = False


class Calling(msgspec.Struct, frozen=True, kw_only=True):
    """A step whose child runs.

    `id` is the one that was given to the child; `first_at` is when the step's first attempt began, `started_at` when
    this one did. A function that waits for an execution it started before `joins` that one, and is told under `id`.
    """

    id: str
    attempt: int
    started_at: datetime
    first_at: datetime
    deadline_at: datetime | None = None
    joins: str | None = None

    @property
    def execution(self) -> str:
        """The id of the execution that is waited for; where a key was taken it is another one."""
        return self.joins or self.id


Held: TypeAlias = Retrying | Waiting | Calling | Awaiting
"""What a call in a function waits for: its next attempt, a time, a child, or something from outside."""


class SubStep(msgspec.Struct, frozen=True, kw_only=True):
    """A call of `ctx` in a step's function that is over, in the order of the calls.

    `name` counts repeats (`lookup#2`); `waited` tells a wait from a function that ran; `error` is what that raised.
    """

    name: str
    at: datetime
    waited: bool = False
    result: Json = None
    error: ErrorValue | None = None


class SubWait(msgspec.Struct, frozen=True):
    """The call that a step's function is left at, and what it waits for."""

    name: str
    opening: Held


class Underway(msgspec.Struct, frozen=True, kw_only=True):
    """A step whose function has sub-checkpoints: what it did so far, and what it waits for.

    `attempt` began at `entered_at`, the first one at `first_at`. `began_at` is the time that the function sees before
    its first sub-step. `used` is how long it ran before it was suspended, all times together.
    """

    attempt: int
    first_at: datetime
    entered_at: datetime
    began_at: datetime
    done: tuple[SubStep, ...] = ()
    used: timedelta = timedelta(0)
    wait: SubWait | None = None
