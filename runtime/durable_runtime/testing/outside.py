"""What comes from outside during a simulation: people's answers, and events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import msgspec

from durable_dsl import Graph
from durable_dsl.graph import Call, Node, Step, Wait
from durable_dsl.suggestions import did_you_mean
from durable_runtime.core.answers import problems_of
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.open_waits import OpenWait, matches, node_id_of
from durable_runtime.core.values import encode
from durable_runtime.errors import InvalidAnswer, InvalidOption
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.testing.memory import MemoryStore
from durable_runtime.worker.executor import Executor

_AT_ONCE = timedelta()


class Answer(msgspec.Struct, frozen=True):
    """An answer that is given `after` the wait opened."""

    value: Json
    by: str | None = None
    comment: str | None = None
    after: timedelta = _AT_ONCE


class Event(msgspec.Struct, frozen=True):
    """An event that is sent `after` the start, to the execution, or with `key` to all that wait for it.

    Early ones are kept until a wait takes them. Of those with the same `once` the first counts.
    """

    name: str
    payload: Json = None
    after: timedelta = _AT_ONCE
    key: str | None = None
    once: str | None = None


class Outside:
    """Gives answers to the asks that open and sends events, on the loop's time.

    `is_coming` tells whether more is certain to come.
    """

    def __init__(self, graphs: Sequence[Graph], answers: Mapping[str, Json | Answer], events: Sequence[Event]) -> None:
        asks = sorted(ask for graph in graphs for ask in _asks_of(graph))
        # What a function asks nobody knows before it runs; it is named with its step: charge/approval.
        calls = {node.id for graph in graphs for node in graph.walk() if _makes_calls(node)}
        for name in answers:
            step = node_id_of(name).rpartition("/")[0].removesuffix("/compensate")
            if step not in calls and not any(
                matches(name, *ask) or node_id_of(name) == ".".join(filter(None, ask)) for ask in asks
            ):
                known = [".".join(filter(None, ask)) for ask in asks]
                hint = did_you_mean(name, known) or "answers are named by the wait, with its label: sign_offs.legal"
                raise InvalidOption(f"the workflow '{graphs[0].workflow}' asks nothing at {name!r}; {hint}")
        self._answers = {
            name: answer if isinstance(answer, Answer) else Answer(answer) for name, answer in answers.items()
        }
        self._events = events
        self.is_coming = bool(events)
        self._new: asyncio.Queue[tuple[str, OpenWait]] = asyncio.Queue()
        self._left = len(events)
        self._store: MemoryStore | None = None
        self._id = ""

    def watch(self, store: MemoryStore, id: str) -> MemoryStore:
        """Makes the store tell which asks open; events go to the execution with this id."""
        commit = store.commit

        async def commit_and_tell(lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
            before = set(store.rows.open_waits)
            outcomes = await commit(lease, lane, commits)
            for place, row in store.rows.open_waits.items():
                if place not in before and row.wait.kind == "ask":
                    self._opened(store.rows.executions[place[0]].public_id, row.wait)
            return outcomes

        store.commit = cast(Any, commit_and_tell)  # type: ignore[method-assign]
        self._store, self._id = store, id
        return store

    def _opened(self, id: str, wait: OpenWait) -> None:
        if self._find(wait) is not None:
            self._left += 1
            self.is_coming = True
            self._new.put_nowait((id, wait))

    def _find(self, wait: OpenWait) -> Answer | None:
        place = wait.path if not wait.label else f"{wait.path}.{wait.label}"
        if place in self._answers:
            return self._answers[place]
        return next((answer for name, answer in self._answers.items() if matches(name, wait.path, wait.label)), None)

    async def serve(self, executor: Executor) -> None:
        """Sends what is to come when it is time, until cancelled."""
        opened = asyncio.ensure_future(self._new.get())
        tasks: set[asyncio.Task[Any]] = {asyncio.ensure_future(self._send(event, executor)) for event in self._events}
        try:
            while True:
                done, tasks = await asyncio.wait({opened, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                if opened in done:
                    tasks.add(asyncio.ensure_future(self._answer(*opened.result(), executor)))
                    opened = asyncio.ensure_future(self._new.get())
                tasks.discard(opened)
                for task in done:
                    task.result()
        finally:
            for task in (opened, *tasks):
                task.cancel()

    async def _send(self, event: Event, executor: Executor) -> None:
        encoded, payload = encode(event.payload)
        await asyncio.sleep(event.after.total_seconds())
        assert self._store is not None
        if event.key is not None:
            await self._store.emit_event(event.name, event.key, encoded, f"event {self._left}")
        else:
            told = {"name": event.name, "payload": payload} | ({} if event.once is None else {"once": event.once})
            await self._store.send_request(self._id, "event", told)
        await self._sent(executor)

    async def _answer(self, id: str, wait: OpenWait, executor: Executor) -> None:
        answer = self._find(wait)
        assert answer is not None
        problems = problems_of(wait.detail, answer.value)
        if problems:
            raise InvalidAnswer(f"the answer to {wait.path} does not fit: {'; '.join(problems)}", tuple(problems))
        await asyncio.sleep(answer.after.total_seconds())
        payload = {
            "path": wait.path,
            "label": wait.label,
            "value": answer.value,
            "by": answer.by,
            "comment": answer.comment,
        }
        assert self._store is not None
        await self._store.send_answer(id, wait.path, wait.label, "the answer", payload)
        await self._sent(executor)

    async def _sent(self, executor: Executor) -> None:
        self._left -= 1
        self.is_coming = self._left > 0
        executor.changed.set()
        await executor.read_inboxes(list(executor.runs))


def _makes_calls(node: Node) -> bool:
    return isinstance(node, Step) and isinstance(node.action, Call)


def _asks_of(graph: Graph) -> list[tuple[str, str]]:
    """Lists (node id, label) of everything that people are asked."""
    return [
        (node.id, "".join(path[1:]))
        for node in graph.walk()
        if isinstance(node, Wait)
        for path, awaited in node.awaited()
        if awaited.ask is not None
    ]
