"""From a batch of commits to the columns that its statement takes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from durable_runtime.core.checkpoints import Checkpoint, Snapshot
from durable_runtime.core.values import encode
from durable_runtime.store.arrays import int4s, int8s, jsons, texts, texts_or_nulls, times, uuids
from durable_runtime.store.messages import Sought
from durable_runtime.store.protocol import Commit, End, NewExecution, Suspend
from durable_runtime.store.rows import error_text, log_lines, result_text
from durable_runtime.store.seen import LogLine


def checkpoint_columns(commits: Sequence[Commit]) -> dict[str, Any]:
    """Gives the columns of all checkpoints of a batch."""
    rows = [checkpoint for commit in commits for checkpoint in commit.checkpoints]
    # By `map`, which calls no Python for a value: ten columns of each step pass here.
    return {
        "execution_ids": int8s([commit.key for commit in commits for _checkpoint in commit.checkpoints]),
        "seqs": int4s(list(map(_SEQ, rows))),
        "paths": texts(list(map(_PATH, rows))),
        "kinds": texts(list(map(_KIND, rows))),
        "attempts": int4s(list(map(_ATTEMPT, rows))),
        "results": jsons(list(map(result_text, rows))),
        "errors": jsons([error_text(error) for error in map(_ERROR, rows)]),
        "due_ats": times(list(map(_DUE_AT, rows))),
        "started_ats": times(list(map(_STARTED_AT, rows))),
        "finished_ats": times(list(map(_FINISHED_AT, rows))),
    }


_SEQ, _PATH, _KIND, _ATTEMPT = (attrgetter(name) for name in ("seq", "path", "kind", "attempt"))
_ERROR, _DUE_AT, _STARTED_AT, _FINISHED_AT = (
    attrgetter(name) for name in ("error", "due_at", "started_at", "finished_at")
)


def checkpoint_values(key: int, checkpoint: Checkpoint) -> dict[str, Any]:
    """Gives the same of a single checkpoint: plain values."""
    return {
        "execution_id": key,
        "seq": checkpoint.seq,
        "path": checkpoint.path,
        "kind": checkpoint.kind,
        "attempt": checkpoint.attempt,
        "result": result_text(checkpoint),
        "error": error_text(checkpoint.error),
        "due_at": checkpoint.due_at,
        "started_at": checkpoint.started_at,
        "finished_at": checkpoint.finished_at,
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


def start_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the executions that a batch starts, or None when it starts none."""
    rows = [(commit.key, child, child.execution) for commit in commits for child in commit.starts]
    if not rows:
        return None
    return {
        "public_ids": texts([new.public_id for _key, _child, new in rows]),
        "definition_ids": int8s([new.definition_id for _key, _child, new in rows]),
        "workflows": texts([new.workflow for _key, _child, new in rows]),
        "queues": texts([new.queue for _key, _child, new in rows]),
        "priorities": int4s([new.priority for _key, _child, new in rows]),
        "inputs": jsons([new.input for _key, _child, new in rows]),
        "keys": texts_or_nulls([new.key for _key, _child, new in rows]),
        "parents": int8s([key for key, _child, _new in rows]),
        "paths": texts([child.path for _key, child, _new in rows]),
        "attached": int4s([child.attached for _key, child, _new in rows]),
        "awaited": int4s([child.awaited for _key, child, _new in rows]),
    }


def send_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the requests that a batch sends to other executions, or None when it sends none."""
    sends = [(commit.key, send) for commit in commits for send in commit.sends]
    if not sends:
        return None
    # They arrive in the order in which they were sent, whichever way they are addressed.
    single = [(number, send.to, send) for number, (_key, send) in enumerate(sends) if send.to is not None]
    family = [(number, key, send) for number, (key, send) in enumerate(sends) if send.to is None]
    return {
        "targets": texts([target for _number, target, _send in single]),
        "kinds": texts([send.kind for _number, _target, send in single]),
        "payloads": jsons([send.payload for _number, _target, send in single]),
        "numbers": int4s([number for number, _target, _send in single]),
        "family_of": int8s([key for _number, key, _send in family]),
        "family_kinds": texts([send.kind for _number, _key, send in family]),
        "family_payloads": jsons([send.payload for _number, _key, send in family]),
        "family_numbers": int4s([number for number, _key, _send in family]),
    }


def emit_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the events that a batch sends by key, or None when it sends none."""
    emits = [emit for commit in commits for emit in commit.emits]
    if not emits:
        return None
    return {
        "names": texts([emit.name for emit in emits]),
        "keys": texts([emit.key for emit in emits]),
        "payloads": jsons([emit.payload for emit in emits]),
    }


def publish_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the values that a batch publishes, or None when it publishes none."""
    rows = [
        (commit.key, checkpoint, name, value)
        for commit in commits
        for checkpoint in commit.checkpoints
        if checkpoint.published is not None
        for name, value in checkpoint.published.items()
    ]
    if not rows:
        return None
    return {
        "execution_ids": int8s([key for key, _checkpoint, _name, _value in rows]),
        "names": texts([name for _key, _checkpoint, name, _value in rows]),
        "seqs": int4s([checkpoint.seq for _key, checkpoint, _name, _value in rows]),
        "paths": texts([checkpoint.path for _key, checkpoint, _name, _value in rows]),
        "published": jsons([encode(value)[0] for _key, _checkpoint, _name, value in rows]),
        "ats": times([checkpoint.finished_at for _key, checkpoint, _name, _value in rows]),
    }


def stream_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of what a batch writes into streams, or None when it writes nothing."""
    rows = [(commit.key, written) for commit in commits for written in commit.writes]
    if not rows:
        return None
    return {
        "execution_ids": int8s([key for key, _written in rows]),
        "names": texts([written.name for _key, written in rows]),
        "paths": texts([written.path for _key, written in rows]),
        "sinces": int4s([written.since for _key, written in rows]),
        "attempts": int4s([written.attempt for _key, written in rows]),
        "agains": int4s([written.again for _key, written in rows]),
        "numbers": int4s([written.number for _key, written in rows]),
        "written": jsons([written.value for _key, written in rows]),
        "ats": times([written.at for _key, written in rows]),
    }


def sought_columns(wanted: Sequence[Sought]) -> dict[str, Any]:
    """Gives the columns of events that are looked for."""
    known = [(each.execution, event) for each in wanted for event in each.known]
    return {
        "execution_ids": int8s([each.execution for each in wanted]),
        "names": texts([each.name for each in wanted]),
        "keys": texts([each.key for each in wanted]),
        "befores": int8s([each.before for each in wanted]),
        "uptos": int8s([each.upto for each in wanted]),
        "knowing": int8s([execution for execution, _event in known]),
        "known": int8s([event for _execution, event in known]),
    }


def log_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the log lines of a batch, or None when it has none."""
    rows = [(commit.key, line) for commit in commits for line in log_lines(commit)]
    return line_columns(rows) if rows else None


def line_columns(rows: Sequence[tuple[int, LogLine]]) -> dict[str, Any]:
    """Gives the columns of log lines, each with its execution."""
    return {
        "execution_ids": int8s([key for key, _line in rows]),
        "paths": texts([line.path for _key, line in rows]),
        "attempts": int4s([line.attempt for _key, line in rows]),
        "levels": texts([line.level for _key, line in rows]),
        "messages": texts([line.message for _key, line in rows]),
        "ats": times([line.at for _key, line in rows]),
    }


def progress_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of what attempts of a batch said of their progress, or None when none did."""
    rows = [(commit.key, progress) for commit in commits for progress in commit.progress]
    if not rows:
        return None
    return {
        "execution_ids": int8s([key for key, _progress in rows]),
        "paths": texts([progress.path for _key, progress in rows]),
        "attempts": int4s([progress.attempt for _key, progress in rows]),
        "progresses": jsons([progress.progress for _key, progress in rows]),
        "ats": times([progress.at for _key, progress in rows]),
    }


def fork_parameters(
    source: int, new: NewExecution, upto: int, forked: Checkpoint, base: Snapshot | None
) -> dict[str, Any]:
    """Gives the parameters of `fork_execution`."""
    return {
        "source": source,
        "upto": upto,
        "public_id": new.public_id,
        "definition_id": new.definition_id,
        "workflow": new.workflow,
        "queue": new.queue,
        "priority": new.priority,
        "input": new.input.decode(),
        "key": new.key,
        "headers": None if new.headers is None else new.headers.decode(),
        "forked": encode(forked.result)[0].decode(),
        "forked_at": forked.finished_at,
        "base_seq": 0 if base is None else base.seq,
        "format": "" if base is None else base.format,
        "version": "" if base is None else base.version,
        "state": None if base is None else base.state.decode(),
    }


def insert_columns(executions: Sequence[NewExecution], *, keyed: bool) -> dict[str, Any]:
    """Gives the columns of executions to be started, with those of their keys if they have any."""
    columns = {
        "public_ids": uuids([execution.public_id for execution in executions]),
        "definition_ids": int8s([execution.definition_id for execution in executions]),
        "workflows": texts([execution.workflow for execution in executions]),
        "queues": texts([execution.queue for execution in executions]),
        "priorities": int4s([execution.priority for execution in executions]),
        "inputs": jsons([execution.input for execution in executions]),
        "scheduled_ats": times([execution.scheduled_at for execution in executions]),
        "headers": jsons([execution.headers for execution in executions]),
    }
    return {**columns, "keys": texts_or_nulls([execution.key for execution in executions])} if keyed else columns


def open_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the waits that a batch opens, or None when it opens none."""
    rows = [(commit.key, wait) for commit in commits for wait in commit.opens]
    if not rows:
        return None
    return {
        "execution_ids": int8s([key for key, _wait in rows]),
        "paths": texts([wait.path for _key, wait in rows]),
        "labels": texts([wait.label for _key, wait in rows]),
        "kinds": texts([wait.kind for _key, wait in rows]),
        "names": texts_or_nulls([wait.name for _key, wait in rows]),
        "keys": texts_or_nulls([wait.key for _key, wait in rows]),
        "details": jsons([encode(wait.detail)[0] for _key, wait in rows]),
        "opened_ats": times([wait.opened_at for _key, wait in rows]),
        "due_ats": times([wait.due_at for _key, wait in rows]),
    }


def close_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the waits that a batch closes, or None when it closes none."""
    rows = [(commit.key, *place) for commit in commits for place in commit.closes]
    if not rows:
        return None
    return {
        "execution_ids": int8s([key for key, _path, _label in rows]),
        "paths": texts([path for _key, path, _label in rows]),
        "labels": texts([label for _key, _path, label in rows]),
    }


def snapshot_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of what a batch does to snapshots, or None when it does nothing."""
    changes = [(commit.key, commit.snapshots) for commit in commits if commit.snapshots is not None]
    if not changes:
        return None
    added = [change.snapshot for _key, change in changes]
    return {
        "execution_ids": int8s([key for key, _change in changes]),
        "keeps": int4s([change.keeps for _key, change in changes]),
        "seqs": int4s([0 if one is None else one.seq for one in added]),
        "formats": texts(["" if one is None else one.format for one in added]),
        "versions": texts(["" if one is None else one.version for one in added]),
        "states": jsons([None if one is None else one.state for one in added]),
        "pruned": int4s([one is not None and one.pruned for one in added]),
    }


def prune_columns(commits: Sequence[Commit]) -> dict[str, Any] | None:
    """Gives the columns of the turns that go with a batch, or None when none does."""
    changes = [(commit.key, commit.snapshots) for commit in commits if commit.snapshots is not None]
    rows = [(key, change.keeps, prune) for key, change in changes for prune in change.prunes]
    if not rows:
        return None
    spared = [(key, seq) for key, _keeps, prune in rows for seq in prune.spared]
    return {
        "execution_ids": int8s([key for key, _keeps, _prune in rows]),
        "keeps": int4s([keeps for _key, keeps, _prune in rows]),
        "paths": texts([prune.path for _key, _keeps, prune in rows]),
        "sinces": int4s([prune.since for _key, _keeps, prune in rows]),
        "firsts": int4s([prune.first for _key, _keeps, prune in rows]),
        "sparing": int8s([key for key, _seq in spared]),
        "spared": int4s([seq for _key, seq in spared]),
    }


def rest_of(commits: Sequence[Commit]) -> list[tuple[str, dict[str, Any]]]:
    """Gives what belongs to checkpoints and is stored elsewhere: names of statements and their parameters, in order.

    What is sent comes after what is started: a parent that ends in the same commit reaches its children.
    """
    starts = start_columns(commits)
    has_keys = any(child.execution.key is not None for commit in commits for child in commit.starts)
    columns = [
        ("write_logs", log_columns(commits)),
        ("write_progress", progress_columns(commits)),
        ("close_waits", close_columns(commits)),
        ("open_waits", open_columns(commits)),
        ("start_children", starts),
        ("attach", starts if has_keys else None),
        ("send", send_columns(commits)),
        ("emit", emit_columns(commits)),
        ("prune_turns", prune_columns(commits)),
        ("write_snapshots", snapshot_columns(commits)),
        ("publish", publish_columns(commits)),
        ("write_streams", stream_columns(commits)),
    ]
    found = [(name, parameters) for name, parameters in columns if parameters is not None]
    requests = [request for commit in commits for request in commit.requests]
    return [*found, ("drop_requests", {"ids": requests})] if requests else found


def has_more(commit: Commit) -> bool:
    """Tells whether a commit writes beside its checkpoints and its move."""
    return any(_REST(commit)) or _shows(commit.checkpoints)


_REST = attrgetter("requests", "opens", "closes", "starts", "sends", "emits", "logs", "progress", "writes", "snapshots")


def _shows(checkpoints: list[Checkpoint]) -> bool:
    if len(checkpoints) == 1:
        return checkpoints[0].log is not None or checkpoints[0].published is not None
    return any(checkpoint.log is not None or checkpoint.published is not None for checkpoint in checkpoints)
