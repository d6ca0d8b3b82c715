"""Executions as clients see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.store.protocol import TERMINAL, ExecutionRow, Status
from durable_runtime.store.seen import LogLine

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One committed outcome in an execution's history.

    `path` is the instance (`lines[3]/price`, empty for the execution itself), `kind` what happened: `completed`,
    `collected` (a foreach whose results stand with its items), `skipped`, `retrying`, `failed`, `caught`, `ignored`,
    `entered`, `turned`, `waiting`, `received` (an event), `looked` (which events cannot come again), `arrived` (what a
    wait waited for), `timed_out` (a wait that jumps), `cancelled`, `paused`, `resumed`, `compensating` (the execution
    begins to be undone; each step that is undone is an instance of its own, `charge/compensate`), `compensated`.
    `due_at` is when a retry or a wait falls due. `started_at` is None where nothing ran outside of the engine.
    """

    seq: int
    path: str
    kind: str
    attempt: int
    result: Json
    error: Json
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution at one moment. `version` is the content hash of its definition, `label` the author's name for it.

    `status` is `paused` while an execution that has not ended is paused. All times are UTC. One that an execution
    started has its `parent_id`, and the `parent_path` of the instance that started it. `progress`
    is what steps that run said last of how far they are (`ctx.heartbeat`), by instance. `steps` and `logs` are None
    unless they were asked for.
    """

    id: str
    workflow: str
    version: str
    label: str | None
    status: Status | Literal["paused"]
    queue: str
    priority: int
    input: Json
    output: Json
    error: Json
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    recoveries: int
    parent_id: str | None = None
    parent_path: str | None = None
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    progress: dict[str, Json] = field(default_factory=dict)
    steps: tuple[StepRecord, ...] | None = None
    logs: tuple[LogLine, ...] | None = None

    @property
    def has_ended(self) -> bool:
        """Tells whether the status is a terminal one, which never changes again."""
        return self.status in TERMINAL

    def to_json(self) -> dict[str, Json]:
        """Gives the fields as JSON: times in RFC 3339, `steps` and `logs` only if they were asked for."""
        fields: dict[str, Json] = msgspec.to_builtins(self)
        for name in ("steps", "logs"):
            value = fields.pop(name)
            if value is not None:
                fields[name] = list(value)
        return fields


def execution_from(
    row: ExecutionRow,
    checkpoints: Iterable[Checkpoint] | None = None,
    logs: Iterable[LogLine] | None = None,
    progress: dict[str, Json] | None = None,
) -> Execution:
    """Gives the execution of a stored row, with what else was read of it."""
    return Execution(
        id=row.id,
        workflow=row.workflow,
        version=row.version,
        label=row.label,
        status="paused" if row.paused and row.status not in TERMINAL else row.status,
        queue=row.queue,
        priority=row.priority,
        parent_id=row.parent_id,
        parent_path=row.parent_path,
        key=row.user_key,
        headers=dict(row.headers),
        input=row.input,
        output=row.output,
        error=row.error,
        created_at=row.created_at.astimezone(UTC),
        scheduled_at=_utc(row.scheduled_at),
        started_at=_utc(row.started_at),
        finished_at=_utc(row.finished_at),
        recoveries=row.recoveries,
        progress=progress or {},
        steps=None if checkpoints is None else tuple(map(step_from, checkpoints)),
        logs=None if logs is None else tuple(map(line_from, logs)),
    )


def line_from(line: LogLine) -> LogLine:
    """Gives a line with its time in UTC."""
    return msgspec.structs.replace(line, at=line.at.astimezone(UTC))


def step_from(checkpoint: Checkpoint) -> StepRecord:
    """Gives the record of a checkpoint."""
    return StepRecord(
        seq=checkpoint.seq,
        path=checkpoint.path,
        kind=checkpoint.kind,
        attempt=checkpoint.attempt,
        result=checkpoint.result,
        error=checkpoint.error.as_json() if checkpoint.error is not None else None,
        due_at=_utc(checkpoint.due_at),
        started_at=_utc(checkpoint.started_at),
        finished_at=checkpoint.finished_at.astimezone(UTC),
    )


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
