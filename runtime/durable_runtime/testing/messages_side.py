"""What executions start and send, and the router, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import decode, encode
from durable_runtime.store.messages import Routed, Send, Sought, settled
from durable_runtime.store.protocol import Commit, NewChild
from durable_runtime.store.rows import json_or_none
from durable_runtime.testing.tables import PAUSES, Event, Execution, Request, Tables

OPEN = ("pending", "running", "waiting")


class MessagesSide(Tables):
    """Behaves as `PostgresWorkerStore` does between executions."""

    async def route(self, limit: int = 1000) -> Routed:
        with self._statement("route"):
            unrouted = [request for request in self.rows.requests.values() if not request.routed]
            unrouted.sort(key=lambda request: request.id)
            chosen = [request for request in unrouted if request.key not in self._held][:limit]
            targets: dict[int, Execution] = {}
            answers = 0
            for request in chosen:
                one = self.rows.executions[request.key]
                if one.status in OPEN:
                    request.routed = True
                    one.paused = PAUSES.get(request.kind, one.paused)
                    targets[one.key] = one
                else:
                    del self.rows.requests[request.id]
                    answers += request.kind == "join" and self._answer(one, decode(request.payload))
            claimable = []
            for one in sorted(targets.values(), key=lambda one: one.key):
                one.signal += 1
                if one.owner is None:
                    one.status = "pending"
                    self._hint(one)
                    claimable.append(one.key)
            owned = {one.key: one.owner for one in targets.values() if one.owner is not None}
            spread = [event for event in self.rows.events.values() if not event.routed][:limit]
            for event in spread:
                answers += self._spread(event)
            return Routed(len(chosen) + len(spread), tuple(claimable), owned, answers)

    def _spread(self, event: Event) -> int:
        """Makes an event a request to everyone who waits for it."""
        event.routed = True
        waiting = [
            place[0]
            for place, row in self.rows.open_waits.items()
            if (row.wait.name, row.wait.key) == (event.name, event.key)
        ]
        for key in sorted(set(waiting)):
            request_id = self.rows.next_id("request")
            self.rows.requests[request_id] = Request(request_id, key, "event", "null", routed=False, event_id=event.id)
        return len(set(waiting))

    async def find_events(self, wanted: Sequence[Sought]) -> dict[int, list[Json]]:
        with self._statement("find_events"):
            found: dict[int, list[Json]] = {}
            for each in wanted:
                since = self.rows.executions[each.execution].created_at
                for event in self.rows.events.values():
                    is_known = event.id in each.known or (event.id <= each.upto and event.xid < each.before)
                    is_new = event.sent_at >= since and not is_known
                    if (event.name, event.key) == (each.name, each.key) and is_new:
                        found.setdefault(each.execution, []).append(self._told(event))
            return {key: sorted(events, key=lambda told: told["event"]) for key, events in found.items()}

    async def settle_events(self, sought: Sought) -> Json:
        with self._statement("settle_events"):
            ids = {
                event.id for event in self.rows.events.values() if (event.name, event.key) == (sought.name, sought.key)
            }
            gone = [event for event in sought.known if event in ids or event not in self.rows.events]
            before = self.rows.last_ids.get("event", 0) + 1
            return settled(sought, before, max(ids, default=0), gone)

    def _told(self, event: Event) -> Json:
        return {
            "name": event.name,
            "key": event.key,
            "payload": json_or_none(event.payload),
            "event": event.id,
            "xid": event.xid,
        }

    def _unrouted(self) -> bool:
        waiting = any(not request.routed for request in self.rows.requests.values())
        return waiting or any(not event.routed for event in self.rows.events.values())

    def _families(self, ids: Collection[str]) -> list[Execution]:
        """Gives the executions with these ids and all that they started, in the order of their keys."""
        roots = {one.key for one in map(self._find, ids) if one is not None}
        found = [one for one in self.rows.executions.values() if one.key in roots or one.root in roots]
        return sorted(found, key=lambda one: one.key)

    def _write_messages(self, commit: Commit) -> None:
        parent = self.rows.executions[commit.key]
        for child in commit.starts:
            self._start_child(parent, child)
        for child in commit.starts:
            if child.execution.key is not None:
                self._attach(parent, child)
        for send in commit.sends:
            self._send(commit.key, send)
        for emit in commit.emits:
            self._emit(emit.name, emit.key, emit.payload, None)

    def _start_child(self, parent: Execution, child: NewChild) -> None:
        new = child.execution
        keys = {(one.workflow, one.user_key) for one in self.rows.executions.values() if one.user_key is not None}
        if self._find(new.public_id) is not None or (new.workflow, new.key) in keys:
            return
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
            user_key=new.key,
            headers=parent.headers,
            parent=parent.key,
            parent_id=parent.public_id,
            parent_path=child.path,
            root=parent.root if parent.root is not None else parent.key,
            depth=parent.depth + 1,
            attached=child.attached,
            awaited=child.awaited,
        )
        self.rows.executions[one.key] = one
        self._hint(one)

    def _attach(self, parent: Execution, child: NewChild) -> None:
        new = child.execution
        named = [
            one for one in self.rows.executions.values() if one.user_key == new.key and one.workflow == new.workflow
        ]
        told = {"id": named[0].public_id, "call": new.public_id, "path": child.path, "status": "started"}
        if not child.awaited:
            self._tell(parent, told)
        elif named[0].key in self._line(parent):
            message = "the execution with this key is above this one, so it would wait for itself"
            error = {"type": "KeyCycle", "message": message, "data": None, "node": None, "attempt": 1}
            self._tell(parent, {**told, "status": "refused"}, error=error)
        elif named[0].public_id != new.public_id:
            join = {"to": parent.public_id, "call": new.public_id, "path": child.path}
            self._post(named[0].key, "join", encode(join)[0].decode())

    def _line(self, one: Execution) -> list[int]:
        """Gives an execution's key and those of all above it."""
        return [one.key, *(self._line(self.rows.executions[one.parent]) if one.parent is not None else [])]

    def _answer(self, one: Execution, join: Json) -> bool:
        """Tells one who asks for the end of an execution that has ended."""
        asker = self._find(join["to"])
        if asker is not None:
            told = {"id": one.public_id, "call": join["call"], "path": join["path"], "status": one.status}
            self._tell(asker, told, output=json_or_none(one.output), error=json_or_none(one.error))
        return asker is not None

    def _tell(self, parent: Execution, told: Json, *, output: Json = None, error: Json = None) -> None:
        self._post(parent.key, "child", encode({**told, "output": output, "error": error})[0].decode())

    def _send(self, sender: int, send: Send) -> None:
        if send.to is None:
            family = [one for one in self.rows.executions.values() if one.parent == sender and one.attached]
            targets = [one for one in family if one.status in OPEN]
        else:
            found = self._find(send.to)
            targets = [found] if found is not None else []
        for one in targets:
            self._post(one.key, send.kind, send.payload.decode())

    def _post(self, key: int, kind: str, payload: str) -> None:
        request_id = self.rows.next_id("request")
        self.rows.requests[request_id] = Request(request_id, key, kind, payload, routed=False)
