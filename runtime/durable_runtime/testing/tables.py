"""The rows of the store in memory, what strangers hold of them, and the faults that tests put in.

Each method of the store is one step that nothing interrupts, as each statement of the real one is one transaction. So
where PostgreSQL would wait for a lock that a stranger holds, there is nobody to wait for, and `TryAgain` is raised, as
after a lock timeout.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from durable_runtime.core.checkpoints import Snapshot
from durable_runtime.core.open_waits import OpenWait
from durable_runtime.errors import LeaseLost
from durable_runtime.store.protocol import ALONE_FROM, Lease, NoAnswer, Row, Status, TryAgain
from durable_runtime.store.rows import public_id_of
from durable_runtime.store.seen import LogLine, PublishedValue
from durable_runtime.store.streams import Written
from durable_runtime.testing.clock import FakeClock

PAUSES = {"pause": True, "resume": False, "cancel": False}
"""What the requests that say so make of an execution's flag."""


class Fault(Enum):
    """What can happen to a statement beside its result.

    LOST_BEFORE: the connection broke before the statement took effect. LOST_AFTER: it took effect, the answer never
    came; both raise `NoAnswer`. TRY_AGAIN: the server gave it up for reasons of the moment.
    """

    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    TRY_AGAIN = "try again"


@dataclass
class Execution:
    """A row of `execution`; values are the JSON texts that are stored."""

    key: int
    public_id: str
    definition_id: int
    workflow: str
    queue: str
    priority: int
    input: str
    scheduled_at: datetime | None
    created_at: datetime
    status: Status = "pending"
    paused: bool = False
    owner: int | None = None
    signal: int = 0
    recoveries: int = 0
    recovered_seq: int = 0
    user_key: str | None = None
    headers: str | None = None
    output: str | None = None
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    parent: int | None = None
    parent_id: str | None = None
    parent_path: str | None = None
    root: int | None = None
    depth: int = 0
    attached: bool = False
    awaited: bool = False


@dataclass(frozen=True)
class Definition:
    id: int
    workflow: str
    version: str
    label: str | None
    graph: bytes


@dataclass(frozen=True)
class Hint:
    id: int
    key: int
    queue: str
    rank: int
    alone: bool

    @property
    def order(self) -> tuple[int, int]:
        return self.rank, self.id


@dataclass(frozen=True)
class Wait:
    id: int
    key: int
    path: str
    kind: str
    due_at: datetime


@dataclass
class Request:
    id: int
    key: int
    kind: str
    payload: str
    routed: bool = True
    event_id: int | None = None


@dataclass
class Event:
    """A row of `event`."""

    id: int
    name: str
    key: str
    payload: str
    sent_by: str | None
    sent_at: datetime
    routed: bool = False

    @property
    def xid(self) -> int:
        """Each is stored by a transaction of its own, and none of these takes any time."""
        return self.id


@dataclass
class Burst:
    """A row of `burst`."""

    execution: int
    first_at: datetime
    call: str


@dataclass
class Awaited:
    """A row of `open_wait`."""

    wait: OpenWait
    answer: str | None = None


@dataclass
class Worker:
    id: int
    name: str
    queues: dict[str, int]
    epochs: list[int]
    started_at: datetime
    expires_at: datetime
    loop_lag: float = 0.0


@dataclass
class Rows:
    """All tables. Ids count up in one sequence for each table and are never used twice."""

    definitions: dict[int, Definition] = field(default_factory=dict)
    executions: dict[int, Execution] = field(default_factory=dict)
    hints: dict[int, Hint] = field(default_factory=dict)
    waits: dict[int, Wait] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    open_waits: dict[tuple[int, str, str], Awaited] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    values: dict[int, list[tuple[int, PublishedValue]]] = field(default_factory=dict)
    streams: dict[int, dict[tuple[str, str, int, int, int, int], tuple[int, Written]]] = field(default_factory=dict)
    bursts: dict[tuple[str, str | None], Burst] = field(default_factory=dict)
    event_keeping: dict[str, timedelta] = field(default_factory=dict)
    workers: dict[int, Worker] = field(default_factory=dict)
    checkpoints: dict[int, dict[int, Row]] = field(default_factory=dict)
    snapshots: dict[int, dict[int, Snapshot]] = field(default_factory=dict)
    logs: dict[int, list[LogLine]] = field(default_factory=dict)
    progress: dict[tuple[int, str], tuple[bytes, datetime]] = field(default_factory=dict)
    last_ids: dict[str, int] = field(default_factory=dict)

    def next_id(self, table: str) -> int:
        self.last_ids[table] = self.last_ids.get(table, 0) + 1
        return self.last_ids[table]


class Tables:
    """What the sides of the store have in common."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock if clock is not None else FakeClock()
        self.rows = Rows()
        self._held: set[int] = set()
        self._faults: dict[str, deque[Fault | None]] = {}

    # -- what tests do to it -------------------------------------------------------------------------------------------

    def inject(self, method: str, *faults: Fault | None) -> None:
        """Lets the next calls of a method meet these faults, one each; None lets one pass."""
        self._faults.setdefault(method, deque()).extend(faults)

    @contextmanager
    def held(self, key: int) -> Iterator[None]:
        """Holds an execution's row, as a stranger's open transaction does: whoever owns it is told `BUSY`."""
        self._held.add(key)
        try:
            yield
        finally:
            self._held.discard(key)

    # -- what the sides use --------------------------------------------------------------------------------------------

    @contextmanager
    def _statement(self, method: str) -> Iterator[None]:
        waiting = self._faults.get(method)
        fault = waiting.popleft() if waiting else None
        if fault is Fault.LOST_BEFORE:
            raise NoAnswer(f"the connection broke before {method} (injected)")
        if fault is Fault.TRY_AGAIN:
            raise TryAgain(f"{method} was given up (injected)")
        yield
        if fault is Fault.LOST_AFTER:
            raise NoAnswer(f"the connection broke after {method} (injected)")

    def _fence(self, lease: Lease, lane: int) -> None:
        worker = self.rows.workers.get(lease.worker_id)
        if worker is None or worker.epochs[lane] != lease.epoch(lane):
            raise LeaseLost(f"worker {lease.worker_id} was taken over")

    def _must_be_free(self, one: Execution) -> None:
        if one.key in self._held:
            raise TryAgain(f"the row of execution {one.public_id} is held by another transaction")

    def _find(self, public_id: str) -> Execution | None:
        stored = public_id_of(public_id)
        return next((one for one in self.rows.executions.values() if one.public_id == stored), None)

    def _hint(self, one: Execution) -> None:
        hint_id = self.rows.next_id("ready")
        self.rows.hints[hint_id] = Hint(hint_id, one.key, one.queue, -one.priority, one.recoveries >= ALONE_FROM)

    def _wait(self, key: int, path: str, kind: str, due_at: datetime) -> None:
        wait_id = self.rows.next_id("wait")
        self.rows.waits[wait_id] = Wait(wait_id, key, path, kind, due_at)

    def _waits_of(self, key: int) -> list[Wait]:
        return [wait for wait in self.rows.waits.values() if wait.key == key]

    def _close_waits(self, key: int) -> None:
        for place in [place for place in self.rows.open_waits if place[0] == key]:
            del self.rows.open_waits[place]

    def _emit(self, name: str, key: str, payload: bytes, sent_by: str | None) -> None:
        if sent_by is None or all(event.sent_by != sent_by for event in self.rows.events.values()):
            event_id = self.rows.next_id("event")
            event = Event(event_id, name, key, payload.decode(), sent_by, self.clock.now())
            self.rows.events[event_id] = event

    def _last_seq(self, key: int) -> int:
        return max(self.rows.checkpoints.get(key, ()), default=0)

    async def close(self) -> None:
        """Does nothing: there is nothing to close."""
