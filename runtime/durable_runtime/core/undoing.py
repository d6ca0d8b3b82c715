"""Undoing what was completed: which steps, in which order, with what they saw. Pure.

A step with `compensate` that completes is remembered with the data and the names of that moment. When the execution
fails, or a `catch` asks for it, the remembered steps of that scope are undone one after the other, the newest first.
One that cannot be undone does not stop the others; its error is told beside the one that everything began with.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json, Keys
from durable_runtime.core.commands import Abandon, Command, Record
from durable_runtime.core.program import CATCH, COMPENSATE, Program, catch_key
from durable_runtime.core.state import (
    Catching,
    Each,
    Forked,
    Frame,
    Inside,
    Opening,
    State,
    Turning,
    Undo,
    Undoing,
    child_of,
    data_of,
)
from durable_runtime.core.values import NotStorable, encode

replace = msgspec.structs.replace

MOST_ERRORS = 100
"""Errors of compensations that an error tells; the history has them all."""


def remember(state: State, chain: list[Frame], checkpoint: Checkpoint, patch: dict[str, Json] | None) -> Undo | None:
    """Gives the steps that can be undone after a node that says how has gone on; `patch` is what it writes into the
    data.
    """
    frame = chain[-1]
    if checkpoint.kind != "completed" or isinstance(frame.opening, Catching):
        return state.undo
    assert frame.node.undoing is not None
    names: dict[str, Json] = {}
    for each in chain:
        names.update(each.names)
    names["result"] = checkpoint.result
    data = data_of(chain)
    undo = Frame(
        block=frame.node.undoing, prefix=f"{frame.path}/", data={**data, **patch} if patch else data, names=names
    )
    return Undo(state.seq + 1, undo, state.undo)


def locate(program: Program, state: State, path: str) -> Keys:
    """Gives the address of the frame in which an instance runs.

    A step is undone in whichever scope above it is being undone. Raises `KeyError` when there is no such node.
    """
    step = program.find_undone(path)
    if step is None:
        return program.locate(path)
    keys = program.locate(step)
    frame: Frame | None = state.root
    for depth in range(len(keys) + 1):
        if frame is None:
            break
        if isinstance(frame.opening, Undoing):
            return (*keys[:depth], COMPENSATE)
        frame = child_of(frame.opening, keys[depth]) if depth < len(keys) else None
    raise KeyError(path)


# -- how it begins


def begin_undoing(state: State) -> list[Command]:
    """Gives the commands by which the whole execution begins to be undone: what still runs is nobody's any more."""
    return [Abandon(""), Record(Checkpoint(path="", kind="compensating", finished_at=state.now))]


def undo_execution(state: State) -> tuple[Frame, Keys]:
    """Gives the root frame with everything to be undone, and the address of the first."""
    error = cancelled_error(state) or state.root.error
    assert error is not None
    return _next(state.root, (), Undoing(error=error, after=state.root.opening), state.undo)


def take_caught(state: State, frame: Frame, keys: Keys, row: int, error: ErrorValue) -> tuple[Frame, Keys]:
    """Gives a frame whose node's `catch` takes an error: first what was completed below the node is undone, if the
    row asks for that, then the row's list runs.
    """
    undoing = Undoing(error=error, row=row, since=_since(frame.opening, state.seq))
    return _next(frame, keys, undoing, state.undo if frame.node.graph.catch[row].compensate else None)


def _since(opening: Opening | None, seq: int) -> int:
    """Gives the number of the checkpoint after which everything below a node came."""
    return opening.since if isinstance(opening, Inside | Forked | Each | Turning) else seq


# -- how it goes on


def advance(state: State, chain: list[Frame], keys: Keys, frame: Frame) -> tuple[State, Frame, Keys]:
    """Takes over what happened to a compensation; `frame` is its list afterwards, and `keys` its address.

    Gives the state but for its frames, the frame whose node is being undone, and the address to look at.
    """
    scope = chain[-2]
    undoing = scope.opening
    assert isinstance(undoing, Undoing)
    if frame.is_open:
        # Remembered too: whoever begins to undo it again, because this undoing was cut off, goes on from there.
        undo = _replaced(state.undo, undoing.seq, frame)
        return replace(state, undo=undo), replace(scope, opening=replace(undoing, frame=frame)), keys
    state = replace(state, undo=_replaced(state.undo, undoing.seq, None))
    if frame.error is None:
        undoing = replace(undoing, undone=undoing.undone + 1)
    else:
        undoing = replace(undoing, errors=_added(undoing.errors, frame.error))
    if undoing.row is None:
        error = frame.error
        state = replace(
            state,
            undone=state.undone + (error is None),
            undo_errors=_added(state.undo_errors, error) if error is not None else state.undo_errors,
        )
    scope, looked_at = _next(scope, keys[:-1], undoing, state.undo)
    return state, scope, looked_at


def _next(frame: Frame, keys: Keys, undoing: Undoing, undo: Undo | None) -> tuple[Frame, Keys]:
    """Puts the next step to be undone into a frame; when there is none, what comes after it."""
    entry = _newest(frame, undoing, undo)
    if entry is not None:
        return replace(frame, opening=replace(undoing, seq=entry.seq, frame=entry.frame)), (*keys, COMPENSATE)
    row = undoing.row
    if row is None:
        return replace(frame, opening=undoing.after), keys
    if undoing.errors:
        return replace(frame, opening=replace(undoing, frame=None)), keys
    block, error = frame.node.blocks[catch_key(row)], told_by(undoing)
    inner = Frame(block=block, prefix=f"{frame.path}/{CATCH}/", names={"error": error.as_json()})
    return replace(frame, opening=Catching(row, error, inner)), (*keys, catch_key(row))


def _newest(frame: Frame, undoing: Undoing, undo: Undo | None) -> Undo | None:
    """Gives the newest step of a scope that is not undone."""
    below = Abandon("" if undoing.row is None else frame.path)
    while undo is not None and undo.seq > undoing.since:
        if below.covers(undo.frame.path):
            return undo
        undo = undo.below
    return None


def _replaced(undo: Undo | None, seq: int, frame: Frame | None) -> Undo | None:
    """Gives the steps with another frame for one of them, or without it."""
    newer: list[Undo] = []
    while undo is not None and undo.seq != seq:
        newer.append(undo)
        undo = undo.below
    if undo is not None:
        undo = undo.below if frame is None else replace(undo, frame=frame)
    for entry in reversed(newer):
        undo = replace(entry, below=undo)
    return undo


# -- how it ends


def _added(errors: tuple[ErrorValue, ...], error: ErrorValue) -> tuple[ErrorValue, ...]:
    return errors if len(errors) >= MOST_ERRORS else (*errors, error)


def told_by(undoing: Undoing) -> ErrorValue:
    """Gives the error that a `catch` took, with what was undone for it."""
    error = with_errors(undoing.error, undoing.errors)
    return replace(error, undone=error.undone + undoing.undone, not_undone=error.not_undone + len(undoing.errors))


def with_errors(error: ErrorValue, errors: tuple[ErrorValue, ...]) -> ErrorValue:
    """Gives an error that also tells what could not be undone, under `data.compensation_errors`."""
    if not errors:
        return error
    data = error.data if isinstance(error.data, dict) else {} if error.data is None else {"data": error.data}
    # What a `catch` that the error came through could not undo is told there already.
    before = data["compensation_errors"] if error.not_undone else []
    told = (before + [each.as_json() for each in errors])[:MOST_ERRORS]
    whole = {**data, "compensation_errors": told}
    try:
        encode(whole)
    except NotStorable:
        # Each of them could be stored, all together are too large: what they are counts more than their data.
        whole["compensation_errors"] = [{**each, "data": None} for each in told]
    return replace(error, data=whole)


def errors_told(error: ErrorValue | None) -> tuple[ErrorValue, ...]:
    """Gives what an error tells of steps that a `catch` on its way could not undo."""
    if error is None or not error.not_undone:
        return ()
    return tuple(ErrorValue(**each) for each in error.data["compensation_errors"])


def failed_error(state: State) -> ErrorValue:
    """Gives the error of an execution that failed, with what could not be undone."""
    assert state.root.error is not None
    return with_errors(state.root.error, state.undo_errors)


def failed_status(state: State) -> Literal["failed", "compensated", "compensation_failed"]:
    """Gives the status of an execution that failed, by what became of what it had completed.

    What a `catch` undid counts if its error is the one that ended the execution, and not if the flow went on.
    """
    error = state.root.error
    assert error is not None
    if state.undo_errors or error.not_undone:
        return "compensation_failed"
    return "compensated" if state.undone or error.undone else "failed"


def reaches_children(state: State) -> bool:
    """Tells whether the children that an execution gives up are undone: it has failed, or is cancelled that way."""
    if state.cancelled is not None:
        return state.cancelled.get("compensate") is True
    return state.root.error is not None


def cancelled_error(state: State) -> ErrorValue | None:
    """Gives the error of an execution that was cancelled, or None when it was not."""
    cancelled = state.cancelled
    if cancelled is None:
        return None
    return ErrorValue(type="Cancelled", message=cancelled.get("reason") or "cancelled", data=cancelled)
