"""What others ask of an execution, and the checkpoint that answers it. Pure.

Only the owner writes an execution's history. Everyone else leaves a request in its inbox; here it becomes a checkpoint,
and from then on it is part of what a fold rebuilds.
"""

from __future__ import annotations

from datetime import datetime

from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.children import child_told
from durable_runtime.core.editing import find_open
from durable_runtime.core.program import Program
from durable_runtime.core.state import State


def asks_to_undo(payload: Json) -> bool:
    """Tells whether a cancel asks for what was completed to be undone."""
    return isinstance(payload, dict) and payload.get("compensate") is True


def answer_to(program: Program, state: State, kind: str, payload: Json, now: datetime) -> Checkpoint | None:
    """Gives the checkpoint by which a request takes effect, or None when it changes nothing in this state.

    A request of a kind that this release does not know changes nothing.
    """
    match kind:
        case "cancel" if state.cancelled is None or (state.cancelled.get("compensate") and not asks_to_undo(payload)):
            # What is asked to be undone can still be told to stop where it is.
            return Checkpoint(path="", kind="cancelled", result=payload, finished_at=now)
        case "pause" if state.paused is None and state.cancelled is None:
            return Checkpoint(path="", kind="paused", result=payload, finished_at=now)
        case "resume" if state.paused is not None:
            return Checkpoint(path="", kind="resumed", result=payload, finished_at=now)
        case "set_result":
            frame = find_open(program, state, payload["edit"]["node"])
            if frame is not None:
                return Checkpoint(path="", kind="edited", result=payload, finished_at=now)
            # Told all the same: who asked was told that it was taken, for the node was open then.
            late = {**payload, "edit": None, "too_late_for": payload["edit"]["node"]}
            return Checkpoint(path="", kind="edited", result=late, finished_at=now)
        case "child":
            return child_told(program, state, payload, now)
        case "join":
            return Checkpoint(path="", kind="joined", result=payload, finished_at=now)
        case _:
            return None
