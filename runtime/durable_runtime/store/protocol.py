"""What a store does, and the values that go in and out. Two sides: clients ask and request, workers own and write.

The real store is PostgreSQL, the one for tests is `testing.MemoryStore`; one conformance suite runs over both. What
clients use is in `client_protocol`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.open_waits import OpenWait, Place
from durable_runtime.store.histories import History, SnapshotChange
from durable_runtime.store.messages import Emit, Routed, Send, Sought
from durable_runtime.store.outlook import Outlook
from durable_runtime.store.progress import Progress
from durable_runtime.store.seen import LogLine
from durable_runtime.store.streams import Written

Terminal: TypeAlias = Literal["completed", "failed", "cancelled", "compensated", "compensation_failed"]
Status: TypeAlias = Literal["pending", "running", "waiting", Terminal]
TERMINAL: frozenset[str] = frozenset(get_args(Terminal))

ALONE_FROM = 3
"""From this many recoveries without a checkpoint on, an execution is claimed by a worker that runs nothing else."""

RECOVERY_LIMIT = 20
"""At this many recoveries without a checkpoint an execution fails with `RecoveryLimit`."""


class NewExecution(msgspec.Struct, frozen=True, kw_only=True):
    """An execution to be started; `input` and `headers` are checked and encoded already.

    No two executions of a workflow have the same `key`.
    """

    public_id: str
    definition_id: int
    workflow: str
    input: bytes
    queue: str = "default"
    priority: int = 0
    scheduled_at: datetime | None = None
    key: str | None = None
    headers: bytes | None = None


class NewChild(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that another one starts, from the node instance at `path`.

    `attached` ones are reached by their parent's end, cancel and pause; of an `awaited` one's end the parent is told.
    """

    execution: NewExecution
    path: str
    attached: bool = False
    awaited: bool = False


class ExecutionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An execution as stored. `key` is the store's own; what its caller named it is `user_key`."""

    id: str
    workflow: str
    version: str
    label: str | None
    status: Status
    paused: bool
    queue: str
    priority: int
    input: Json
    output: Json
    error: Json
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    recoveries: int
    key: int
    definition_id: int
    user_key: str | None = None
    headers: dict[str, str] = {}
    parent_id: str | None = None
    parent_path: str | None = None
    depth: int = 0
    attached: bool = False


class KeyTaken(Exception):
    """A workflow has executions with these keys already; `ids` are theirs. Nothing was started."""

    def __init__(self, keys: list[str], ids: list[str]) -> None:
        super().__init__(", ".join(keys))
        self.keys = keys
        self.ids = ids


class Lease(msgspec.Struct, frozen=True):
    """A worker's place in the store. `epochs` has one entry for each lane, the last is the lane of claims."""

    worker_id: int
    epochs: tuple[int, ...]

    def epoch(self, lane: int) -> int:
        return self.epochs[lane]


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that this worker owns now. `fresh` means that it has no checkpoints, so nothing has to be read."""

    key: int
    id: str
    definition_id: int
    workflow: str
    queue: str
    signal: int
    recoveries: int
    input: Json
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime
    fresh: bool
    parent_id: str | None = None
    parent_path: str | None = None
    depth: int = 0
    awaited: bool = False


class Timer(msgspec.Struct, frozen=True):
    """What a suspended execution waits for by time; kinds as in the table `wait`."""

    path: str
    kind: Literal["time", "start", "defer"]
    due_at: datetime


class Suspend(msgspec.Struct, frozen=True):
    """Give the execution up until something wakes it."""

    timers: tuple[Timer, ...]


class End(msgspec.Struct, frozen=True, kw_only=True):
    """End the execution; `output` and `error` are JSON texts."""

    status: Terminal
    at: datetime
    output: bytes | None = None
    error: bytes | None = None


class Commit(msgspec.Struct, kw_only=True):
    """What one execution hands to the journal: checkpoints, and perhaps that it suspends or ends.

    `seen` is the signal up to which its inbox was read; a move applies only if no request came since. `requests` are
    the inbox rows that these checkpoints answer. `starts` and `sends` are stored in the same transaction; what is sent
    counts once it was routed. `emits` are events. `logs` and `progress` are what attempts told, also in their middle,
    and `writes` go into streams.
    `opens` and `closes` are what it waits for from outside from here on, and no longer. `snapshots` are of its state.
    With `tells` it has something for clients that follow the execution, who are given a hint.
    """

    key: int
    seen: int
    checkpoints: list[Checkpoint]
    move: Suspend | End | None = None
    requests: tuple[int, ...] = ()
    starts: tuple[NewChild, ...] = ()
    sends: tuple[Send, ...] = ()
    emits: tuple[Emit, ...] = ()
    logs: tuple[LogLine, ...] = ()
    progress: tuple[Progress, ...] = ()
    opens: tuple[OpenWait, ...] = ()
    closes: tuple[Place, ...] = ()
    snapshots: SnapshotChange | None = None
    writes: tuple[Written, ...] = ()
    tells: bool = False


class Outcome(Enum):
    """What became of an execution's part of a batch.

    COMMITTED. REFUSED: a request came first; nothing of this execution was written. BUSY: someone holds its row;
    nothing was written, try again. UNSTORABLE: the server refuses the values; nothing was written and the same would
    be refused again.
    """

    COMMITTED = "committed"
    REFUSED = "refused"
    BUSY = "busy"
    UNSTORABLE = "unstorable"


class StatementRefused(Exception):
    """The server refused a statement for its content (SQLSTATE 21, 22, 23, 54): the same is refused again."""


class TryAgain(Exception):
    """The server gave a statement up for reasons of the moment (deadlock, lock timeout): the same may work again."""


class NoAnswer(Exception):
    """The connection is gone; whether the statement was committed is not known."""


class Inbox(msgspec.Struct, frozen=True):
    """An execution's requests with the signal they belong to: (request id, kind, payload)."""

    signal: int
    requests: tuple[tuple[int, str, Json], ...]


class Woken(NamedTuple):
    """What a look for due executions found.

    `next_due` are the seconds until the next falls due (None: nothing); `unrouted`: there are requests to `route`.
    """

    executions: int
    next_due: float | None
    unrouted: bool = False


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to do for a worker, of one snapshot.

    `ready` are the queues with work, `lonely` those with work that must be claimed alone. `due_in` is in how many
    seconds something falls due, 0 or less when it did already, None when nothing will. `expired` tells that a worker's
    lease ran out. `signalled` are this worker's executions that have requests; `unrouted`: there are some to `route`.
    `others` are the queues that each other worker serves, none for one that serves all.
    """

    ready: tuple[str, ...] = ()
    lonely: tuple[str, ...] = ()
    due_in: float | None = None
    expired: bool = False
    signalled: tuple[int, ...] = ()
    unrouted: bool = False
    others: tuple[frozenset[str], ...] = ()


class Stored(msgspec.Struct, frozen=True):
    """What the store holds of an execution after an answer was lost."""

    status: Status
    owned: bool
    last_seq: int


class WorkerStore(Protocol):
    """What a worker needs. `lane` numbers its connections; every write is fenced by the lane's epoch."""

    async def register(self, name: str, queues: dict[str, int], lanes: int, lease: timedelta) -> Lease: ...

    async def unregister(self, lease: Lease) -> None: ...

    async def claim(
        self, lease: Lease, queue: str, limit: int, *, alone: bool = False, only: Collection[str] | None = None
    ) -> list[Claimed]: ...

    async def count_ready(self, queue: str, at_most: int) -> int: ...

    async def load_graph(self, definition_id: int) -> bytes: ...

    async def latest_definitions(self, workflows: Collection[str]) -> dict[str, int]: ...

    async def load_checkpoints(self, keys: Collection[int]) -> dict[int, list[Checkpoint]]: ...

    async def load_histories(self, keys: Collection[int]) -> dict[int, History]: ...

    async def collect(self, key: int, path: str, since: int = 0) -> list[tuple[str, str, Json, Json]]: ...

    async def commit(self, lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]: ...

    async def find_unstorable(self, values: Sequence[tuple[str, bytes]]) -> dict[str, str]: ...

    async def look(self, lease: Lease) -> Look: ...

    async def server_time(self) -> datetime: ...

    async def raise_own_epoch(self, lease: Lease, lane: int) -> Lease: ...

    async def raise_own_epochs(self, lease: Lease) -> Lease: ...

    async def read_stored(self, lease: Lease, keys: Collection[int]) -> dict[int, Stored]: ...

    async def read_told(self, lines: Mapping[int, LogLine]) -> set[int]: ...

    async def read_inboxes(self, keys: Collection[int]) -> dict[int, Inbox]: ...

    async def release(self, lease: Lease, lane: int, keys: Collection[int]) -> list[int]: ...

    async def owned(self, lease: Lease) -> list[int]: ...

    async def wake_due(self, limit: int = 1000) -> Woken: ...

    async def find_events(self, wanted: Sequence[Sought]) -> dict[int, list[Json]]: ...

    async def settle_events(self, sought: Sought) -> Json: ...

    async def route(self, limit: int = 1000) -> Routed: ...

    async def wake_workers(self, queue: str = "") -> None: ...

    async def outlook(
        self, *, only: Collection[str] | None = None, queues: Collection[str] | None = None
    ) -> Outlook: ...

    def forget_low_water(self) -> None: ...

    async def close(self) -> None: ...


class Recovery(Protocol):
    """What any worker does for dead ones, at any time."""

    async def take_over_expired(self) -> int: ...

    async def take_over(self, dead_id: int) -> int: ...

    async def sweep(self) -> tuple[int, int]: ...

    async def drop_events(self, limit: int = 1000) -> int: ...

    async def close(self) -> None: ...


Row: TypeAlias = tuple[Any, ...]
