"""From what is stored of a claimed execution to the state in which its worker goes on."""

from __future__ import annotations

import msgspec

from durable_runtime.core.interpreter import fold
from durable_runtime.core.program import Program
from durable_runtime.core.rewinding import Past
from durable_runtime.core.snapshots import reaches_behind, state_in
from durable_runtime.core.starting import initial_state
from durable_runtime.core.state import State
from durable_runtime.store.histories import History
from durable_runtime.store.protocol import Claimed
from durable_runtime.worker.snapshots import Snapshots


class Resumed(msgspec.Struct, frozen=True):
    """The state of an execution, its snapshots from here on, and what a retry needs."""

    state: State
    snapshots: Snapshots
    past: Past | None = None


class NotFromSnapshot(Exception):
    """The state cannot be told from the newest snapshot; all checkpoints tell it."""


def resume(program: Program, claimed: Claimed, history: History, every: int) -> Resumed:
    """Gives the state that a history leads to, and takes a snapshot `every` so many checkpoints.

    Raises `NotFromSnapshot` when that needs all of it.
    """
    start = initial_state(
        program,
        id=claimed.id,
        workflow=claimed.workflow,
        queue=claimed.queue,
        input=claimed.input,
        started_at=claimed.started_at,
        scheduled_at=claimed.scheduled_at,
        parent_id=claimed.parent_id,
    )
    snapshot, checkpoints = history.snapshot, history.checkpoints
    base = None
    try:
        if snapshot is not None:
            if not snapshot.pruned and reaches_behind(checkpoints):
                raise NotFromSnapshot(f"a checkpoint after {snapshot.seq} tells of some before it")
            base = state_in(program, snapshot)
        state = fold(program, start, checkpoints, base)
    except Exception as error:
        if snapshot is None:
            raise
        raise NotFromSnapshot(f"the snapshot at {snapshot.seq}: {error}") from error
    # What a retry takes back stands in the history; without a request there is none.
    past = Past(start, checkpoints, base) if claimed.signal else None
    return Resumed(state, Snapshots(program, base, every, pruned=snapshot is not None and snapshot.pruned), past)
