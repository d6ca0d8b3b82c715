"""Between rows and values: what the columns of a row mean, and the texts that values are stored as."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json, Snapshot
from durable_runtime.core.values import decode, encode
from durable_runtime.store.histories import History
from durable_runtime.store.protocol import Claimed, Commit, ExecutionRow, Row
from durable_runtime.store.seen import LogLine, PendingWait


def public_id_of(text: str) -> str | None:
    """Gives the id as it is stored, or None for a text that is no id at all: no execution has it."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


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


def histories_of(keys: Collection[int], rows: Iterable[Row]) -> dict[int, History]:
    """Reads the rows of `load_histories`: of each execution its snapshot first, in the columns of a checkpoint."""
    found = {key: History(None, []) for key in keys}
    for key, *row, _place in rows:
        if row[2] == "snapshot":
            found[key] = History(snapshot_of(row), [])
        else:
            found[key].checkpoints.append(checkpoint_of(tuple(row)))
    return found


def snapshot_of(row: Sequence[Any]) -> Snapshot:
    """Reads (seq, format, _, pruned, state, version), as `load_histories` gives them."""
    return Snapshot(seq=row[0], format=row[1], version=row[5], state=row[4].encode(), pruned=bool(row[3]))


def error_of(value: Json) -> ErrorValue | None:
    if value is None:
        return None
    return ErrorValue(
        type=value["type"],
        message=value["message"],
        data=value.get("data"),
        node=value.get("node"),
        attempt=value.get("attempt", 1),
        names=tuple(value.get("names", ())),
        undone=value.get("undone", 0),
        not_undone=value.get("not_undone", 0),
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
        user_key=row[18],
        headers=json_or_none(row[19]) or {},
        parent_id=row[20],
        parent_path=row[21],
        depth=row[22],
        attached=row[23],
    )


def pending_of(row: Row) -> PendingWait:
    """Reads the columns of `list_pending`."""
    return PendingWait(
        execution_id=row[0],
        workflow=row[1],
        path=row[2],
        label=row[3],
        kind=row[4],
        name=row[5],
        key=row[6],
        detail=decode(row[7]),
        opened_at=row[8],
        due_at=row[9],
        answered=row[10],
    )


def result_text(checkpoint: Checkpoint) -> bytes | None:
    """Gives the JSON text that is stored for a checkpoint's result; None where nothing is."""
    if checkpoint.kind == "collected" or checkpoint.result is None:
        return None
    return checkpoint.encoded if checkpoint.encoded is not None else encode(checkpoint.result)[0]


def log_lines(commit: Commit) -> list[LogLine]:
    """Gives the lines that a commit adds to its execution's log: those of attempts, then those of checkpoints.

    Of these, `log` steps have information, and what meets an event has a warning.
    """
    return [
        *commit.logs,
        *(
            LogLine(
                path=one.path,
                attempt=one.attempt,
                level="info" if one.kind == "completed" else "warning",
                message=one.log,
                at=one.finished_at,
            )
            for one in commit.checkpoints
            if one.log is not None
        ),
    ]


def error_text(error: ErrorValue | None) -> bytes | None:
    return encode(error.as_stored())[0] if error is not None else None


def claimed_of(row: Row) -> Claimed:
    """Reads a row of a claim."""
    return Claimed(
        key=row[3],
        id=row[4],
        definition_id=row[5],
        workflow=row[6],
        queue=row[7],
        signal=row[8],
        recoveries=row[9],
        input=None if row[10] is None else decode(row[10]),
        created_at=row[11],
        scheduled_at=row[12],
        started_at=row[13],
        fresh=row[14],
        parent_id=row[15],
        parent_path=row[16],
        depth=row[17],
        awaited=row[18],
    )


def error_as_seen(stored: str | None) -> Json:
    """Gives an error as workflows see it; what is stored tells more."""
    error = error_of(json_or_none(stored))
    return None if error is None else error.as_json()
