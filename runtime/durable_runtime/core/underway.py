"""How sub-checkpoints change the opening of their step: the part of `evolve` that knows them. Pure."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.calls import Calling, Held, Retrying, SubStep, SubWait, Underway, Waiting
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.state import Frame, State
from durable_runtime.core.waits import opening_of, with_arrived

replace = msgspec.structs.replace


def is_sub(frame: Frame, path: str) -> bool:
    """Tells whether a path is that of a call in the function of the step that the frame stands at."""
    return isinstance(frame.opening, Underway) and path.startswith(frame.path + "/")


def enter(frame: Frame, checkpoint: Checkpoint) -> Frame:
    """The function of a step made its first call in this attempt; those of attempts before are kept."""
    before = frame.opening.before if isinstance(frame.opening, Retrying) else None
    first_at = frame.opening.first_at if isinstance(frame.opening, Retrying) else checkpoint.finished_at
    began_at = checkpoint.started_at or checkpoint.finished_at
    underway = Underway(
        attempt=checkpoint.attempt,
        first_at=first_at,
        entered_at=checkpoint.finished_at,
        began_at=before.began_at if before is not None and before.done else began_at,
        done=before.done if before is not None else (),
    )
    return replace(frame, opening=underway)


def evolve_sub(state: State, frame: Frame, checkpoint: Checkpoint) -> Frame | None:
    """Applies the checkpoint of a call; None when it does not fit."""
    underway = frame.opening
    assert isinstance(underway, Underway)
    name = checkpoint.path.removeprefix(frame.path + "/")
    wait = underway.wait
    if wait is not None and wait.name != name:
        return None
    match checkpoint.kind:
        case "completed" | "failed":
            waited = wait is not None and not isinstance(wait.opening, Retrying)
            sub = SubStep(
                name=name, at=checkpoint.finished_at, waited=waited, result=checkpoint.result, error=checkpoint.error
            )
            underway = replace(underway, done=(*underway.done, sub), wait=None)
        case "waiting" | "retrying":
            opening = _opening_of(checkpoint, state.seq + 1)
            if opening is None:
                return None
            ran = checkpoint.finished_at - checkpoint.started_at if checkpoint.started_at is not None else timedelta(0)
            underway = replace(underway, wait=SubWait(name, opening), used=underway.used + ran)
        case "arrived" if wait is not None and isinstance(wait.opening, Awaiting):
            if checkpoint.result["label"] not in wait.opening.slots:
                return None
            opening = with_arrived(state, frame, wait.opening, checkpoint.result)
            underway = replace(underway, wait=SubWait(name, opening))
        case _:
            return None
    return replace(frame, opening=underway)


def _opening_of(checkpoint: Checkpoint, seq: int) -> Held | None:
    """Gives what a call is held by that a checkpoint with this number leaves waiting."""
    stored, due_at, at = checkpoint.result, checkpoint.due_at, checkpoint.finished_at
    if checkpoint.kind == "retrying":
        return None if due_at is None else Retrying(checkpoint.attempt + 1, due_at, at)
    if stored is None:
        return None if due_at is None else Waiting(due_at)
    if "child" in stored:
        id, joins = stored["child"], stored.get("joins")
        return Calling(id=id, attempt=checkpoint.attempt, started_at=at, first_at=at, deadline_at=due_at, joins=joins)
    return opening_of(checkpoint, seq)


def kept(frame: Frame) -> Underway | None:
    """Gives what a failed attempt leaves to the next: all its calls but one at the end that failed."""
    before = frame.opening
    if isinstance(before, Retrying):
        before = before.before
    if not isinstance(before, Underway):
        return None
    done = before.done[:-1] if before.done and before.done[-1].error is not None else before.done
    return replace(before, done=done, wait=None)
