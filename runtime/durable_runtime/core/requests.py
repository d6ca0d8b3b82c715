"""What others ask of an execution, and the checkpoint that answers it. Pure.

Only the owner writes an execution's history. Everyone else leaves a request in its inbox; here it becomes a checkpoint,
and from then on it is part of what a fold rebuilds.
"""

from __future__ import annotations

from datetime import datetime

from durable_runtime.core.answers import problems_of, value_of
from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.calls import Waiting
from durable_runtime.core.catching import catch
from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.children import child_told
from durable_runtime.core.editing import find_open
from durable_runtime.core.fitting import misfits
from durable_runtime.core.mailbox import Letter
from durable_runtime.core.outcomes import failed
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State, chain_to, held_by, held_path
from durable_runtime.core.undoing import locate
from durable_runtime.core.waits import arrived, call_failed, takes_events


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
        case "event" if is_open(state) and not state.mailbox.knows(payload):
            return _cancelled_by(state, payload, now) or _received(program, state, payload, now)
        case "looked" if is_open(state):
            return Checkpoint(path="", kind="looked", result=payload, finished_at=now)
        case "answer" if is_open(state):
            return _answered(program, state, payload, now)
        case "cancel_wait" if is_open(state):
            return _wait_cancelled(program, state, payload, now)
        case _:
            return None


def _received(program: Program, state: State, event: Json, now: datetime) -> Checkpoint:
    letter = Letter(state.seq + 1, event["name"], event.get("key"), event.get("payload"))
    said = "\n".join(misfits(program, state, (letter,)))
    return Checkpoint(path="", kind="received", result=_told(event), finished_at=now, log=said or None)


def _told(event: Json) -> Json:
    """Gives what the history has of an event: which transaction stored it matters only until it is received."""
    return {name: value for name, value in event.items() if name != "xid"} if "xid" in event else event


def _cancelled_by(state: State, event: Json, now: datetime) -> Checkpoint | None:
    """Gives the cancellation that an event brings about, or None."""
    for cancel in state.cancel_keys:
        if (cancel.event, cancel.key) == (event["name"], event.get("key")) and state.root.error is None:
            reason = f"the event {cancel.event} came with the key {cancel.key}"
            result = {"reason": reason, "by": None, "event": event["event"]}
            result |= {"compensate": True} if cancel.compensate else {}
            return Checkpoint(path="", kind="cancelled", result=result, finished_at=now)
    return None


def is_open(state: State) -> bool:
    """Tells whether an execution still takes anything: not once it was cancelled, or came to its end."""
    return takes_events(state) and not state.root.ended


def _answered(program: Program, state: State, payload: Json, now: datetime) -> Checkpoint | None:
    """An answer that is late, or came second, or is none to what is asked now, changes nothing."""
    found = _find_wait(program, state, payload["path"])
    opening = held_by(found[1]) if found is not None else None
    if found is None or not isinstance(opening, Awaiting):
        return None
    slot = opening.slots.get(payload["label"])
    if slot is None or "ask" not in slot.spec or problems_of(slot.spec, payload["value"]):
        return None
    by, comment = payload["by"], payload["comment"]
    value = value_of(slot.spec, payload["value"], by, comment)
    what = {"label": payload["label"], "value": value, "by": by, "comment": comment}
    return arrived(found[1], found[0], what, at=now)


def _wait_cancelled(program: Program, state: State, payload: Json, now: datetime) -> Checkpoint | None:
    """The wait fails with `WaitCancelled`, which its `catch` may take, or the function that made the call."""
    found = _find_wait(program, state, payload["path"])
    if found is None:
        return None
    keys, frame = found
    message = payload["reason"] or f"{payload['path']} was cancelled"
    data = {"by": payload["by"], "reason": payload["reason"]}
    if frame.path != payload["path"]:
        return call_failed(frame, keys, "WaitCancelled", message, data=data, at=now)
    return catch(program, state, failed(frame, keys, "WaitCancelled", message, data=data, at=now))


def _find_wait(program: Program, state: State, path: str) -> tuple[Keys, Frame] | None:
    """Gives the frame whose node, or a call in its function, waits at this path for a time or for others."""
    try:
        keys = locate(program, state, path)
    except KeyError:
        return None
    chain = chain_to(state, keys)
    if chain is None or not chain[-1].is_open:
        return None
    frame = chain[-1]
    return (keys, frame) if isinstance(held_by(frame), Awaiting | Waiting) and held_path(frame) == path else None
