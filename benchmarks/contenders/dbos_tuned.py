"""DBOS in a process whose collector is set up as that of `durable worker`; its documentation does not speak of it."""

from __future__ import annotations

from benchmarks.contenders import dbos
from benchmarks.task import Figures, Gate, Run, Task
from durable_runtime.cli.connection import COLLECT_AFTER, ease_collection

SETTINGS = f"the same, with modules frozen (gc.freeze) and the collector after {COLLECT_AFTER:,} objects"


async def backlog(task: Task, gate: Gate) -> Figures:
    ease_collection()
    return await dbos.backlog(task, gate)


WORKLOADS: dict[str, Run] = {"backlog": backlog}
