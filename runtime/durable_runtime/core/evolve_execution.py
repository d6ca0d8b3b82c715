"""The checkpoints of an execution as a whole, which no node owns: `evolve` hands them to this."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Keys
from durable_runtime.core.fitting import wanting
from durable_runtime.core.program import ON_FAILURE, Program
from durable_runtime.core.state import Closing, Frame, State, frames_of
from durable_runtime.core.undoing import failed_error, locate, undo_execution

replace = msgspec.structs.replace

Touched: TypeAlias = tuple[Keys, ...]
"""Addresses of the frames a checkpoint changed; one that is gone by then is passed over."""


class HistoryMismatch(Exception):
    """A checkpoint does not fit the state: the history and the graph are not of one execution, or one came twice."""


def evolve_execution(program: Program, state: State, checkpoint: Checkpoint) -> tuple[State, Touched]:
    """Applies a checkpoint of the execution itself: what others asked or sent, a failure of no node, its undoing."""
    state = replace(state, seq=state.seq + 1, now=checkpoint.finished_at)
    match checkpoint.kind:
        case "cancelled":
            # A pause ends with it, so that what is being undone below a node goes on.
            everything = tuple(keys for keys, _frame in frames_of(state.root))
            return replace(state, cancelled=checkpoint.result or {}, paused=None), everything
        case "paused":
            return replace(state, paused=checkpoint.result or {}), ((),)
        case "resumed":
            return replace(state, paused=None), tuple(keys for keys, _frame in frames_of(state.root))
        case "rewound" | "forked" | "edited":
            if checkpoint.kind == "forked":
                state = replace(state, paused=None, not_before=None)
            if checkpoint.kind == "rewound":
                state = replace(state, retried=state.seq)
            edit = checkpoint.result.get("edit")
            if edit is None:
                return state, ((),)
            edits = {**state.edits, edit["node"]: edit["value"]}
            return replace(state, edits=edits), ((), locate(program, state, edit["node"]))
        case "joined":
            return replace(state, joined=(*state.joined, checkpoint.result)), ()
        case "failed":
            return replace(state, root=replace(state.root, error=checkpoint.error, opening=None)), ((),)
        case "compensating":
            if state.undo is None or (state.root.error is None and state.cancelled is None):
                raise HistoryMismatch("this execution goes on, or has nothing to undo")
            root, looked_at = undo_execution(state)
            return replace(state, root=root), (looked_at,)
        case "looked":
            return replace(state, mailbox=state.mailbox.with_settled(checkpoint.result)), ()
        case "received":
            event = checkpoint.result
            waiting = tuple(wanting(state, event["name"], event.get("key")))
            return replace(state, mailbox=state.mailbox.with_letter(state.seq, event)), waiting
        case _:
            raise HistoryMismatch(f"an execution has no checkpoint of kind {checkpoint.kind!r}")


def begin_closing(program: Program, state: State, checkpoint: Checkpoint) -> tuple[State, Touched]:
    """Begins `on_failure` of an execution that has failed."""
    if state.root.error is None or state.root.opening is not None or program.on_failure is None:
        raise HistoryMismatch("this execution has not failed, or has no 'on_failure'")
    frame = Frame(block=program.on_failure, prefix=f"{ON_FAILURE}/", names={"error": failed_error(state).as_json()})
    root = replace(state.root, opening=Closing(frame))
    return replace(state, root=root, seq=state.seq + 1, now=checkpoint.finished_at), ((ON_FAILURE,),)
