"""The store in memory: what PostgreSQL does, without PostgreSQL. One conformance suite runs over both."""

from __future__ import annotations

from durable_runtime.testing.client_side import ClientSide
from durable_runtime.testing.recovery_side import RecoverySide
from durable_runtime.testing.worker_side import WorkerSide


class MemoryStore(ClientSide, WorkerSide, RecoverySide):
    """Holds everything in this process: client's side, worker's side and recovery in one, for any number of workers.

    Deterministic: its time is `clock`, nothing in it waits, ids count from 1. Faults come in by `inject` and `held`;
    leases run out when the clock is advanced past them.
    """
