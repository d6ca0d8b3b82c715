"""What becomes of durable-dsl's speed in a large database, and over a long time."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import documents
from benchmarks.contenders import durable
from benchmarks.soak import Sample, figures
from benchmarks.task import Figures, Gate, Run, Task
from durable_runtime import AsyncDurable
from durable_runtime.store.migrations import migrate

SETTINGS = durable.SETTINGS

_CHECKPOINTS = """
insert into durable.checkpoint (execution_id, seq, path, kind, attempt, finished_at)
select -(number / 10) - 1, number %% 10 + 1, 'step_' || number %% 10, 'step', 1, now()
from generate_series(%s::bigint, %s::bigint) number
"""
"""Ten each for executions that are long gone; real ones would take hours to run."""


SAMPLES = 20

_BUSY = """
select from durable.ready union all select from durable.execution where status = 'running' and owner is not null limit 1
"""


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
    """One worker that has a backlog again and again; its speed, its memory and the dead rows, twenty times."""
    executions, every = task["executions"], task["soak_seconds"] / SAMPLES
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(task.url, autocommit=True) as looking:
        path = documents.write(Path(folder), documents.sequence(task["steps"]))
        async with AsyncDurable(task.url) as client:
            await client.migrate()
            async with durable.idle_worker(task.url):
                await gate.go()
                began = last = time.monotonic()
                steps = counted = 0
                while last - began < task["soak_seconds"]:
                    await client.start_many(path, [{}] * executions)
                    while looking.execute(_BUSY).fetchone() is not None:
                        await asyncio.sleep(0.05)
                    steps += executions * task["steps"]
                    now = time.monotonic()
                    if now - last >= every:
                        speed = (steps - counted) / (now - last)
                        samples.append(Sample(now - began, speed, *_memory_and_dead_rows(looking)))
                        last, counted = now, steps
                gate.stop()
        row = looking.execute("select count(*) from durable.execution where status <> 'completed'").fetchone()
    if row != (0,):
        raise RuntimeError(f"{row} executions did not complete")
    return {"steps": steps, **figures(samples)}


def _memory_and_dead_rows(connection: psycopg.Connection[Any]) -> tuple[float, int]:
    row = connection.execute("select sum(n_dead_tup)::bigint from pg_stat_user_tables").fetchone()
    assert row is not None
    return psutil.Process().memory_info().rss / 1024**2, row[0] or 0


WORKLOADS: dict[str, Run] = {
    "growth_queue": growth,
    "growth_history": growth,
    "soak": soak,
    "soak_for_hours": soak,
}
