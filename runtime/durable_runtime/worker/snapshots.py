"""When the state of an execution is stored beside its checkpoints, so that whoever claims it next folds few of them.

A snapshot goes with a commit that is made anyway, every so many checkpoints: an execution that comes to its end before
has none, and costs nothing. It is taken out of turn where the fold could not begin at the one before it.
"""

from __future__ import annotations

import logging
from typing import Final

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.program import Program
from durable_runtime.core.pruning import prunes
from durable_runtime.core.snapshots import open_foreaches, snapshot_of
from durable_runtime.core.state import State
from durable_runtime.store.histories import SnapshotChange
from durable_runtime.store.protocol import End, Suspend

log = logging.getLogger("durable.snapshots")

WHILE_IT_RUNS: Final = 10
"""How many times as many checkpoints lie between two snapshots of an execution that does not suspend meanwhile."""

EVERY: Final = 500
"""Checkpoints between two snapshots of an execution."""

BYTES_FOR_ONE: Final = 20
"""Bytes of a state that a checkpoint before the next snapshot pays for: a tenth of what it takes itself. A foreach over
a hundred thousand items carries all of them; every 500 checkpoints that would be more than everything else together.
"""

MAX_BYTES: Final = 32 * 1024 * 1024
"""The largest state that is stored; reading a larger one would not be faster than folding."""


class Snapshots:
    """The snapshots of one execution. `base` is the state in the newest one that its owner read, if there was one.

    `taken` is the state in one that is not stored yet. `next_at` is the checkpoint by which the next is due; `watches`
    tells that it may be due before. Of an execution that is `pruned` two are kept: its history begins with the older.
    """

    def __init__(self, program: Program, base: State | None, every: int, *, pruned: bool = False) -> None:
        self._program = program
        self._every = every
        self._newest = base
        self._pruned = self._prunes = pruned
        self._keeps_turns = program.keeps_turns
        self.taken: State | None = None
        self._size = 0
        self.watches = base is not None
        self.next_at = every if base is None else base.seq + every

    def take(self, state: State, checkpoints: list[Checkpoint], move: Suspend | End | None) -> SnapshotChange | None:
        """Gives what a commit that leads to this state does to the snapshots."""
        self.taken = None
        if isinstance(move, End):
            return self.at_end()
        # One that goes on here is read by somebody else only after a crash.
        seldom = not (self._keeps_turns or isinstance(move, Suspend))
        due_at = self.next_at + (WHILE_IT_RUNS - 1) * self._every if seldom else self.next_at
        if state.seq < due_at and not any(map(self._reaches_behind, checkpoints)):
            return None
        gone = prunes(self._newest, state) if self._keeps_turns else ()
        self._prunes = self._pruned or bool(gone)
        snapshot = snapshot_of(self._program, state, pruned=self._prunes)
        if len(snapshot.state) > MAX_BYTES:
            id, size = state.execution["id"], len(snapshot.state)
            log.warning("the state of execution %s takes %d bytes, too much for a snapshot", id, size)
            self.next_at = state.seq + self._every
            return None
        self.taken = state
        self._size = len(snapshot.state)
        if self._newest is None or not self._prunes:
            return SnapshotChange(snapshot=snapshot)
        return SnapshotChange(keeps=self._newest.seq, snapshot=snapshot, prunes=gone)

    def at_end(self) -> SnapshotChange | None:
        """What has ended needs none, if its history is whole."""
        return SnapshotChange() if self._newest is not None and not self._pruned else None

    def stored(self) -> None:
        """What was `taken` last is stored."""
        assert self.taken is not None
        self._newest, self.taken, self._pruned = self.taken, None, self._prunes
        self.watches = True
        self.next_at = self._newest.seq + max(self._every, self._size * self._every // (EVERY * BYTES_FOR_ONE))

    def _reaches_behind(self, checkpoint: Checkpoint) -> bool:
        """Tells whether a fold from the newest snapshot could not take this checkpoint."""
        if checkpoint.kind == "collected" and self._newest is not None:
            return checkpoint.path in open_foreaches(self._newest)
        return checkpoint.kind == "rewound"
