"""A document on simulated workers, some of which die in the moment of a commit."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from durable_dsl import Graph
from durable_runtime.core.interpreter import counting
from durable_runtime.core.values import decode
from durable_runtime.store.protocol import Commit, Lease, Outcome, TryAgain
from tests.model.agreement import Observed
from tests.model.waited import EARLY, HOW_MANY
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
                for number in range(1, HOW_MANY + 1):
                    event = {"id": f"early {number}", "name": EARLY, "payload": {"n": number}}
                    request = self.store.send_request(row.public_id, "event", event)
                    with contextlib.suppress(StopIteration):
                        request.send(None)  # a statement in memory has nothing to wait for
        super()._add_worker()

    async def _edit(self) -> None:
        """Gives no node a result by hand: the reference would have to know when."""

    async def _cancel(self) -> None:
        self.cancels += 1
        await super()._cancel()


def observed(report: Report, id: str) -> Observed:
    """Gives what became of one execution of an installation."""
    (ending,) = (ending for ending in report.endings if ending.id == id)
    began = {(node, attempt): times for (of, node, attempt), times in report.ledger.began.items() if of == id}
    return Observed(
        status=ending.status,
        output=decode(ending.output) if ending.output is not None else None,
        error=decode(ending.error) if ending.error is not None else None,
        # What a retry of a failed execution took back is gone.
        history=list(counting(history_of(report.store, id))),
        began=Counter(began),
    )


def orphans(report: Report) -> list[str]:
    """Lists where children and the checkpoints that tell of them are not the same."""
    rows, found = report.store.rows, []
    for one in rows.executions.values():
        children = [each for each in rows.executions.values() if each.parent == one.key]
        history = history_of(report.store, one.public_id)
        awaited = {each.public_id for each in children if each.awaited}
        waiting = [each.result for each in history if each.kind == "waiting" and isinstance(each.result, dict)]
        told = {result["child"] for result in waiting if "child" in result}
        if awaited != told:
            found.append(f"{one.public_id} has the children {awaited}, and its history tells of {told}")
        started = [each for each in history if each.kind == "completed" and re.search(r"(^|/)z\d+$", each.path)]
        if len(started) != len(children) - len(awaited):
            found.append(f"{one.public_id} has {len(children) - len(awaited)} children started by {started}")
    return found
