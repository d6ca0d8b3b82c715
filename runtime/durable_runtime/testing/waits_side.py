"""What executions wait for from outside, and requests to them, in memory."""

from __future__ import annotations

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import encode
from durable_runtime.store.rows import json_or_none, public_id_of
from durable_runtime.store.seen import PendingWait
from durable_runtime.testing.tables import PAUSES, Awaited, Execution, Request, Tables

_OPEN = ("pending", "running", "waiting")


class WaitsSide(Tables):
    """The part of the client's side that answers what is asked."""

    def _request(self, one: Execution, kind: str, text: str) -> None:
        request_id = self.rows.next_id("request")
        self.rows.requests[request_id] = Request(request_id, one.key, kind, text)
        one.signal += 1
        one.status = "pending" if one.status == "waiting" else one.status
        one.paused = PAUSES.get(kind, one.paused)
        if one.owner is None:
            self._hint(one)

    async def list_pending(
        self,
        *,
        public_id: str | None = None,
        workflow: str | None = None,
        kind: str | None = None,
        assignee: str | None = None,
        limit: int = 50,
    ) -> list[PendingWait]:
        with self._statement("list_pending"):
            found = []
            for (key, path, label), row in self.rows.open_waits.items():
                one, wait = self.rows.executions[key], row.wait
                if wait.kind != "cancel_on" and (
                    (public_id is None or one.public_id == public_id_of(public_id))
                    and (workflow is None or one.workflow == workflow)
                    and (kind is None or kind in (wait.kind, wait.detail.get("ask")))
                    and (assignee is None or assignee in wait.detail.get("assignees", ()))
                ):
                    order = (wait.opened_at, key, path, label)
                    found.append((order, _pending(one, row)))
            return [pending for _order, pending in sorted(found, key=lambda pair: pair[0])[:limit]]

    async def was_received(self, public_id: str, once: str) -> bool:
        with self._statement("was_received"):
            one = self._find(public_id)
            rows = self.rows.checkpoints.get(one.key, {}).values() if one is not None else ()
            return any(row[2] == "received" and json_or_none(row[4]).get("once") == once for row in rows)

    async def send_answer(self, public_id: str, path: str, label: str, answer: str, payload: Json) -> bool:
        with self._statement("send_answer"):
            text = encode(payload)[0].decode()
            one = self._find(public_id)
            if one is None or one.status not in _OPEN:
                return False
            self._must_be_free(one)
            row = self.rows.open_waits.get((one.key, path, label))
            if row is None or row.wait.kind != "ask" or row.answer is not None:
                return row is not None and row.answer == answer
            row.answer = answer
            self._request(one, "answer", text)
            return True


def _pending(one: Execution, row: Awaited) -> PendingWait:
    wait = row.wait
    return PendingWait(
        execution_id=one.public_id,
        workflow=one.workflow,
        path=wait.path,
        label=wait.label,
        kind="ask" if wait.kind == "ask" else "event",
        name=wait.name,
        key=wait.key,
        detail=wait.detail,
        opened_at=wait.opened_at,
        due_at=wait.due_at,
        answered=row.answer is not None,
    )
