"""Why an execution is where it is, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_never

from durable_dsl.graph import Call, Decision, Step
from durable_runtime.core.awaiting import Awaiting, Slot
from durable_runtime.core.calls import Calling, Retrying, Underway, Waiting
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.fitting import misfits
from durable_runtime.core.program import Program, id_of
from durable_runtime.core.state import (
    Catching,
    Closing,
    Each,
    Forked,
    Frame,
    Inside,
    State,
    Turning,
    Undoing,
    frames_of,
    held_by,
    held_path,
)
from durable_runtime.store.protocol import ALONE_FROM, TERMINAL, ExecutionRow
from durable_runtime.store.standing import Standing

MOST = 5
"""Nodes that are told of one by one."""


def explain(
    program: Program, state: State, history: list[Checkpoint], row: ExecutionRow, standing: Standing
) -> list[str]:
    """Gives what there is to say, the most important first."""
    if row.status in TERMINAL:
        return [_end(row, state)]
    if standing.is_locked:
        return [
            "another transaction holds its row, so nothing can come of it until that ends; "
            "look for sessions that are 'idle in transaction'"
        ]
    said = list(_asked(row, state, history, standing))
    if row.status == "running":
        return [*said, *_running(row, state, history, standing)]
    if row.paused or state.paused is not None:
        return said
    if row.status == "pending":
        return [*said, *_pending(program, row, standing)]
    deferred = _deferred(program, standing)
    if deferred:
        return [*said, deferred]
    return [*said, *_some(_waits(state, history)), *_some(iter(misfits(program, state, state.mailbox.letters)))]


def _end(row: ExecutionRow, state: State) -> str:
    at = f"at {told(row.finished_at)}"
    if row.status == "completed":
        return f"it completed {at}"
    error = row.error or {}
    if row.status == "cancelled":
        who = (state.cancelled or error.get("data") or {}).get("by")
        return f"it was cancelled {at}{f' by {who}' if who else ''}: {error.get('message')}"
    where = f" at the node '{error['node']}'" if error.get("node") else ""
    what = f"{error.get('type')}: {error.get('message')}"
    if row.status == "failed":
        return f"it failed {at}{where}: {what}; a retry lets it go on from there"
    undone = "undone" if row.status == "compensated" else "undone in part"
    return f"it failed{where}: {what}, and what it had completed was {undone}, {at}"


def _asked(row: ExecutionRow, state: State, history: list[Checkpoint], standing: Standing) -> Iterator[str]:
    """Yields what others asked of it."""
    if state.cancelled is not None or "cancel" in standing.unread:
        yield "it is being cancelled"
    elif row.paused and state.paused is None:
        yield "it is to be paused, which its worker has yet to see"
    elif state.paused is not None:
        at = next((one.finished_at for one in reversed(history) if one.kind == "paused"), state.now)
        who, why = state.paused.get("by"), state.paused.get("reason")
        yield f"it was paused{f' by {who}' if who else ''} at {told(at)}{f': {why}' if why else ''}"
        if not row.paused:
            yield "it is to be resumed, which its worker has yet to see"


def _running(row: ExecutionRow, state: State, history: list[Checkpoint], standing: Standing) -> Iterator[str]:
    if standing.lease_ended or standing.worker is None:
        yield f"its worker {standing.worker or ''} was lost; another one takes it over within seconds".replace(
            "  ", " "
        )
        return
    yield f"the worker {standing.worker} has it"
    nodes = [_run(frame, state, standing.now) for _keys, frame in frames_of(state.root) if _may_run(frame)]
    yield from _some(iter(nodes))
    yield from _some(_waits(state, history))


def _may_run(frame: Frame) -> bool:
    here = not frame.ended and frame.error is None
    return here and (frame.opening is None or (isinstance(frame.opening, Underway) and frame.opening.wait is None))


def _run(frame: Frame, state: State, now: datetime) -> str:
    since = max(0, round((now - state.now).total_seconds()))
    return f"'{frame.path}' runs, {since} s after what was stored last"


def _pending(program: Program, row: ExecutionRow, standing: Standing) -> Iterator[str]:
    start = next((due for kind, _path, due in standing.waits if kind == "start"), None)
    if start is not None:
        yield f"it is scheduled to begin at {told(start)}"
        return
    queue = f"it waits in the queue '{row.queue}'"
    if not standing.workers:
        yield f"{queue}, and no worker is running: start one with `durable worker`"
    elif not standing.serving:
        yield f"{queue}, and none of the {standing.workers} workers that are running serves it"
    elif row.recoveries >= ALONE_FROM:
        yield f"its workers were lost {row.recoveries} times in a row, so it waits for one that runs nothing else"
    elif standing.limit is not None and standing.running >= standing.limit:
        yield f"{queue}, which is full: {standing.running} of {standing.limit} run, and {standing.before} are before it"
    else:
        yield f"{queue} with {standing.before} before it, and a worker that has room takes it"


def _deferred(program: Program, standing: Standing) -> str | None:
    for kind, path, due_at in standing.waits:
        if kind != "defer":
            continue
        again = f"workers are asked again at {told(due_at)}"
        if not path:
            return f"no worker could read its definition or its history; {again}"
        call = _call(program, path)
        return f"no worker has {call} of the node '{path}'; {again}"
    return None


def _call(program: Program, path: str) -> str:
    node = program.nodes.get(id_of(path))
    match node.graph if node is not None else None:
        case Step(action=Call(function=function)) | Decision(call=str() as function):
            return f"the function {function}"
        case _:
            return "what is needed for a step"


def _waits(state: State, history: list[Checkpoint]) -> Iterator[str]:
    """Yields what each open node waits for, or the call that its function is left at."""
    deadlines = [state.deadline_at] if state.deadline_at is not None and state.root.error is None else []
    for _keys, frame in frames_of(state.root):
        if frame.ended or frame.error is not None:
            continue
        path = held_path(frame)
        match held_by(frame):
            case Retrying() as retrying:
                yield _retry(path, retrying, history)
            case Waiting(due_at=due_at, times_out=times_out):
                yield f"'{path}' waits until {told(due_at)}{', when it times out' if times_out else ''}"
            case Calling(started_at=started_at) as calling:
                yield f"'{path}' waits for the execution {calling.execution} since {told(started_at)}"
            case Awaiting(slots=slots, opened_at=opened_at, times_out_at=times_out_at):
                wanted = " and ".join(map(_wanted, slots.values())) or "nothing more"
                ends = f", until {told(times_out_at)}" if times_out_at is not None else ""
                yield f"'{path}' waits for {wanted} since {told(opened_at)}{ends}"
            case Turning(frame=inner, due_at=due_at, turn=turn):
                if inner is None and due_at is not None:
                    yield f"turn {turn + 1} of '{frame.path}' begins at {told(due_at)}"
            case None | Underway() | Inside() | Forked() | Each() | Catching() | Closing() | Undoing():
                pass
            case _ as opening:
                assert_never(opening)
    for deadline_at in deadlines:
        yield f"its timeout is at {told(deadline_at)}"


def _wanted(slot: Slot) -> str:
    """Names what a slot waits for."""
    spec = slot.spec
    if "event" in spec:
        key = f" with the key '{spec['key']}'" if spec.get("key") is not None else ""
        return f"the event '{spec['event']}'{key}"
    if "ask" in spec:
        return f"an answer ({spec['prompt']})" if spec.get("prompt") else "an answer"
    return f"the time {told(slot.due_at)}"


def _retry(path: str, retrying: Retrying, history: list[Checkpoint]) -> str:
    failed = next((one for one in reversed(history) if one.path == path and one.kind == "retrying"), None)
    error = failed.error if failed is not None else None
    why = f" failed with {error.type}: {error.message}" if error is not None else " failed"
    return f"'{path}'{why}; attempt {retrying.attempt} begins at {told(retrying.retry_at)}"


def _some(sentences: Iterator[str]) -> Iterator[str]:
    """Yields the first few, and how many there are beside them."""
    every = list(sentences)
    yield from every[:MOST]
    if len(every) > MOST:
        yield f"and {len(every) - MOST} more"


def told(at: datetime | None) -> str:
    """Gives an instant for people."""
    return "an unknown time" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
