"""What a commit writes in memory, and what PostgreSQL would refuse of it."""

from __future__ import annotations

from typing import assert_never

import msgspec

from durable_runtime.core.checkpoints import Prune
from durable_runtime.core.values import decode
from durable_runtime.store.protocol import Commit, End, StatementRefused, Suspend
from durable_runtime.store.rows import error_text, log_lines, result_text
from durable_runtime.store.seen import PublishedValue
from durable_runtime.testing.tables import Awaited, Rows, Wait


def reason_against(text: bytes | None) -> str | None:
    """Tells why a text is not JSON, or gives None."""
    if text is None:
        return None
    try:
        decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return f"invalid input syntax for type json: {error}"
    return None


def check_texts(commit: Commit) -> None:
    """Raises `StatementRefused` for what fails when the parameters are read, whatever the outcome would be."""
    texts = [result_text(checkpoint) for checkpoint in commit.checkpoints]
    if isinstance(commit.move, End):
        texts += [commit.move.output, commit.move.error]
    texts += [child.execution.input for child in commit.starts] + [send.payload for send in commit.sends]
    for reason in map(reason_against, texts):
        if reason is not None:
            raise StatementRefused(reason)
    if any("\x00" in checkpoint.path for checkpoint in commit.checkpoints):
        raise StatementRefused("a text holds a NUL character")


def check(rows: Rows, commit: Commit) -> None:
    """Raises `StatementRefused` for what fails when it is written."""
    numbers = [checkpoint.seq for checkpoint in commit.checkpoints]
    if len(set(numbers)) < len(numbers) or rows.checkpoints.get(commit.key, {}).keys() & set(numbers):
        raise StatementRefused(f"execution {commit.key} has a checkpoint with this number already")
    if any("\x00" in line.message for line in log_lines(commit)):
        raise StatementRefused("a text holds a NUL character")


def _prune(rows: Rows, key: int, keeps: int, prune: Prune) -> bool:
    """Drops the turns that had ended before a snapshot, if that is there."""
    stored = rows.checkpoints[key]
    first = [
        seq
        for seq, row in stored.items()
        if prune.since < seq <= keeps and row[1:3] == (prune.path, "turned") and row[4] == str(prune.first)
    ]
    if not first or keeps not in rows.snapshots.get(key, {}):
        return False
    for seq in [seq for seq in stored if prune.since < seq < max(first) and seq not in prune.spared]:
        path, kind = stored[seq][1:3]
        of_loop = path == prune.path and kind in ("turned", "waiting", "answered")
        if of_loop or path.startswith(f"{prune.path}#") or path in (f"{prune.path}/while", f"{prune.path}/until"):
            del stored[seq]
    return True


def apply(rows: Rows, commit: Commit) -> None:
    """Writes checkpoints, log lines, and what becomes of the execution."""
    stored = rows.checkpoints.setdefault(commit.key, {})
    for checkpoint in commit.checkpoints:
        result, error = result_text(checkpoint), error_text(checkpoint.error)
        stored[checkpoint.seq] = (
            checkpoint.seq,
            checkpoint.path,
            checkpoint.kind,
            checkpoint.attempt,
            result.decode() if result is not None else None,
            error.decode() if error is not None else None,
            checkpoint.due_at,
            checkpoint.started_at,
            checkpoint.finished_at,
        )
    if commit.snapshots is not None:
        change = commit.snapshots
        kept = {seq: one for seq, one in rows.snapshots.get(commit.key, {}).items() if seq == change.keeps}
        for prune in change.prunes:
            if _prune(rows, commit.key, change.keeps, prune):
                kept = {seq: msgspec.structs.replace(one, pruned=True) for seq, one in kept.items()}
        if change.snapshot is not None:
            kept[change.snapshot.seq] = change.snapshot
        rows.snapshots[commit.key] = kept
    rows.logs.setdefault(commit.key, []).extend(log_lines(commit))
    for checkpoint in commit.checkpoints:
        for name, value in (checkpoint.published or {}).items():
            shown = PublishedValue(name=name, value=value, path=checkpoint.path, at=checkpoint.finished_at)
            rows.values.setdefault(commit.key, []).append((checkpoint.seq, shown))
    for written in commit.writes:
        position = (written.name, written.path, written.since, written.attempt, written.again, written.number)
        rows.streams.setdefault(commit.key, {}).setdefault(position, (rows.next_id("stream"), written))
    for told in commit.progress:
        place = (commit.key, told.path)
        if told.progress is None:
            rows.progress.pop(place, None)
        else:
            rows.progress[place] = (told.progress, told.at)
    for path, label in commit.closes:
        rows.open_waits.pop((commit.key, path, label), None)
    for wait in commit.opens:
        rows.open_waits.setdefault((commit.key, *wait.place), Awaited(wait))
    match commit.move:
        case None:
            return
        case Suspend(timers=timers):
            one = rows.executions[commit.key]
            one.status, one.owner, one.recoveries = "waiting", None, 0
            for timer in timers:
                wait_id = rows.next_id("wait")
                rows.waits[wait_id] = Wait(wait_id, commit.key, timer.path, timer.kind, timer.due_at)
        case End() as end:
            one = rows.executions[commit.key]
            one.status, one.owner, one.finished_at = end.status, None, end.at
            one.output = end.output.decode() if end.output is not None else None
            one.error = end.error.decode() if end.error is not None else None
        case _:
            assert_never(commit.move)
