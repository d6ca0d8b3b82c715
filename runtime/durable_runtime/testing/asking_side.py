"""What clients ask of many executions and of one's history, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.commands import Abandon
from durable_runtime.core.values import decode, encode
from durable_runtime.store.filters import EVERYTHING, Filter, Order
from durable_runtime.store.protocol import ExecutionRow, Status
from durable_runtime.store.rows import checkpoint_of, json_or_none
from durable_runtime.store.seen import LogLine, PublishedValue
from durable_runtime.store.streams import StreamItem
from durable_runtime.testing.tables import Execution, Tables

_OPEN = ("pending", "running", "waiting")
_NEVER = datetime.min.replace(tzinfo=UTC)


class AskingSide(Tables):
    """Behaves as `PostgresClientStore` does where it is asked."""

    async def list_executions(
        self,
        filter: Filter = EVERYTHING,
        *,
        order: Order = "newest",
        before: str | None = None,
        limit: int = 50,
        brief: bool = False,
    ) -> list[ExecutionRow]:
        with self._statement("list_executions"):
            found = [one for one in self.rows.executions.values() if self._fits(one, filter)]
            if order == "finished":
                found = [one for one in found if one.finished_at is not None]
                found.sort(key=lambda one: (one.finished_at or _NEVER, one.key), reverse=True)
            else:
                found.sort(key=lambda one: one.key, reverse=order == "newest")
            if before is not None:
                last = self._find(before)
                if last is None or (order == "finished" and last.finished_at is None):
                    return []
                found = [one for one in found if _comes_after(one, last, order)]
            rows = [self._row(one) for one in found[:limit]]
            return (
                [msgspec.structs.replace(row, input=None, output=None, error=None) for row in rows] if brief else rows
            )

    async def count_executions(self, filter: Filter = EVERYTHING) -> dict[str, int]:
        with self._statement("count_executions"):
            counts = Counter(_shown(one) for one in self.rows.executions.values() if self._fits(one, filter))
            return dict(sorted(counts.items()))

    def _fits(self, one: Execution, filter: Filter) -> bool:
        definition = self.rows.definitions[one.definition_id]
        headers = json_or_none(one.headers) or {}
        parent = None if filter.parent is None else self._find(filter.parent)
        version = filter.version
        return (
            (filter.statuses is None or _shown(one) in filter.statuses)
            and filter.workflow in (None, one.workflow)
            and (version is None or definition.version.startswith(version) or definition.label == version)
            and filter.queue in (None, one.queue)
            and filter.key in (None, one.user_key)
            and (filter.parent is None or (parent is not None and one.parent == parent.key))
            and not (filter.root_only and one.parent is not None)
            and all(headers.get(name) == value for name, value in (filter.headers or {}).items())
            and _is_within(one.created_at, filter.created_from, filter.created_until)
            and _is_within(one.finished_at, filter.finished_from, filter.finished_until)
        )

    async def family(self, key: int, limit: int = 10_000) -> list[ExecutionRow]:
        with self._statement("family"):
            one = self.rows.executions[key]
            first = one.root if one.root is not None else one.key
            found = [each for each in self.rows.executions.values() if first in (each.key, each.root)]
            return [self._row(each) for each in sorted(found, key=lambda each: each.key)[:limit]]

    async def find_value(self, public_id: str, name: str) -> tuple[Status, bytes | None] | None:
        with self._statement("find_value"):
            one = self._find(public_id)
            if one is None:
                return None
            shown = [value.value for _seq, value in self.rows.values.get(one.key, []) if value.name == name]
            return one.status, encode(shown[-1])[0] if shown else None

    async def list_values(self, key: int) -> list[PublishedValue]:
        with self._statement("list_values"):
            newest = {value.name: value for _seq, value in self.rows.values.get(key, [])}
            return [newest[name] for name in sorted(newest)]

    async def read_stream(
        self, public_id: str, name: str, after: int, limit: int
    ) -> tuple[Status, list[StreamItem]] | None:
        with self._statement("read_stream"):
            one = self._find(public_id)
            if one is None:
                return None
            found = sorted(
                (id, each)
                for id, each in self.rows.streams.get(one.key, {}).values()
                if each.name == name and id > after
            )
            return one.status, [
                StreamItem(id=id, value=decode(each.value), path=each.path, attempt=each.attempt, at=each.at)
                for id, each in found[:limit]
            ]

    async def list_checkpoints(self, key: int, after: int = 0) -> list[Checkpoint]:
        with self._statement("list_checkpoints"):
            stored = sorted(self.rows.checkpoints.get(key, {}).items())
            return [checkpoint_of(row) for seq, row in stored if seq > after]

    async def list_logs(
        self, key: int, *, levels: Collection[str] | None = None, node: str | None = None, after: int = 0
    ) -> list[LogLine]:
        with self._statement("list_logs"):
            lines = [
                msgspec.structs.replace(line, id=number)
                for number, line in enumerate(self.rows.logs.get(key, []), 1)
                if (levels is None or line.level in levels) and (node is None or Abandon(node).covers(line.path))
            ]
            return [line for line in lines if line.id > after]

    def _row(self, one: Execution) -> ExecutionRow:
        definition = self.rows.definitions[one.definition_id]
        return ExecutionRow(
            id=one.public_id,
            workflow=one.workflow,
            version=definition.version,
            label=definition.label,
            status=one.status,
            paused=one.paused,
            queue=one.queue,
            priority=one.priority,
            input=json_or_none(one.input),
            output=json_or_none(one.output),
            error=json_or_none(one.error),
            created_at=one.created_at,
            scheduled_at=one.scheduled_at,
            started_at=one.started_at,
            finished_at=one.finished_at,
            recoveries=one.recoveries,
            key=one.key,
            definition_id=one.definition_id,
            user_key=one.user_key,
            headers=json_or_none(one.headers) or {},
            parent_id=one.parent_id,
            parent_path=one.parent_path,
            depth=one.depth,
            attached=one.attached,
        )


def _shown(one: Execution) -> str:
    return "paused" if one.paused and one.status in _OPEN else one.status


def _is_within(at: datetime | None, begin: datetime | None, end: datetime | None) -> bool:
    if begin is None and end is None:
        return True
    return at is not None and (begin is None or at >= begin) and (end is None or at < end)


def _comes_after(one: Execution, last: Execution, order: Order) -> bool:
    if order == "finished":
        return (one.finished_at or _NEVER, one.key) < (last.finished_at or _NEVER, last.key)
    return one.key > last.key if order == "oldest" else one.key < last.key
