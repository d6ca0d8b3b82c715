"""Executions that a step starts: which ones, and what their ends mean for the step. Pure.

A child is stored in the transaction of the checkpoint that says so. Its id is made of the parent's id, the place and
the number of that checkpoint, so whatever happens to the answer, there is one child for one checkpoint.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from durable_dsl import graph as g
from durable_runtime.core.calls import Calling, Retrying, Underway
from durable_runtime.core.catching import catch
from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.commands import Abandon, Command, Record, StartChild
from durable_runtime.core.environment import as_text, environment, span_of
from durable_runtime.core.outcomes import Failure, completed, error_of, expects, settle_failure
from durable_runtime.core.program import Program
from durable_runtime.core.state import Closing, Frame, State, Undoing, chain_to, frames_of, held_by, held_path
from durable_runtime.core.undoing import locate

MAX_DEPTH = 50
"""How many executions may stand above a child: a workflow that starts itself must end somewhere."""


def call(program: Program, state: State, chain: list[Frame], keys: Keys, attempt: int) -> StartChild:
    """Asks for the child of a `workflow` or `start` step."""
    frame = chain[-1]
    node, graph = frame.node, frame.node.graph
    assert isinstance(graph, g.Step)
    assert isinstance(graph.action, g.Child | g.Start)
    assert node.values is not None
    names = environment(program, state, chain)
    values = node.values.render(names, now=state.now)
    waits = isinstance(graph.action, g.Child)
    return StartChild(
        path=frame.path,
        node=node.id,
        keys=keys,
        workflow=graph.action.workflow,
        attempt=attempt,
        input=values["with"],
        key=as_text(values["key"]) if values["key"] is not None else None,
        queue=graph.action.queue,
        attached=waits or (isinstance(graph.action, g.Start) and graph.action.attached),
        awaited=waits,
        timeout=span_of(node.timeout, names, state) if node.timeout is not None else None,
        began_at=state.now,
    )


def child_id(parent_id: str, path: str, attempt: int, seq: int) -> str:
    """Gives the id of a child: a UUID of version 8 made of the checkpoint that starts it.

    The number is part of it because a place may be reached again: by a jump, or after a failed execution was taken up.
    """
    digest = hashlib.sha256(f"{parent_id}/{path}/{attempt}/{seq}".encode()).digest()
    bits = int.from_bytes(digest[:16], "big")
    bits = bits & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def child_started(
    program: Program, state: State, start: StartChild, *, started_at: datetime, at: datetime
) -> tuple[Checkpoint, str] | None:
    """Gives the checkpoint that goes with a new child, and the child's id; None when nobody wants it any more.

    A `start` is over with that. One with a key waits to be told which execution has the key. While the execution is
    paused nothing is started: that is decided again when it is resumed.
    """
    chain = chain_to(state, start.keys)
    if chain is None or state.paused is not None or not expects(chain[-1], start.path, start.attempt):
        return None
    id = child_id(state.execution["id"], start.path, start.attempt, state.seq + 1)
    if not start.awaited and start.key is None:
        done = completed(program, state, chain, start.keys, id, at=at, attempt=start.attempt, started_at=started_at)
        return catch(program, state, done), id
    checkpoint = Checkpoint(
        path=start.path,
        kind="waiting",
        keys=start.keys,
        attempt=start.attempt,
        result={"child": id, "workflow": start.workflow},
        due_at=at + start.timeout if start.timeout is not None else None,
        started_at=started_at,
        finished_at=at,
    )
    return checkpoint, id


def await_child(frame: Frame, checkpoint: Checkpoint) -> Frame:
    """Gives a frame whose step waits for the child that a checkpoint started."""
    started_at = checkpoint.started_at or checkpoint.finished_at
    first_at = frame.opening.first_at if isinstance(frame.opening, Retrying) else started_at
    calling = Calling(
        id=checkpoint.result["child"],
        attempt=checkpoint.attempt,
        started_at=started_at,
        first_at=first_at,
        deadline_at=checkpoint.due_at,
    )
    return msgspec.structs.replace(frame, opening=calling)


def child_told(program: Program, state: State, payload: Json, now: datetime) -> Checkpoint | None:
    """Gives the checkpoint that follows from what a child told; None when its step does not wait for it any more, or
    the execution is about to end: a child that is cancelled with its parent would be begun again.

    `call` is the id that the step waits under, `id` the execution's own: another one where a key was taken.
    """
    ends = state.finished or state.cancelled is not None
    if ends and not isinstance(state.root.opening, Undoing | Closing):
        return None
    try:
        keys = locate(program, state, payload["path"])
    except KeyError:
        return None
    chain = chain_to(state, keys)
    if chain is None or not chain[-1].is_open:
        return None
    opening = chain[-1].opening
    if isinstance(opening, Underway):
        return _call_told(chain[-1], keys, opening, payload, now)
    if chain[-1].path != payload["path"]:
        return None
    if not isinstance(opening, Calling) or opening.id != payload["call"]:
        return None
    match payload["status"]:
        case "started":
            result = payload["id"]
        case "completed":
            result = payload["output"]
        case _:
            return _failed(program, state, chain, keys, opening, _failure(chain[-1], payload), now)
    done = completed(
        program, state, chain, keys, result, at=now, attempt=opening.attempt, started_at=opening.started_at
    )
    return catch(program, state, done)


def _call_told(frame: Frame, keys: Keys, opening: Underway, payload: Json, now: datetime) -> Checkpoint | None:
    """The same for a child that a step's function waits for."""
    waits = opening.wait.opening if opening.wait is not None else None
    if not isinstance(waits, Calling) or waits.id != payload["call"]:
        return None
    path = held_path(frame)
    if payload["status"] in ("completed", "started"):
        result = payload["output"] if payload["status"] == "completed" else payload["id"]
        return Checkpoint(path=path, kind="completed", keys=keys, result=result, finished_at=now)
    error = error_of(_failure(frame, payload), path, 1)
    return Checkpoint(path=path, kind="failed", keys=keys, error=error, finished_at=now)


def child_overdue(program: Program, state: State, chain: list[Frame], keys: Keys, now: datetime) -> list[Command]:
    """Looks at a step whose child runs: past its timeout the child is cancelled, and the attempt has failed."""
    frame = chain[-1]
    opening = frame.opening
    assert isinstance(opening, Calling)
    if opening.deadline_at is None or now < opening.deadline_at:
        return []
    failure = Failure(
        type="Timeout", message=f"{frame.path} took longer than its timeout", names=("Timeout", "Exception")
    )
    return [Abandon(frame.path), Record(_failed(program, state, chain, keys, opening, failure, now))]


def children_below(state: State, abandon: Abandon) -> list[str]:
    """Gives the ids of the children that steps at or below a path wait for."""
    if not state.has_children:
        return []
    found: list[str] = []
    for _keys, frame in frames_of(state.root):
        opening = held_by(frame)
        if isinstance(opening, Calling) and abandon.covers(frame.path):
            found.append(opening.id)
    return found


def _failure(frame: Frame, payload: Json) -> Failure:
    graph = frame.node.graph
    workflow = graph.action.workflow if isinstance(graph, g.Step) and isinstance(graph.action, g.Child) else ""
    error = payload["error"] or {}
    if payload["status"] == "refused":
        # There is no child, so this is the step's own.
        return Failure(
            type=error["type"], message=error["message"], data={"id": payload["id"]}, names=(error["type"], "Fatal")
        )
    is_cancelled = payload["status"] == "cancelled"
    child = " ".join(filter(None, ("the child", workflow, payload["id"])))
    type = "ChildCancelled" if is_cancelled else "ChildFailed"
    why = error.get("message") if is_cancelled else f"{error.get('type')}: {error.get('message')}"
    return Failure(
        type=type,
        message=f"{child} {'was cancelled' if is_cancelled else 'failed'}: {why}",
        data={"id": payload["id"], "workflow": workflow, "status": payload["status"], "error": payload["error"]},
        names=(type, "Exception"),
    )


def _failed(
    program: Program, state: State, chain: list[Frame], keys: Keys, opening: Calling, failure: Failure, now: datetime
) -> Checkpoint:
    settled = settle_failure(
        program,
        state,
        chain,
        keys,
        opening.attempt,
        failure,
        started_at=opening.started_at,
        at=now,
        # The jitter of a retry: as good as any other number, and the same at every look.
        uniform=int(opening.id[-12:], 16) / 16**12,
    )
    return catch(program, state, settled)
