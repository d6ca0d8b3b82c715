"""What clients see beside executions: what these wait for, what they logged, and who works."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from durable_runtime.core.checkpoints import Json


class PendingWait(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an execution waits for from outside.

    `path` is the wait's instance and `label` what it is in a wait for several things, else empty. `detail` is what the
    wait stored: of an ask its kind under `ask`, `prompt`, `assignees`, `choices`, `fields`, `schema`, `metadata`.
    `name` and `key` are those of an event. `due_at` is the wait's timeout. `answered` means that an answer was given
    and a worker is about to take it.
    """

    execution_id: str
    workflow: str
    path: str
    label: str
    kind: Literal["ask", "event"]
    name: str | None
    key: str | None
    detail: dict[str, Json]
    opened_at: datetime
    due_at: datetime | None
    answered: bool


class PublishedValue(msgspec.Struct, frozen=True, kw_only=True):
    """The newest value of a name that an execution published: by the node instance at `path`, `at` that time."""

    name: str
    value: Json
    path: str
    at: datetime


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an execution's log."""

    path: str
    attempt: int
    level: str
    message: str
    at: datetime
    id: int = 0


class WorkerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as others see it."""

    id: int
    name: str
    host: str
    pid: int
    queues: dict[str, int]
    started_at: datetime
    expires_at: datetime
    expired: bool
    loop_lag: float
    executions: int
