"""What clients need of a store: definitions, starts, questions, requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from durable_runtime.core.checkpoints import Checkpoint, Json, Snapshot
from durable_runtime.store.filters import EVERYTHING, Filter, Order
from durable_runtime.store.histories import History
from durable_runtime.store.protocol import ExecutionRow, NewExecution, Status
from durable_runtime.store.seen import LogLine, PendingWait, PublishedValue, WorkerRow
from durable_runtime.store.streams import StreamItem


class ClientStore(Protocol):
    """What clients need: definitions, starts, questions, requests."""

    async def save_definition(self, workflow: str, version: str, label: str | None, graph: bytes) -> int: ...

    async def latest_definition(self, workflow: str) -> tuple[int, bytes] | None: ...

    async def get_definition(self, definition_id: int) -> bytes: ...

    async def insert_executions(
        self, executions: Sequence[NewExecution], *, reject: bool = False, connection: Any = None
    ) -> list[str]: ...

    async def insert_many(self, like: NewExecution, count: int, rows: Iterable[tuple[str, bytes]]) -> None: ...

    async def debounce(
        self, new: NewExecution, span: timedelta, limit: timedelta | None, call: str, *, connection: Any = None
    ) -> str: ...

    async def find_execution(self, public_id: str) -> ExecutionRow | None: ...

    async def list_executions(
        self,
        filter: Filter = EVERYTHING,
        *,
        order: Order = "newest",
        before: str | None = None,
        limit: int = 50,
        brief: bool = False,
    ) -> list[ExecutionRow]: ...

    async def count_executions(self, filter: Filter = EVERYTHING) -> dict[str, int]: ...

    async def family(self, key: int, limit: int = 10_000) -> list[ExecutionRow]: ...

    async def list_checkpoints(self, key: int, after: int = 0) -> list[Checkpoint]: ...

    async def list_logs(
        self, key: int, *, levels: Collection[str] | None = None, node: str | None = None, after: int = 0
    ) -> list[LogLine]: ...

    async def list_progress(self, key: int) -> dict[str, Json]: ...

    async def list_workers(self) -> list[WorkerRow]: ...

    async def send_request(self, public_id: str, kind: str, payload: Json) -> Status | None: ...

    async def send_requests(self, public_ids: Sequence[str], kind: str, payload: Json) -> int: ...

    async def load_history(self, key: int) -> History: ...

    async def fork_execution(
        self, source: int, new: NewExecution, upto: int, forked: Checkpoint, base: Snapshot | None = None
    ) -> None: ...

    async def retry(self, public_id: str, payload: Json) -> Status | None: ...

    async def list_pending(
        self,
        *,
        public_id: str | None = None,
        workflow: str | None = None,
        kind: str | None = None,
        assignee: str | None = None,
        limit: int = 50,
    ) -> list[PendingWait]: ...

    async def emit_event(
        self, name: str, key: str, payload: bytes, sent_by: str, *, connection: Any = None
    ) -> None: ...

    async def keep_events(self, name: str, keep: timedelta) -> None: ...

    async def was_received(self, public_id: str, once: str) -> bool: ...

    async def find_value(self, public_id: str, name: str) -> tuple[Status, bytes | None] | None: ...

    async def list_values(self, key: int) -> list[PublishedValue]: ...

    async def read_stream(
        self, public_id: str, name: str, after: int, limit: int
    ) -> tuple[Status, list[StreamItem]] | None: ...

    async def send_answer(self, public_id: str, path: str, label: str, answer: str, payload: Json) -> bool: ...

    async def find_outcome(self, public_id: str) -> tuple[Status, Json, Json] | None: ...

    async def wake_workers(self, queue: str = "") -> None: ...

    async def close(self) -> None: ...
