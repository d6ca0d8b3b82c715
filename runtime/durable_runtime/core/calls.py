"""What the state keeps of a step whose function makes calls of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from durable_runtime.core.checkpoints import ErrorValue, Json


class SubStep(msgspec.Struct, frozen=True, kw_only=True):
    """A call of `ctx` in a step's function that is over, in the order of the calls.

    `name` counts repeats (`lookup#2`); `waited` tells a wait from a function that ran; `error` is what that raised.
    """

    name: str
    at: datetime
    waited: bool = False
    result: Json = None
    error: ErrorValue | None = None


class SubWait(msgspec.Struct, frozen=True, kw_only=True):
    """What a step's function waits for: a time, with `attempt` the next attempt of a sub-step, or a child's end."""

    name: str
    due_at: datetime | None
    attempt: int = 0
    child: str | None = None


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
