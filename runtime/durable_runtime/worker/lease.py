"""A worker's lease while it lives: the epochs of its lanes, and the news that it is lost."""

from __future__ import annotations

import asyncio

from durable_runtime.store.protocol import Lease


class Ownership:
    """What this worker holds.

    `lost` is set once, when it learns that it was taken over; then nothing may be written any more.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.lost = asyncio.Event()

    @property
    def claim_lane(self) -> int:
        """The lane of claims comes after those of the journal."""
        return len(self.lease.epochs) - 1

    @property
    def step_lane(self) -> int:
        """The lane of authors' transactions comes before that of claims, and after those of the journal."""
        return len(self.lease.epochs) - 2

    def take_epoch(self, lane: int, raised: Lease) -> None:
        """Takes over one lane's new epoch; the other lanes may have been raised in the meantime."""
        epochs = list(self.lease.epochs)
        epochs[lane] = raised.epochs[lane]
        self.lease = Lease(self.lease.worker_id, tuple(epochs))
