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
from durable_runtime.core.state import Frame, State, chain_to, frames_of, held_by, held_path
from durable_runtime.errors import HistoryPruned


class Fork(msgspec.Struct, frozen=True):
    """What a new execution begins with: the first `upto` checkpoints of the other, and one that says what they are.

    Where turns of the other were pruned, its history too begins with the state `base`.
    """

    upto: int
    checkpoint: Checkpoint
    state: State
    base: State | None = None


def fork(program: Program, past: Past, start: State, node: str, payload: Json, now: datetime) -> Fork | None:
    """Gives the fork at the last moment at which the instance was next to begin; None when it never was.

    Raises `HistoryPruned` when that lies before the history that is left.

    `start` is the state the new execution begins with. What other branches waited for from outside, an event or the end
    of another execution, was meant for the other one: there the new one begins to wait anew.
    """
    keys = program.locate(node)
    counted = counting(past.history)
    before = past.start if past.base is None else past.base
    first = sum(one.seq <= past.floor for one in counted)
    at = first if _is_next(before, keys, node) else None
    for position, (_one, state) in enumerate(replay(program, past.start, counted, past.base), first + 1):
        if _is_next(state, keys, node):
            at, before = position, state
    if at is None:
        if past.base is not None:
            raise _pruned(f"it is not known whether it came to {node!r}")
        return None
    kept = counted[:at]
    upto = kept[-1].seq if kept else 0
    counts = {one.seq for one in kept}
    for _keys, frame in frames_of(before.root):
        if isinstance(held_by(frame), Calling | Awaiting):
            anew = _begun_anew(frame, kept)
            if not anew or any(seq <= past.floor for seq in anew):
                raise _pruned(f"{held_path(frame)!r} has waited since before that")
            counts -= anew
    history = [one for one in past.history if one.seq <= upto]
    without = [one.seq for one in history if one.seq not in counts and one.kind != "rewound"]
    result = {**payload, "without": without}
    checkpoint = Checkpoint(path="", kind="forked", seq=upto + 1, result=result, finished_at=now)
    base = None if past.base is None else _moved(past, past.base, start)
    return Fork(upto, checkpoint, fold(program, start, [*history, checkpoint], base), base)


def _begun_anew(frame: Frame, kept: list[Checkpoint]) -> set[int]:
    """Gives the numbers of what a wait has left; of a function only the call at which it was left."""
    if not isinstance(frame.opening, Underway):
        return attempts_of(kept, frame.path)
    path = held_path(frame)
    since = max((one.seq for one in kept if one.path == path and one.kind == "waiting"), default=0)
    return {one.seq for one in kept if one.path == path and one.seq >= since}


def _moved(past: Past, base: State, start: State) -> State:
    """Gives the state with which a pruned history begins, as that of another execution with the same input."""
    if start.input != past.start.input:
        raise _pruned("what it made of its input before that is known for that input only")
    return msgspec.structs.replace(
        base,
        execution=start.execution,
        deadline_at=start.deadline_at,
        not_before=start.not_before,
        cancel_keys=start.cancel_keys,
        joined=(),
    )


def _pruned(reason: str) -> HistoryPruned:
    return HistoryPruned(f"turns of a loop are gone, for it keeps only its last ones, and {reason}")


def _is_next(state: State, keys: tuple[str | int, ...], node: str) -> bool:
    chain = chain_to(state, keys)
    if chain is None or state.root.error is not None or state.cancelled is not None or state.finished:
        return False
    frame = chain[-1]
    return frame.is_open and frame.path == node and frame.opening is None
