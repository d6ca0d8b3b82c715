"""From rows to values and from commits to columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json
from durable_runtime.core.values import decode, encode
from durable_runtime.store.arrays import int4s, int8s, jsons, texts, times
from durable_runtime.store.protocol import Commit, End, ExecutionRow, Row, Suspend


def json_or_none(text: str | None) -> Json:
    return None if text is None else decode(text)


def checkpoint_of(row: Row) -> Checkpoint:
    """Reads (seq, path, kind, attempt, result, error, due_at, started_at, finished_at)."""
    seq, path, kind, attempt, result, error, due_at, started_at, finished_at = row
    return Checkpoint(
        seq=seq,
        path=path,
        kind=kind,
        attempt=attempt,
        result=json_or_none(result),
        error=error_of(json_or_none(error)),
        due_at=due_at,
        started_at=started_at,
        finished_at=finished_at,
    )


def error_of(value: Json) -> ErrorValue | None:
    if value is None:
        return None
    return ErrorValue(
        type=value["type"],
        message=value["message"],
        data=value.get("data"),
        node=value.get("node"),
        attempt=value.get("attempt", 1),
    )


def execution_of(row: Row) -> ExecutionRow:
    """Reads the columns of `get_execution` and `list_executions`."""
    return ExecutionRow(
        id=row[0],
        workflow=row[1],
        version=row[2],
        label=row[3],
        status=row[4],
        paused=row[5],
        queue=row[6],
        priority=row[7],
        input=json_or_none(row[8]),
        output=json_or_none(row[9]),
        error=json_or_none(row[10]),
        created_at=row[11],
        scheduled_at=row[12],
        started_at=row[13],
        finished_at=row[14],
        recoveries=row[15],
        key=row[16],
        definition_id=row[17],
    )


def result_text(checkpoint: Checkpoint) -> bytes | None:
    """Gives the JSON text that is stored for a checkpoint's result; None where nothing is."""
    if checkpoint.kind == "collected" or checkpoint.result is None:
        return None
    return checkpoint.encoded if checkpoint.encoded is not None else encode(checkpoint.result)[0]


def error_text(error: ErrorValue | None) -> bytes | None:
    return encode(error.as_json())[0] if error is not None else None


def checkpoint_columns(commits: Sequence[Commit]) -> dict[str, Any]:
    """Gives the columns of all checkpoints of a batch."""
    rows = [(commit.key, checkpoint) for commit in commits for checkpoint in commit.checkpoints]
    return {
        "execution_ids": int8s([key for key, _checkpoint in rows]),
        "seqs": int4s([checkpoint.seq for _key, checkpoint in rows]),
        "paths": texts([checkpoint.path for _key, checkpoint in rows]),
        "kinds": texts([checkpoint.kind for _key, checkpoint in rows]),
        "attempts": int4s([checkpoint.attempt for _key, checkpoint in rows]),
        "results": jsons([result_text(checkpoint) for _key, checkpoint in rows]),
        "errors": jsons([error_text(checkpoint.error) for _key, checkpoint in rows]),
        "due_ats": times([checkpoint.due_at for _key, checkpoint in rows]),
        "started_ats": times([checkpoint.started_at for _key, checkpoint in rows]),
        "finished_ats": times([checkpoint.finished_at for _key, checkpoint in rows]),
    }


def move_columns(commits: Sequence[Commit]) -> dict[str, Any]:
    """Gives the columns of the executions of a batch that suspend or end, and of the waits they leave."""
    moving = [commit for commit in commits if commit.move is not None]
    ends = [commit.move if isinstance(commit.move, End) else None for commit in moving]
    waits = [
        (commit.key, timer) for commit in moving if isinstance(commit.move, Suspend) for timer in commit.move.timers
    ]
    return {
        "move_ids": int8s([commit.key for commit in moving]),
        "seen": int4s([commit.seen for commit in moving]),
        "statuses": texts([end.status if end is not None else "waiting" for end in ends]),
        "outputs": jsons([end.output if end is not None else None for end in ends]),
        "move_errors": jsons([end.error if end is not None else None for end in ends]),
        "ended_ats": times([end.at if end is not None else None for end in ends]),
        "wait_ids": int8s([key for key, _timer in waits]),
        "wait_paths": texts([timer.path for _key, timer in waits]),
        "wait_kinds": texts([timer.kind for _key, timer in waits]),
        "wait_due_ats": times([timer.due_at for _key, timer in waits]),
    }


def log_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the log lines of a batch, or None when it has none."""
    rows = [
        (commit.key, checkpoint, checkpoint.log)
        for commit in commits
        for checkpoint in commit.checkpoints
        if checkpoint.log is not None
    ]
    if not rows:
        return None
    return {
        "execution_ids": int8s([key for key, _checkpoint, _line in rows]),
        "paths": texts([checkpoint.path for _key, checkpoint, _line in rows]),
        "attempts": int4s([checkpoint.attempt for _key, checkpoint, _line in rows]),
        "messages": texts([line for _key, _checkpoint, line in rows]),
        "ats": times([checkpoint.finished_at for _key, checkpoint, _line in rows]),
    }
