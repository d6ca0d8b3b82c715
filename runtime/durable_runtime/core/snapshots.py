"""The state of an execution as a text, so that a fold need not begin at its first checkpoint. Pure.

A snapshot is a cache of what the checkpoints up to its number lead to. Whoever cannot read it folds all of them, unless
some of them are gone: finished turns of a loop that keeps only its last ones (`keep`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from durable_runtime.core.checkpoints import Checkpoint, Snapshot
from durable_runtime.core.encoding import Codec, Unreadable
from durable_runtime.core.program import Program
from durable_runtime.core.state import Each, State, frames_of

_MEANING = 1
"""Raised when the same fields mean something else, or a fold fills them otherwise."""

_CODEC = Codec(State)

FORMAT = f"{_MEANING}-{hashlib.sha256(_CODEC.shape.encode()).hexdigest()[:12]}"
"""What a snapshot is written in: as soon as any part of the state has another shape, this is another."""


def snapshot_of(program: Program, state: State, *, pruned: bool = False) -> Snapshot:
    """Gives the snapshot of a state."""
    return Snapshot(state.seq, FORMAT, program.graph.version, _CODEC.write(state), pruned)


def state_in(program: Program, snapshot: Snapshot) -> State:
    """Gives the state of a snapshot; raises `Unreadable` for one of another release or graph, or one that is damaged.

    One that nothing else can take the place of is read all the same if its text still makes a state.
    """
    is_ours = (snapshot.format, snapshot.version) == (FORMAT, program.graph.version)
    if not is_ours and not snapshot.pruned:
        raise Unreadable(f"it is in the format {snapshot.format} over the graph {snapshot.version}")
    state: State = _CODEC.read(snapshot.state, program.blocks)
    if state.seq != snapshot.seq:
        raise Unreadable(f"it is of checkpoint {state.seq} and stored as that of checkpoint {snapshot.seq}")
    return state


def reaches_behind(later: Iterable[Checkpoint]) -> bool:
    """Tells whether the checkpoints after a snapshot say more than its state knows of those before it.

    Such is a `rewound`, by which some of these count no more, and the end of a foreach that began before.
    """
    entered: set[str] = set()
    for checkpoint in later:
        if checkpoint.kind in ("rewound", "forked") or (
            checkpoint.kind == "collected" and checkpoint.path not in entered
        ):
            return True
        if checkpoint.kind == "entered":
            entered.add(checkpoint.path)
    return False


def open_foreaches(state: State) -> frozenset[str]:
    """Gives the paths of the foreaches that are open."""
    return frozenset(frame.path for _keys, frame in frames_of(state.root) if isinstance(frame.opening, Each))
