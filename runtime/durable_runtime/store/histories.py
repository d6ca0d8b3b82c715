"""Histories with snapshots, as the store takes and gives them."""

from __future__ import annotations

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Prune, Snapshot


class History(msgspec.Struct, frozen=True):
    """What a fold needs: the newest snapshot, if there is one, and the checkpoints after it, else all checkpoints."""

    snapshot: Snapshot | None
    checkpoints: list[Checkpoint]


class SnapshotChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit does to an execution's snapshots: it drops all but one, and may add one.

    `keeps` is the number of the one that stays, 0 for none. With `prunes` turns go that ended before that one.
    """

    keeps: int = 0
    snapshot: Snapshot | None = None
    prunes: tuple[Prune, ...] = ()
