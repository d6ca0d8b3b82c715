"""A document on simulated workers, some of which die in the moment of a commit."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from durable_dsl import Graph
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.interpreter import counting
from durable_runtime.core.open_waits import OpenWait
from durable_runtime.core.values import decode, encode
from durable_runtime.store.protocol import Commit, Lease, NoAnswer, Outcome, TryAgain
from tests.model.agreement import Observed
from tests.model.waited import BY_KEY, EARLY, PAYLOAD, TOLD, early_mail
from tests.simulation.installation import Installation, Report
from tests.simulation.invariants import history_of

Deed = Literal["die before", "die after", "cancel"]


@dataclass(frozen=True)
class Moment:
    """What happens at which commit of an installation, counted from 1."""

    commit: int
    deed: Deed


class ModelInstallation(Installation):
    """Strikes at commits by a plan, beside everything that a storm does."""

    def __init__(
        self,
        graph: Graph,
        inputs: list[dict[str, Any]],
        seed: int,
        plan: Sequence[Moment],
        *,
        stormy: bool,
        beside: Sequence[Graph] = (),
    ) -> None:
        super().__init__(graph, inputs, seed, stormy=stormy, beside=beside)
        self.cancels = 0
        self._told = False
        self._late = 0
        self._plan = {moment.commit: moment.deed for moment in plan}
        self._commits = 0
        self._commit = self.store.commit
        self.store.commit = self._strike  # type: ignore[method-assign]

    async def _strike(self, lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        self._commits += 1
        deed = self._plan.pop(self._commits, None)
        if deed == "die before":
            await self._kill(lease.worker_id)
            raise TryAgain("it never arrived, and nobody hears of it")
        if deed == "cancel":
            self.cancels += 1
            await self._send_cancel(self._ids[0])
        outcomes = await self._commit(lease, lane, commits)
        if deed == "die after":
            await self._kill(lease.worker_id)
        return outcomes

    async def _kill(self, worker_id: int) -> None:
        for worker in [worker for worker in self._workers if worker.id == worker_id]:
            self._workers.remove(worker)
            await worker.kill()
        self._add_worker()

    def _add_worker(self) -> None:
        """Sends every execution its early events before the first worker comes."""
        if not self._workers and not self._told:
            self._told = True
            for row in self.store.rows.executions.values():
                for name, payloads in early_mail().items():
                    for payload in payloads:
                        giving = self._give(row.public_id, name, payload, f"{name} {payload}")
                        with contextlib.suppress(StopIteration):
                            giving.send(None)  # a statement in memory has nothing to wait for
        super()._add_worker()

    async def _gives_itself(self, key: int, wait: OpenWait) -> bool:
        """Sends one event more where all that were sent were looked at and none fits: then the execution is parked."""
        if wait.name not in (EARLY, BY_KEY):
            return False
        one, rows = self.store.rows.executions[key], self.store.rows
        is_parked = one.status == "waiting" and not one.paused
        is_quiet = all(each.routed for each in rows.requests.values()) and all(e.routed for e in rows.events.values())
        if is_parked and is_quiet:
            self._late += 1
            with contextlib.suppress(NoAnswer, TryAgain):
                await self._give(one.public_id, str(wait.name), PAYLOAD, f"late {self._late}")
        return True

    async def _give(self, id: str, name: str, payload: Json, event: str) -> None:
        if name == EARLY:
            await self.store.send_request(id, "event", {"id": event, "name": name, "payload": payload})
        else:
            await self.store.emit_event(name, id, encode(payload)[0], f"{event} for {id}")

    async def _edit(self) -> None:
        """Gives no node a result by hand: the reference would have to know when."""

    async def _cancel(self) -> None:
        self.cancels += 1
        await super()._cancel()


def observed(report: Report, id: str) -> Observed:
    """Gives what became of one execution of an installation."""
    (ending,) = (ending for ending in report.endings if ending.id == id)
    everything = history_of(report.store, id)
    # What a retry of a failed execution took back is gone. What began in it began rightly: chance may have decided in
    # another way then, and it came nowhere near that since.
    history = list(counting(everything))
    gone = {one.path for one in everything} - {one.path for one in history}
    began = {
        (path, attempt): times
        for (of, path, attempt), times in report.ledger.began.items()
        if of == id and path not in gone
    }
    return Observed(
        status=ending.status,
        output=decode(ending.output) if ending.output is not None else None,
        error=decode(ending.error) if ending.error is not None else None,
        history=history,
        began=Counter(began),
    )


def strays(report: Report) -> list[str]:
    """Lists where children and events are not those that the checkpoints tell of."""
    rows, found = report.store.rows, []
    for one in rows.executions.values():
        children = [each for each in rows.executions.values() if each.parent == one.key]
        history = history_of(report.store, one.public_id)
        awaited = {each.public_id for each in children if each.awaited}
        waiting = [each.result for each in history if each.kind == "waiting" and isinstance(each.result, dict)]
        awaiting = {result["child"] for result in waiting if "child" in result}
        if awaited != awaiting:
            found.append(f"{one.public_id} has the children {awaited}, and its history tells of {awaiting}")
        # What a `catch` gave in place of a failure did nothing outside.
        caught = {each.path for each in history if each.kind == "caught"}
        done = [each.path for each in history if each.kind == "completed" and each.path not in caught]
        started = [path for path in done if re.search(r"(^|/)z\d+$", path)]
        if len(started) != len(children) - len(awaited):
            found.append(f"{one.public_id} has {len(children) - len(awaited)} children started by {started}")
        sent = [row for row in rows.events.values() if (row.name, row.key) == (TOLD, one.public_id)]
        emitted = [path for path in done if re.search(r"(^|/)m\d+$", path)]
        if len(sent) != len(emitted):
            found.append(f"{one.public_id} sent {len(sent)} events by {emitted}")
    return found
