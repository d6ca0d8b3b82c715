"""The client's side of the store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json, Snapshot
from durable_runtime.core.values import decode, encode
from durable_runtime.store.histories import History
from durable_runtime.store.protocol import (
    ExecutionRow,
    KeyTaken,
    NewExecution,
    StatementRefused,
    Status,
)
from durable_runtime.store.rows import checkpoint_of, json_or_none
from durable_runtime.store.seen import WorkerRow
from durable_runtime.testing.asking_side import AskingSide
from durable_runtime.testing.tables import Burst, Definition, Execution, Request
from durable_runtime.testing.waits_side import WaitsSide

_OPEN = ("pending", "running", "waiting")


class ClientSide(AskingSide, WaitsSide):
    """Behaves as `PostgresClientStore` does."""

    async def save_definition(self, workflow: str, version: str, label: str | None, graph: bytes) -> int:
        with self._statement("save_definition"):
            for stored in self.rows.definitions.values():
                if (stored.workflow, stored.version) == (workflow, version):
                    if stored.graph != graph:
                        raise ValueError(f"two graphs of {workflow!r} have the version {version}")
                    return stored.id
            new = Definition(self.rows.next_id("definition"), workflow, version, label, graph)
            self.rows.definitions[new.id] = new
            return new.id

    async def latest_definition(self, workflow: str) -> tuple[int, bytes] | None:
        with self._statement("latest_definition"):
            of_workflow = [stored for stored in self.rows.definitions.values() if stored.workflow == workflow]
            return (of_workflow[-1].id, of_workflow[-1].graph) if of_workflow else None

    async def get_definition(self, definition_id: int) -> bytes:
        with self._statement("get_definition"):
            return self.rows.definitions[definition_id].graph

    async def insert_executions(
        self, executions: Sequence[NewExecution], *, reject: bool = False, connection: Any = None
    ) -> list[str]:
        with self._statement("insert_executions"):
            if connection is not None:
                raise ValueError("a store in memory has no part in a transaction of PostgreSQL")
            now = self.clock.now()
            by_key = {(one.workflow, one.user_key): one.public_id for one in self.rows.executions.values()}
            taken = [new for new in executions if new.key is not None and (new.workflow, new.key) in by_key]
            if reject and taken:
                raise KeyTaken([str(new.key) for new in taken], [by_key[new.workflow, new.key] for new in taken])
            ids = [new.public_id for new in executions if new not in taken]
            known = {one.public_id for one in self.rows.executions.values()}
            if len(set(ids)) < len(ids) or known.intersection(ids):
                raise StatementRefused("an execution with this id is stored already")
            found = []
            for new in executions:
                if new.key is not None and (new.workflow, new.key) in by_key:
                    found.append(by_key[new.workflow, new.key])
                    continue
                found.append(new.public_id)
                by_key[new.workflow, new.key] = new.public_id
                one = Execution(
                    key=self.rows.next_id("execution"),
                    public_id=new.public_id,
                    definition_id=new.definition_id,
                    workflow=new.workflow,
                    queue=new.queue,
                    priority=new.priority,
                    input=new.input.decode(),
                    scheduled_at=new.scheduled_at,
                    created_at=now,
                    user_key=new.key,
                    headers=new.headers.decode() if new.headers is not None else None,
                )
                self.rows.executions[one.key] = one
                if one.scheduled_at is not None and one.scheduled_at > now:
                    self._wait(one.key, "", "start", one.scheduled_at)
                else:
                    self._hint(one)
            return found

    async def debounce(
        self, new: NewExecution, span: timedelta, limit: timedelta | None, call: str, *, connection: Any = None
    ) -> str:
        with self._statement("debounce"):
            now, place = self.clock.now(), (new.workflow, new.key)
            burst = self.rows.bursts.get(place)
            if burst is not None and burst.call == call:
                return self.rows.executions[burst.execution].public_id
            one = None if burst is None else self.rows.executions.get(burst.execution)
            first_at = now if burst is None else burst.first_at
            waits = [] if one is None else [wait for wait in self._waits_of(one.key) if wait.kind == "start"]
            if one is not None and one.started_at is None and one.signal == 0 and any(w.due_at > now for w in waits):
                self._must_be_free(one)
                for wait in waits:
                    del self.rows.waits[wait.id]
            else:
                first_at = now
                one = Execution(
                    key=self.rows.next_id("execution"),
                    public_id=new.public_id,
                    definition_id=new.definition_id,
                    workflow=new.workflow,
                    queue=new.queue,
                    priority=new.priority,
                    input="",
                    scheduled_at=None,
                    created_at=now,
                )
                self.rows.executions[one.key] = one
            one.scheduled_at = now + span if limit is None else min(now + span, first_at + limit)
            one.definition_id, one.queue, one.priority = new.definition_id, new.queue, new.priority
            one.input = new.input.decode()
            one.headers = new.headers.decode() if new.headers is not None else None
            self._wait(one.key, "", "start", one.scheduled_at)
            self.rows.bursts[place] = Burst(one.key, first_at, call)
            return one.public_id

    async def insert_many(self, like: NewExecution, count: int, rows: Iterable[tuple[str, bytes]]) -> None:
        executions = [msgspec.structs.replace(like, public_id=id, input=input) for id, input in rows]
        if len(executions) != count:
            raise ValueError(f"{count} executions were announced and {len(executions)} came")
        await self.insert_executions(executions)

    async def wake_workers(self, queue: str = "") -> None:
        with self._statement("wake_workers"):
            pass

    async def find_execution(self, public_id: str) -> ExecutionRow | None:
        with self._statement("find_execution"):
            one = self._find(public_id)
            return self._row(one) if one is not None else None

    async def find_outcome(self, public_id: str) -> tuple[Status, Json, Json] | None:
        with self._statement("find_outcome"):
            one = self._find(public_id)
            return (one.status, json_or_none(one.output), json_or_none(one.error)) if one is not None else None

    async def list_progress(self, key: int) -> dict[str, Json]:
        with self._statement("list_progress"):
            found: dict[str, Json] = {}
            rows = self.rows.checkpoints.get(key, {}).values()
            for (of, path), (progress, at) in sorted(self.rows.progress.items()):
                if of == key and not any(row[1] == path and row[2] != "entered" and row[8] >= at for row in rows):
                    found[path] = decode(progress)
            return found

    async def emit_event(self, name: str, key: str, payload: bytes, sent_by: str, *, connection: Any = None) -> None:
        with self._statement("emit_event"):
            self._emit(name, key, payload, sent_by)

    async def keep_events(self, name: str, keep: timedelta) -> None:
        with self._statement("keep_events"):
            self.rows.event_keeping[name] = keep

    async def list_workers(self) -> list[WorkerRow]:
        with self._statement("list_workers"):
            return [
                WorkerRow(
                    id=worker.id,
                    name=worker.name,
                    host="memory",
                    pid=0,
                    queues=dict(worker.queues),
                    started_at=worker.started_at,
                    expires_at=worker.expires_at,
                    expired=worker.expires_at < self.clock.now(),
                    loop_lag=worker.loop_lag,
                    executions=sum(one.owner == worker.id for one in self.rows.executions.values()),
                )
                for worker in self.rows.workers.values()
            ]

    async def send_request(self, public_id: str, kind: str, payload: Json) -> Status | None:
        with self._statement("send_request"):
            text = encode(payload)[0].decode()
            one = self._find(public_id)
            if one is None:
                return None
            self._must_be_free(one)
            found = one.status
            if found in _OPEN:
                self._request(one, kind, text)
            return found

    async def send_requests(self, public_ids: Sequence[str], kind: str, payload: Json) -> int:
        with self._statement("send_requests"):
            text = encode(payload)[0].decode()
            found = [one for one in map(self._find, public_ids) if one is not None]
            for one in found:
                self._must_be_free(one)
            taken = [one for one in sorted(found, key=lambda one: one.key) if one.status in _OPEN]
            for one in taken:
                self._request(one, kind, text)
            return len(taken)

    async def load_history(self, key: int) -> History:
        with self._statement("load_history"):
            pruned = [one for _seq, one in sorted(self.rows.snapshots.get(key, {}).items()) if one.pruned]
            rows = sorted(self.rows.checkpoints.get(key, {}).items())
            return History(pruned[0] if pruned else None, [checkpoint_of(row) for _seq, row in rows])

    async def fork_execution(
        self, source: int, new: NewExecution, upto: int, forked: Checkpoint, base: Snapshot | None = None
    ) -> None:
        with self._statement("fork_execution"):
            if self._find(new.public_id) is not None:
                raise StatementRefused("an execution with this id is stored already")
            keys = {(one.workflow, one.user_key) for one in self.rows.executions.values()}
            if new.key is not None and (new.workflow, new.key) in keys:
                raise StatementRefused("an execution of this workflow has this key already")
            one = Execution(
                key=self.rows.next_id("execution"),
                public_id=new.public_id,
                definition_id=new.definition_id,
                workflow=new.workflow,
                queue=new.queue,
                priority=new.priority,
                input=new.input.decode(),
                scheduled_at=None,
                created_at=self.clock.now(),
                started_at=self.clock.now(),
                user_key=new.key,
                headers=new.headers.decode() if new.headers is not None else None,
            )
            self.rows.executions[one.key] = one
            copied = {seq: row for seq, row in self.rows.checkpoints.get(source, {}).items() if seq <= upto}
            told = encode(forked.result)[0].decode()
            copied[upto + 1] = (upto + 1, "", "forked", 1, told, None, None, None, forked.finished_at)
            self.rows.checkpoints[one.key] = copied
            self.rows.values[one.key] = [pair for pair in self.rows.values.get(source, []) if pair[0] <= upto]
            if base is not None:
                self.rows.snapshots[one.key] = {base.seq: base}
            self._hint(one)

    async def retry(self, public_id: str, payload: Json) -> Status | None:
        with self._statement("retry"):
            text = encode(payload)[0].decode()
            one = self._find(public_id)
            if one is None:
                return None
            self._must_be_free(one)
            found = one.status
            if found == "failed":
                for request in [each for each in self.rows.requests.values() if each.key == one.key]:
                    if request.kind not in ("event", "answer", "child", "join"):
                        del self.rows.requests[request.id]
                one.status, one.signal, one.recoveries, one.paused = "pending", one.signal + 1, 0, False
                one.error = one.output = one.finished_at = None
                request_id = self.rows.next_id("request")
                self.rows.requests[request_id] = Request(request_id, one.key, "retry", text)
                self._hint(one)
            return found
