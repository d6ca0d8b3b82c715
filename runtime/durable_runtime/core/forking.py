"""A new execution out of the history of another: everything up to a node counts, and that node is next. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.calls import Calling, Underway
from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.interpreter import counting, fold, replay
from durable_runtime.core.program import Program
from durable_runtime.core.rewinding import Past, attempts_of
from durable_runtime.core.state import State, chain_to, frames_of, held_by, held_path


class Fork(msgspec.Struct, frozen=True):
    """What a new execution begins with: the first `upto` checkpoints of the other, and one that says what they are."""

    upto: int
    checkpoint: Checkpoint
    state: State


def fork(program: Program, past: Past, start: State, node: str, payload: Json, now: datetime) -> Fork | None:
    """Gives the fork at the last moment at which the instance was next to begin; None when it never was.

    `start` is the state the new execution begins with. What other branches waited for from outside, an event or the end
    of another execution, was meant for the other one: there the new one begins to wait anew.
    """
    keys = program.locate(node)
    counted = counting(past.history)
    at = 0 if _is_next(past.start, keys, node) else None
    before = past.start
    for position, (_one, state) in enumerate(replay(program, past.start, counted), 1):
        if _is_next(state, keys, node):
            at, before = position, state
    if at is None:
        return None
    kept = counted[:at]
    upto = kept[-1].seq if kept else 0
    counts = {one.seq for one in kept}
    for _keys, frame in frames_of(before.root):
        if isinstance(frame.opening, Underway) and isinstance(held_by(frame), Calling | Awaiting):
            # Only the call that its function is left at: what it did before is done.
            since = max(one.seq for one in kept if one.path == held_path(frame) and one.kind == "waiting")
            counts -= {one.seq for one in kept if one.path == held_path(frame) and one.seq >= since}
        elif isinstance(frame.opening, Calling | Awaiting):
            counts -= attempts_of(kept, frame.path)
    history = [one for one in past.history if one.seq <= upto]
    without = [one.seq for one in history if one.seq not in counts and one.kind != "rewound"]
    result = {**payload, "without": without}
    checkpoint = Checkpoint(path="", kind="forked", seq=upto + 1, result=result, finished_at=now)
    return Fork(upto, checkpoint, fold(program, start, [*history, checkpoint]))


def _is_next(state: State, keys: tuple[str | int, ...], node: str) -> bool:
    chain = chain_to(state, keys)
    if chain is None or state.root.error is not None or state.cancelled is not None or state.finished:
        return False
    frame = chain[-1]
    return not frame.ended and frame.error is None and frame.path == node and frame.opening is None
