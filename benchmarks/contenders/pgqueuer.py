"""PgQueuer: a queue of jobs. A job stands for a step; it has no order, no result and no state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.types import QueueExecutionMode

from benchmarks import steps
from benchmarks.contenders.waiting import until_done
from benchmarks.task import Figures, Gate, Run, Task, by_callers, timed

POOL, BATCH = 20, 100
SETTINGS = (
    f"a job per step, asynchronous entrypoints, asyncpg with a pool of {POOL}, batch_size={BATCH}, tables logged "
    "(durability 'durable')"
)
DONE = "select count(*) from pgqueuer_log where status = 'successful'"


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[tuple[Any, dict[str, asyncio.Event]]]:
    logging.disable(logging.WARNING)
    async with asyncpg.create_pool(url, min_size=2, max_size=POOL) as pool:
        app = PgQueuer.from_asyncpg_pool(pool)
        await app.queries.install()
        ends: dict[str, asyncio.Event] = {}

        async def step(job: Any) -> None:
            await steps.nothing({})
            if job.payload is not None and job.payload.decode() in ends:
                ends[job.payload.decode()].set()

        app.entrypoint("step")(step)
        yield app, ends


async def backlog(task: Task, gate: Gate) -> Figures:
    jobs = task["executions"] * task["steps"]
    async with _opened(task.url) as (app, _ends):
        await app.queries.enqueue(["step"] * jobs, [None] * jobs, [0] * jobs)
        await gate.go()
        await app.qm.run(batch_size=BATCH, mode=QueueExecutionMode.drain)
        gate.stop()
        await until_done(task.url, DONE, jobs)
    return {"steps": jobs}


async def latency(task: Task, gate: Gate) -> Figures:
    """To the end of the job's function: what is stored afterwards comes in batches."""
    async with _opened(task.url) as (app, ends):
        working = asyncio.create_task(app.qm.run(batch_size=BATCH))
        await asyncio.sleep(0.5)

        async def once(number: int) -> None:
            ended = ends[str(number)] = asyncio.Event()
            await app.queries.enqueue("step", str(number).encode())
            await ended.wait()
            del ends[str(number)]

        await gate.go()
        figures = await timed(task["executions"], once)
        gate.stop()
        app.qm.shutdown.set()
        await asyncio.wait({working}, timeout=5)
    return figures


async def _starts(task: Task, gate: Gate, how: str) -> Figures:
    async with _opened(task.url) as (app, _ends):

        async def once(number: int) -> None:
            await app.queries.enqueue("step", str(number).encode())

        await once(0)
        count = task["starts"]
        await gate.go()
        figures: Figures = {"steps": count}
        if how == "single":
            figures = await timed(count, once, warm_up=0)
        elif how == "many":
            await app.queries.enqueue(["step"] * count, [None] * count, [0] * count)
        else:
            await by_callers(task["callers"], count, once)
        gate.stop()
    return figures


async def start_single(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "single")


async def start_many(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "many")


async def start_callers(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "callers")


async def idle(task: Task, gate: Gate) -> Figures:
    async with _opened(task.url) as (app, _ends):
        working = asyncio.create_task(app.qm.run(batch_size=BATCH))
        await asyncio.sleep(1)
        await gate.go()
        await asyncio.sleep(task["idle_seconds"])
        gate.stop()
        await gate.hold()
        app.qm.shutdown.set()
        await asyncio.wait({working}, timeout=5)
    return {"steps": task["idle_seconds"]}


WORKLOADS: dict[str, Run] = {
    "backlog": backlog,
    "latency": latency,
    "start_single": start_single,
    "start_many": start_many,
    "start_callers": start_callers,
    "idle": idle,
}
