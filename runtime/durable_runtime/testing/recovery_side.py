"""Taking over from dead workers, in memory."""

from __future__ import annotations

from datetime import timedelta

from durable_runtime.core.checkpoints import ErrorValue
from durable_runtime.core.values import decode, encode
from durable_runtime.store.messages import Send
from durable_runtime.store.protocol import RECOVERY_LIMIT
from durable_runtime.store.rows import error_text
from durable_runtime.testing.messages_side import MessagesSide
from durable_runtime.testing.tables import Execution

_YOUNG = timedelta(seconds=5)
_KEEP = timedelta(days=7)


class RecoverySide(MessagesSide):
    """Behaves as `Takeover` does."""

    async def take_over_expired(self) -> int:
        with self._statement("take_over_expired"):
            return sum([self._take_over(worker_id) for worker_id in list(self.rows.workers)])

    async def take_over(self, dead_id: int) -> int:
        with self._statement("take_over"):
            return self._take_over(dead_id)

    def _take_over(self, dead_id: int) -> int:
        worker = self.rows.workers.get(dead_id)
        if worker is None or worker.expires_at >= self.clock.now():
            return 0
        del self.rows.workers[dead_id]
        return self._put_back(dead_id)

    def _put_back(self, dead_id: int) -> int:
        lost = [
            one
            for one in self.rows.executions.values()
            if one.owner == dead_id and one.status == "running" and one.key not in self._held
        ]
        for one in lost:
            self._recover(one)
        return len(lost)

    def _recover(self, one: Execution) -> None:
        seq = self._last_seq(one.key)
        one.owner = None
        one.recoveries = 1 if seq > one.recovered_seq else one.recoveries + 1
        one.recovered_seq = seq
        if one.recoveries >= RECOVERY_LIMIT:
            message = f"its worker was lost {one.recoveries} times in a row without a new checkpoint"
            error = error_text(ErrorValue(type="RecoveryLimit", message=message))
            assert error is not None
            one.status, one.error, one.finished_at = "failed", error.decode(), self.clock.now()
            if one.awaited and one.parent is not None:
                told = {
                    "id": one.public_id,
                    "call": one.public_id,
                    "path": one.parent_path,
                    "status": "failed",
                    "output": None,
                }
                self._post(one.parent, "child", encode({**told, "error": decode(one.error)})[0].decode())
            reason = encode({"reason": f"its parent {one.public_id} failed", "by": None})[0]
            self._send(one.key, Send(to=None, kind="cancel", payload=reason))
            self._close_waits(one.key)
        else:
            one.status = "pending"
            self._hint(one)

    async def sweep(self) -> tuple[int, int]:
        with self._statement("sweep"):
            owners = {one.owner for one in self.rows.executions.values() if one.status == "running"}
            gone = sorted(owner for owner in owners if owner is not None and owner not in self.rows.workers)
            orphans = sum([self._put_back(owner) for owner in gone])
            hinted = {hint.key for hint in self.rows.hints.values()}
            unhinted = [one for one in self.rows.executions.values() if self._lacks_hint(one) and one.key not in hinted]
            for one in unhinted:
                self._hint(one)
            return orphans, len(unhinted)

    async def drop_events(self, limit: int = 1000) -> int:
        with self._statement("drop_events"):
            now, keeping = self.clock.now(), self.rows.event_keeping
            held = {request.event_id for request in self.rows.requests.values()}
            expired = [
                event.id
                for event in self.rows.events.values()
                if event.routed and event.id not in held and event.sent_at < now - keeping.get(event.name, _KEEP)
            ][:limit]
            for event_id in expired:
                del self.rows.events[event_id]
            return len(expired)

    def _lacks_hint(self, one: Execution) -> bool:
        old_enough = one.created_at < self.clock.now() - _YOUNG
        idle = one.status == "pending" and one.owner is None
        return idle and old_enough and not self._waits_of(one.key)
