"""durable-dsl with a transaction for every commit of an execution: what group commit is worth."""

from __future__ import annotations

from benchmarks.contenders import durable
from benchmarks.task import Figures, Gate, Run, Task
from durable_runtime.worker import worker
from durable_runtime.worker.journal import Entry, Journal

LANES = 8
"""Connections that write; the engine itself has two, which would be too few without batches."""

SETTINGS = f"a journal whose batches are of one entry, {LANES} connections that write"


class SingleJournal(Journal):
    """A journal that writes each entry in a statement of its own."""

    async def _write(self, lane: int, entries: list[Entry]) -> list[Entry]:
        busy: list[Entry] = []
        for entry in entries:
            busy += await super()._write(lane, [entry])
        return busy


async def backlog(task: Task, gate: Gate) -> Figures:
    # Of this process only, which does nothing else.
    worker.Journal = SingleJournal  # type: ignore[attr-defined]
    worker.LANES = LANES
    return await durable.backlog(task, gate)


WORKLOADS: dict[str, Run] = {"backlog": backlog}
