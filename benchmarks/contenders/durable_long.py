"""What becomes of durable-dsl's speed in a large database, and over a long time."""

from __future__ import annotations

import time

import psutil
import psycopg

from benchmarks import documents
from benchmarks.contenders import durable
from benchmarks.task import Figures, Gate, Run, Task
from durable_runtime.store.migrations import migrate

SETTINGS = durable.SETTINGS

_CHECKPOINTS = """
insert into durable.checkpoint (execution_id, seq, path, kind, attempt, finished_at)
select -(number / 10) - 1, number %% 10 + 1, 'step_' || number %% 10, 'step', 1, now()
from generate_series(%s::bigint, %s::bigint) number
"""
"""Ten each for executions that are long gone; real ones would take hours to run."""


async def growth(task: Task, gate: Gate) -> Figures:
    """W2, with the rest of the database full and an old transaction that keeps dead rows from being removed."""
    migrate(task.url)
    if task["queued"]:
        await durable.start(task.url, documents.sequence(1), [{}] * task["queued"], queue="elsewhere")
    with psycopg.connect(task.url, autocommit=True) as connection:
        for first in range(0, task["checkpoints"], 1_000_000):
            connection.execute(_CHECKPOINTS, [first, min(first + 1_000_000, task["checkpoints"]) - 1])
        connection.execute("vacuum analyze")
    await durable.start(task.url, documents.sequence(task["steps"]), [{}] * task["executions"])
    with psycopg.connect(task.url) as held:
        held.execute("select txid_current()")
        await gate.go()
        began = time.monotonic()
        report, ended = await durable.drain_queues(task.url, {"default": 200})
        gate.stop()
    if report.completed != task["executions"]:
        raise RuntimeError(f"{task['executions']} executions were started, and this became of them: {report}")
    gate.seconds = ended - began
    return {"steps": task["executions"] * task["steps"]}


async def soak(task: Task, gate: Gate) -> Figures:
    """W2 until the time is over; how much the memory and the dead rows grew from the second round to the last."""
    await gate.go()
    began, rounds = time.monotonic(), 0
    early: tuple[float, int] | None = None
    while time.monotonic() - began < task["soak_seconds"] or rounds < 3:
        await durable.start(task.url, documents.sequence(task["steps"]), [{}] * task["executions"])
        report, _ended = await durable.drain_queues(task.url, None)
        if report.completed != task["executions"]:
            raise RuntimeError(f"{task['executions']} executions were started, and this became of them: {report}")
        rounds += 1
        if rounds == 2:
            early = _memory_and_dead_rows(task.url)
    gate.stop()
    assert early is not None
    memory, dead = _memory_and_dead_rows(task.url)
    return {
        "steps": rounds * task["executions"] * task["steps"],
        "memory_growth_mb": memory - early[0],
        "dead_rows_growth": dead - early[1],
    }


def _memory_and_dead_rows(url: str) -> tuple[float, int]:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("select sum(n_dead_tup)::bigint from pg_stat_user_tables").fetchone()
    assert row is not None
    return psutil.Process().memory_info().rss / 1024**2, row[0] or 0


WORKLOADS: dict[str, Run] = {"growth_queue": growth, "growth_history": growth, "soak": soak}
