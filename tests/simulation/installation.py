"""A whole installation in one process: workers that share a store, clients that cancel, and a seed for everything."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from durable_dsl import Graph
from durable_dsl.graph import Fail, Finish
from durable_runtime.core.open_waits import OpenWait
from durable_runtime.core.values import encode
from durable_runtime.store.protocol import TERMINAL, NewExecution, NoAnswer, TryAgain
from durable_runtime.testing import FakeClock, MemoryStore, VirtualTimeLoop
from durable_runtime.worker import looking
from tests.simulation.ledger import Ledger
from tests.simulation.wire import Weather
from tests.simulation.worker import SimulatedWorker, duplicating

STORM = 25.0
"""Seconds during which things go wrong; afterwards everything has to come to its end."""

PATIENCE = 600.0
"""Seconds after the storm by which everything must be over, the longest wait of any workflow included."""


@dataclass
class Ending:
    """What became of one execution. `losses` counts the workers that held it and were lost, and its retries.

    `edited`: someone tried to give a node another result.
    """

    id: str
    status: str
    output: Any
    error: Any
    cancelled: bool
    losses: int
    edited: bool = False


@dataclass
class Report:
    """What an installation came to: its endings, the store as it was left, and everything that went wrong."""

    store: MemoryStore
    ledger: Ledger
    endings: list[Ending] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)


class Installation:
    """Runs executions of one graph, and of those `beside` it that they start, to their ends, in calm or in a storm."""

    def __init__(
        self,
        graph: Graph,
        inputs: list[dict[str, Any]],
        seed: int,
        *,
        stormy: bool,
        beside: Sequence[Graph] = (),
    ) -> None:
        self._beside = beside
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.ledger = Ledger(self.store, seed)
        self._graph = graph
        self._inputs = inputs
        self._random = random.Random(seed)
        self._weather = Weather(seed, stormy=stormy)
        self._workers: list[SimulatedWorker] = []
        self._ids = [f"00000000-0000-7000-8000-{number:012}" for number in range(1, len(inputs) + 1)]
        self._losses: Counter[str] = Counter()
        self._is_over = False
        self._acknowledged: set[str] = set()
        self._edited: set[str] = set()
        self._terminal: dict[str, tuple[str, str | None, str | None]] = {}
        self._problems: list[str] = []
        self._strangers: set[asyncio.Task[None]] = set()
        self.acknowledged_events: list[tuple[str, str]] = []

    def run(self) -> Report:
        """Runs until every execution is over, and reports."""
        with (
            duplicating(self._weather),
            mock.patch.object(looking, "MOST_BROADCASTS", 1),
            asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(self.clock)) as runner,
        ):
            runner.run(self._run())
        report = Report(self.store, self.ledger, problems=self._problems + self.ledger.problems)
        report.events = self.acknowledged_events
        for one in self.store.rows.executions.values():
            id = one.public_id
            ending = Ending(
                id, one.status, one.output, one.error, id in self._acknowledged, self._losses[id], id in self._edited
            )
            report.endings.append(ending)
        return report

    async def _run(self) -> None:
        graph, store = self._graph, self.store
        for each in self._beside:
            await store.save_definition(each.workflow, each.version, None, each.to_json())
        definition = await store.save_definition(graph.workflow, graph.version, None, graph.to_json())
        await store.insert_executions(
            [
                NewExecution(public_id=id, definition_id=definition, workflow=graph.workflow, input=encode(input)[0])
                for id, input in zip(self._ids, self._inputs, strict=True)
            ]
        )
        for _ in range(self._random.randint(1, 3) if self._weather.stormy else 1):
            self._add_worker()
        people = asyncio.ensure_future(self._give_what_is_open())
        self._strangers.add(people)
        if self._weather.stormy:
            await self._storm()
        await self._calm()
        for worker in self._workers:
            if worker.was_taken_over:
                self._count_losses(worker.held)  # it would have noticed sooner or later
        self._is_over = True
        for worker in self._workers:
            await worker.kill()
        for stranger in self._strangers:
            stranger.cancel()

    def _add_worker(self) -> None:
        self._workers.append(
            SimulatedWorker(
                self.store, self.clock, self.ledger, self._weather, after=self._look, lost=self._count_losses
            )
        )

    def _count_losses(self, ids: set[str]) -> None:
        if self._is_over:
            return  # the workers that are left at the end are sent home
        for id in ids:
            self._losses[id] += 1

    def _look(self) -> None:
        """After each statement: what is over stays as it is."""
        for one in self.store.rows.executions.values():
            now = (one.status, one.output, one.error)
            before = self._terminal.get(one.public_id)
            if before is not None and now != before:
                self._problems.append(f"{one.public_id} was over as {before} and became {now}")
            if one.status in TERMINAL:
                self._terminal[one.public_id] = now

    async def _storm(self) -> None:
        events = [
            self._crash,
            self._steal,
            self._hold,
            self._hold,
            self._cancel,
            self._die_and_stay_dead,
            self._pause,
            self._resume,
            self._retry,
            self._edit,
        ]
        weights = [self._random.random() for _ in events]
        loop = asyncio.get_running_loop()
        while loop.time() < STORM and not self._all_over():
            await asyncio.sleep(self._random.random() * self._random.choice((0.2, 2.0, 6.0)))
            (event,) = self._random.choices(events, weights)
            await event()
        await self._retry()
        self._weather.stormy = False
        for id in self._ids:
            await self._insist_on_resuming(id)
        for worker in self._workers:
            worker.stalled = False
        if not self._workers:
            self._add_worker()

    def _all_over(self) -> bool:
        """Tells whether everything that was started has ended, children included, and nothing is on its way."""
        rows = self.store.rows
        return len(self._terminal) == len(rows.executions) and all(each.routed for each in rows.requests.values())

    async def _calm(self) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE
        while not self._all_over():
            await asyncio.sleep(0.5)
            for worker in self._workers:
                failure = worker.failure()
                if failure is not None:
                    raise AssertionError("a worker ended by itself") from failure
            if loop.time() > ends:
                stuck = [one for one in self.store.rows.executions.values() if one.status not in TERMINAL]
                self._problems.append(f"not over {PATIENCE:g} s after the storm: {stuck}")
                return

    async def _give_what_is_open(self) -> None:
        """Clients answer what is asked and send the events that are waited for, some twice and some for nobody."""
        chance = random.Random(f"people {self._random.random()}")
        sent = 0
        while True:
            await asyncio.sleep(0.1 + chance.random() * 2)
            for (key, path, label), row in list(self.store.rows.open_waits.items()):
                if chance.random() < 0.3:
                    continue
                id = self.store.rows.executions[key].public_id
                if await self._gives_itself(key, row.wait):
                    continue
                for _ in range(1 if chance.random() < 0.9 else 2):
                    sent += 1
                    with contextlib.suppress(NoAnswer, TryAgain):
                        if row.wait.kind == "ask":
                            answer = {"path": path, "label": label, "value": "yes", "by": "ada", "comment": None}
                            await self.store.send_answer(id, path, label, f"answer {sent}", answer)
                        elif row.wait.key is not None:
                            event = f"event {sent}"
                            for _again in range(chance.choice((1, 1, 2))):
                                await self.store.emit_event(str(row.wait.name), row.wait.key, b'{"n":1}', event)
                        else:
                            await self._send_event(id, f"event {sent}", str(row.wait.name), chance.random() < 0.1)

    async def _gives_itself(self, key: int, wait: OpenWait) -> bool:
        """Whether a special installation sees to this wait."""
        return False

    async def _send_event(self, id: str, event: str, name: str, again: bool) -> None:
        if self._weather.stormy and again:
            await self.store.send_request(
                id, "event", {"id": f"{event} for nobody", "name": "nobody", "payload": {"n": 0}}
            )
        payload = {"id": event, "name": name, "payload": {"n": 1}}
        found = await self.store.send_request(id, "event", payload)
        if found not in TERMINAL:
            self.acknowledged_events.append((id, event))
        if again:
            await self.store.send_request(id, "event", payload)

    # -- what happens in a storm

    async def _crash(self) -> None:
        if self._workers:
            await self._workers.pop(self._random.randrange(len(self._workers))).kill()
        self._add_worker()

    async def _die_and_stay_dead(self) -> None:
        if len(self._workers) > 1:
            await self._workers.pop(self._random.randrange(len(self._workers))).kill()

    async def _steal(self) -> None:
        """A worker's heartbeat stops for longer than its lease, while everything else of it goes on."""
        if self._workers:
            worker = self._random.choice(self._workers)
            worker.stalled = True
            asyncio.get_running_loop().call_later(self._random.random() * 12, setattr, worker, "stalled", False)
        if len(self._workers) < 2:
            self._add_worker()

    async def _hold(self) -> None:
        """A stranger's transaction holds an execution's row for a while."""

        async def hold(key: int, seconds: float) -> None:
            with self.store.held(key):
                await asyncio.sleep(seconds)

        key = self._random.choice(list(self.store.rows.executions))
        stranger = asyncio.ensure_future(hold(key, self._random.random() * self._random.choice((0.1, 1.0, 5.0))))
        self._strangers.add(stranger)
        stranger.add_done_callback(self._strangers.discard)

    async def _cancel(self) -> None:
        id = self._random.choice(self._ids)
        if self._random.random() >= 0.6:
            await self._send_cancel(id)

    async def _send_cancel(self, id: str) -> None:
        payload: dict[str, Any] = {"reason": "a client said so"}
        if self._random.random() < 0.5:
            payload["compensate"] = True
        try:
            found = await self.store.send_request(id, "cancel", payload)
        except (NoAnswer, TryAgain):
            return
        if found not in TERMINAL:
            self._acknowledged.add(id)

    async def _pause(self) -> None:
        with suppress(NoAnswer, TryAgain):
            await self.store.send_request(self._random.choice(self._ids), "pause", {"reason": "a client said so"})

    async def _retry(self) -> None:
        failed = [one for one in self.store.rows.executions.values() if one.status == "failed"]
        if not failed:
            return
        id = self._random.choice(failed).public_id
        with suppress(TryAgain):
            if await self.store.retry(id, {"reason": "a client said so"}) == "failed":
                self._terminal.pop(id, None)
                self._losses[id] += 1  # what failed begins once more, as after a loss

    async def _edit(self) -> None:
        """Gives a node of the first list a result, if it happens to be open."""
        nodes = [node.name for node in self._graph.steps if not isinstance(node, (Finish, Fail))]
        if not nodes or self._random.random() < 0.5:
            return
        id = self._random.choice(self._ids)
        self._edited.add(id)
        with suppress(TryAgain):
            edit = {"node": self._random.choice(nodes), "value": None}
            await self.store.send_request(id, "set_result", {"edit": edit})

    async def _insist_on_resuming(self, id: str) -> None:
        while True:
            try:
                await self.store.send_request(id, "resume", None)
                return
            except TryAgain:  # a stranger holds its row
                await asyncio.sleep(0.1)

    async def _resume(self) -> None:
        with suppress(NoAnswer, TryAgain):
            await self.store.send_request(self._random.choice(self._ids), "resume", None)
