"""The worker's side of the store in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.collecting import ITEM_KINDS
from durable_runtime.errors import LeaseLost
from durable_runtime.store.histories import History
from durable_runtime.store.outlook import Outlook
from durable_runtime.store.protocol import (
    Claimed,
    Commit,
    Inbox,
    Lease,
    Look,
    Outcome,
    Stored,
    TryAgain,
    Woken,
)
from durable_runtime.store.rows import checkpoint_of, json_or_none
from durable_runtime.store.seen import LogLine
from durable_runtime.testing.clock import FakeClock
from durable_runtime.testing.messages_side import MessagesSide
from durable_runtime.testing.tables import Execution, Hint, Request, Worker
from durable_runtime.testing.writing import apply, check, check_texts, reason_against

_LOWEST = (-(2**31), 0)


class WorkerSide(MessagesSide):
    """Behaves as `PostgresWorkerStore` does."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        super().__init__(clock)
        # By worker, since each has its own marks.
        self._low_water: dict[tuple[int, str, bool], tuple[int, int]] = {}

    def forget_low_water(self) -> None:
        """Makes the next claims look from the beginning."""
        self._low_water.clear()

    # -- workers and their leases --------------------------------------------------------------------------------------

    async def register(self, name: str, queues: dict[str, int], lanes: int, lease: timedelta) -> Lease:
        with self._statement("register"):
            now = self.clock.now()
            worker = Worker(self.rows.next_id("worker"), name, dict(queues), [1] * (lanes + 1), now, now + lease)
            self.rows.workers[worker.id] = worker
            return Lease(worker.id, tuple(worker.epochs))

    async def heartbeat(self, lease: Lease, span: timedelta, loop_lag: float = 0.0) -> datetime | None:
        """Renews a lease and gives the store's time; None when the worker was taken over."""
        with self._statement("heartbeat"):
            worker = self.rows.workers.get(lease.worker_id)
            if worker is None:
                return None
            worker.expires_at, worker.loop_lag = self.clock.now() + span, loop_lag
            return self.clock.now()

    async def server_time(self) -> datetime:
        with self._statement("server_time"):
            return self.clock.now()

    async def unregister(self, lease: Lease) -> None:
        with self._statement("unregister"):
            self.rows.workers.pop(lease.worker_id, None)

    async def raise_own_epoch(self, lease: Lease, lane: int) -> Lease:
        with self._statement("raise_own_epoch"):
            worker = self.rows.workers.get(lease.worker_id)
            if worker is None or worker.epochs[lane] < lease.epoch(lane):
                raise LeaseLost(f"worker {lease.worker_id} was taken over")
            if worker.epochs[lane] == lease.epoch(lane):
                worker.epochs[lane] += 1
            epochs = list(lease.epochs)
            epochs[lane] = worker.epochs[lane]
            return Lease(lease.worker_id, tuple(epochs))

    async def raise_own_epochs(self, lease: Lease) -> Lease:
        with self._statement("raise_own_epochs"):
            worker = self.rows.workers.get(lease.worker_id)
            if worker is None:
                raise LeaseLost(f"worker {lease.worker_id} was taken over")
            worker.epochs[:] = [epoch + 1 for epoch in worker.epochs]
            return Lease(lease.worker_id, tuple(worker.epochs))

    # -- claims --------------------------------------------------------------------------------------------------------

    async def claim(
        self, lease: Lease, queue: str, limit: int, *, alone: bool = False, only: Collection[str] | None = None
    ) -> list[Claimed]:
        with self._statement("claim"):
            self._fence(lease, len(lease.epochs) - 1)
            if only is not None:
                chosen = [one for one in self._families(only) if one.key not in self._held and _claimable(one)]
                return [self._claimed(one, lease) for one in chosen[:limit]]
            mark = (lease.worker_id, queue, alone)
            taken = self._take_hints(queue, alone, limit, self._low_water.get(mark, _LOWEST))
            if taken:
                self._low_water[mark] = taken[-1].order
            executions = [self.rows.executions[hint.key] for hint in taken]
            return [self._claimed(one, lease) for one in executions if _claimable(one)]

    async def count_ready(self, queue: str, at_most: int) -> int:
        with self._statement("count_ready"):
            found = [one for one in self.rows.hints.values() if one.queue == queue and not one.alone]
            return min(len(found), at_most)

    def _take_hints(self, queue: str, alone: bool, limit: int, after: tuple[int, int]) -> list[Hint]:
        hints = [
            hint
            for hint in self.rows.hints.values()
            if hint.queue == queue and hint.alone == alone and hint.order > after and hint.key not in self._held
        ]
        hints.sort(key=lambda hint: hint.order)
        taken = hints[:limit]
        for hint in taken:
            del self.rows.hints[hint.id]
        return taken

    def _claimed(self, one: Execution, lease: Lease) -> Claimed:
        fresh = one.started_at is None
        started_at = self.clock.now() if one.started_at is None else one.started_at
        one.status, one.owner, one.started_at = "running", lease.worker_id, started_at
        for wait in self._waits_of(one.key):
            del self.rows.waits[wait.id]
        return Claimed(
            key=one.key,
            id=one.public_id,
            definition_id=one.definition_id,
            workflow=one.workflow,
            queue=one.queue,
            signal=one.signal,
            recoveries=one.recoveries,
            input=json_or_none(one.input),
            created_at=one.created_at,
            scheduled_at=one.scheduled_at,
            started_at=started_at,
            fresh=fresh,
            parent_id=one.parent_id,
            parent_path=one.parent_path,
            depth=one.depth,
            awaited=one.awaited,
        )

    async def look(self, lease: Lease) -> Look:
        with self._statement("look"):
            now = self.clock.now()
            queues = sorted({(hint.queue, hint.alone) for hint in self.rows.hints.values()})
            due = [wait.due_at for wait in self.rows.waits.values()]
            requested = {request.key for request in self.rows.requests.values() if request.routed}
            return Look(
                ready=tuple(queue for queue, alone in queues if not alone),
                lonely=tuple(queue for queue, alone in queues if alone),
                due_in=(min(due) - now).total_seconds() if due else None,
                expired=any(worker.expires_at < now for worker in self.rows.workers.values()),
                signalled=tuple(sorted(key for key in requested if self.rows.executions[key].owner == lease.worker_id)),
                unrouted=self._unrouted(),
                others=tuple(
                    frozenset(worker.queues)
                    for worker_id, worker in self.rows.workers.items()
                    if worker_id != lease.worker_id and worker.expires_at >= now
                ),
            )

    async def owned(self, lease: Lease) -> list[int]:
        with self._statement("owned"):
            return [one.key for one in self.rows.executions.values() if _is_owned(one, lease)]

    async def release(self, lease: Lease, lane: int, keys: Collection[int]) -> list[int]:
        with self._statement("release"):
            try:
                self._fence(lease, lane)
            except LeaseLost:
                return []
            ours = [one for one in self.rows.executions.values() if one.key in keys and _is_owned(one, lease)]
            free = [one for one in ours if one.key not in self._held]
            for one in free:
                one.status, one.owner = "pending", None
                self._hint(one)
            if len(free) < len(ours):
                raise TryAgain("the rows of some executions are held by another transaction")
            return [one.key for one in free]

    # -- reading -------------------------------------------------------------------------------------------------------

    async def load_graph(self, definition_id: int) -> bytes:
        with self._statement("load_graph"):
            return self.rows.definitions[definition_id].graph

    async def latest_definitions(self, workflows: Collection[str]) -> dict[str, int]:
        with self._statement("latest_definitions"):
            stored = sorted(self.rows.definitions.values(), key=lambda definition: definition.id)
            return {definition.workflow: definition.id for definition in stored if definition.workflow in workflows}

    async def load_checkpoints(self, keys: Collection[int]) -> dict[int, list[Checkpoint]]:
        with self._statement("load_checkpoints"):
            stored = self.rows.checkpoints
            return {key: [checkpoint_of(row) for _seq, row in sorted(stored.get(key, {}).items())] for key in keys}

    async def load_histories(self, keys: Collection[int]) -> dict[int, History]:
        with self._statement("load_histories"):
            return {key: self._history(key) for key in keys}

    def _history(self, key: int) -> History:
        is_retried = any(request.key == key and request.kind == "retry" for request in self.rows.requests.values())
        snapshots = [one for _seq, one in sorted(self.rows.snapshots.get(key, {}).items())]
        chosen = [one for one in snapshots if one.pruned][:1] if is_retried else snapshots[-1:]
        after = 0 if is_retried or not chosen else chosen[0].seq
        rows = sorted(self.rows.checkpoints.get(key, {}).items())
        return History(chosen[0] if chosen else None, [checkpoint_of(row) for seq, row in rows if seq > after])

    async def collect(self, key: int, path: str, since: int = 0) -> list[tuple[str, str, Json, Json]]:
        with self._statement("collect"):
            found: list[tuple[str, str, Json, Json]] = []
            rows = sorted(self.rows.checkpoints.get(key, {}).items())
            for row in [row for seq, row in rows if seq > since]:
                stored = checkpoint_of(row)
                one_below = stored.path.startswith(f"{path}[") and stored.path.removeprefix(path).count("/") <= 1
                if one_below and stored.kind in ITEM_KINDS:
                    error = stored.error.as_json() if stored.error is not None else None
                    found.append((stored.path, stored.kind, stored.result, error))
            return found

    async def read_stored(self, lease: Lease, keys: Collection[int]) -> dict[int, Stored]:
        with self._statement("read_stored"):
            found = [self.rows.executions[key] for key in keys if key in self.rows.executions]
            return {one.key: Stored(one.status, one.owner == lease.worker_id, self._last_seq(one.key)) for one in found}

    async def read_told(self, lines: Mapping[int, LogLine]) -> set[int]:
        with self._statement("read_told"):
            return {
                key
                for key, line in lines.items()
                if any(line == msgspec.structs.replace(one, id=line.id) for one in self.rows.logs.get(key, []))
            }

    async def read_inboxes(self, keys: Collection[int]) -> dict[int, Inbox]:
        with self._statement("read_inboxes"):
            requests = sorted(self.rows.requests.values(), key=lambda request: request.id)
            return {
                key: Inbox(
                    self.rows.executions[key].signal,
                    tuple((r.id, r.kind, self._payload(r)) for r in requests if r.key == key and r.routed),
                )
                for key in keys
                if key in self.rows.executions
            }

    def _payload(self, request: Request) -> Json:
        if request.event_id is not None:
            return self._told(self.rows.events[request.event_id])
        return json_or_none(request.payload)

    # -- writing -------------------------------------------------------------------------------------------------------

    async def commit(self, lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        with self._statement("commit"):
            for commit in commits:
                check_texts(commit)
            self._fence(lease, lane)
            outcomes = [self._outcome(lease, commit) for commit in commits]
            written = [one for one, outcome in zip(commits, outcomes, strict=True) if outcome is Outcome.COMMITTED]
            for commit in written:
                check(self.rows, commit)
            for commit in written:
                apply(self.rows, commit)
                self._write_messages(commit)
                for request in commit.requests:
                    self.rows.requests.pop(request, None)
            return outcomes

    def _outcome(self, lease: Lease, commit: Commit) -> Outcome:
        if commit.move is None:
            return Outcome.COMMITTED
        one = self.rows.executions.get(commit.key)
        if one is None or not _is_owned(one, lease) or one.signal != commit.seen:
            return Outcome.REFUSED
        return Outcome.BUSY if one.key in self._held else Outcome.COMMITTED

    async def find_unstorable(self, values: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        with self._statement("find_unstorable"):
            reasons = {path: reason_against(text) for path, text in values}
            return {path: reason for path, reason in reasons.items() if reason is not None}

    # -- time ----------------------------------------------------------------------------------------------------------

    async def wake_due(self, limit: int = 1000) -> Woken:
        with self._statement("wake_due"):
            now = self.clock.now()
            due = [one for one in self.rows.waits.values() if one.due_at <= now and one.key not in self._held]
            due.sort(key=lambda wait: (wait.due_at, wait.id))
            del due[limit:]
            woken = 0
            first_due: dict[int, datetime] = {}
            for wait in due:
                del self.rows.waits[wait.id]
                first_due.setdefault(wait.key, wait.due_at)
            for key in sorted(first_due, key=lambda key: (first_due[key], key)):
                one = self.rows.executions[key]
                if one.owner is None and one.status in ("waiting", "pending"):
                    one.status = "pending"
                    self._hint(one)
                    woken += 1
            if len(due) >= limit:
                return Woken(woken, 0.0, self._unrouted())
            later = [wait.due_at for wait in self.rows.waits.values() if wait.due_at > now]
            return Woken(woken, (min(later) - now).total_seconds() if later else None, self._unrouted())

    async def outlook(self, *, only: Collection[str] | None = None, queues: Collection[str] | None = None) -> Outlook:
        with self._statement("outlook"):
            now = self.clock.now()
            found = self.rows.executions.values() if only is None else self._families(only)
            ours = [one for one in found if only is not None or queues is None or one.queue in queues]
            timed = {wait.key for wait in self.rows.waits.values() if wait.kind != "defer" or wait.due_at <= now}
            return Outlook(
                pending=self._unrouted() or any(one.status == "pending" for one in ours),
                running=any(one.status == "running" for one in ours),
                timers=any(one.status == "waiting" and one.key in timed for one in ours),
            )


def _claimable(one: Execution) -> bool:
    return one.status == "pending"


def _is_owned(one: Execution, lease: Lease) -> bool:
    return one.owner == lease.worker_id and one.status == "running"
