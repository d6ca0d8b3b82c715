"""Procrastinate: a queue of jobs. A job stands for a step; it has no order, no result and no state."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import procrastinate as library

from benchmarks import steps
from benchmarks.contenders.waiting import until_done
from benchmarks.task import Figures, Gate, Run, Task, by_callers, timed

POOL, CONCURRENCY, POLL = 20, 100, 0.1
SETTINGS = (
    f"a job per step, asynchronous tasks, PsycopgConnector with {POOL} connections, concurrency={CONCURRENCY}, "
    f"LISTEN/NOTIFY on, fetch_job_polling_interval={POLL} but where idleness is measured"
)
DONE = "select count(*) from procrastinate_jobs where status = 'succeeded'"


class _Ends:
    """Counts the jobs that ended, and lets a starter wait for the end of its own."""

    def __init__(self) -> None:
        self.count = 0
        self.events: dict[int, asyncio.Event] = {}


def _make(url: str) -> tuple[Any, Any, _Ends]:
    logging.disable(logging.WARNING)
    app = library.App(connector=library.PsycopgConnector(conninfo=url, min_size=2, max_size=POOL))
    ends = _Ends()

    async def step(number: int) -> None:
        await steps.nothing({})
        ends.count += 1
        if number in ends.events:
            ends.events[number].set()

    return app, app.task(name="step")(step), ends


async def _work(app: Any) -> None:
    await app.run_worker_async(concurrency=CONCURRENCY, fetch_job_polling_interval=POLL, install_signal_handlers=False)


async def backlog(task: Task, gate: Gate) -> Figures:
    jobs = task["executions"] * task["steps"]
    app, step, ends = _make(task.url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 1000):
            await step.batch_defer_async(*({"number": number} for number in range(first, min(jobs, first + 1000))))
        await gate.go()
        working = asyncio.create_task(_work(app))
        await until_done(task.url, DONE, jobs, lambda: ends.count >= jobs)
        gate.stop()
        working.cancel()
        await asyncio.wait({working})
    return {"steps": jobs}


async def latency(task: Task, gate: Gate) -> Figures:
    """To the end of the job's function: nobody can wait for what is stored afterwards, other than by polling."""
    app, step, ends = _make(task.url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        working = asyncio.create_task(_work(app))
        await asyncio.sleep(0.5)

        async def once(number: int) -> None:
            ended = ends.events[number] = asyncio.Event()
            await step.defer_async(number=number)
            await ended.wait()
            del ends.events[number]

        await gate.go()
        figures = await timed(task["executions"], once)
        gate.stop()
        working.cancel()
        await asyncio.wait({working})
    return figures


async def _starts(task: Task, gate: Gate, how: str) -> Figures:
    app, step, _ends = _make(task.url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()

        async def once(number: int) -> None:
            await step.defer_async(number=number)

        await once(0)
        await gate.go()
        figures: Figures = {"steps": task["starts"]}
        if how == "single":
            figures = await timed(task["starts"], once, warm_up=0)
        elif how == "many":
            await step.batch_defer_async(*({"number": number} for number in range(task["starts"])))
        else:
            await by_callers(task["callers"], task["starts"], once)
        gate.stop()
    return figures


async def start_single(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "single")


async def start_many(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "many")


async def start_callers(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "callers")


async def idle(task: Task, gate: Gate) -> Figures:
    app, _step, _ends = _make(task.url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        working = asyncio.create_task(app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False))
        await asyncio.sleep(1)
        await gate.go()
        await asyncio.sleep(task["idle_seconds"])
        gate.stop()
        await gate.hold()
        working.cancel()
        await asyncio.wait({working})
    return {"steps": task["idle_seconds"]}


WORKLOADS: dict[str, Run] = {
    "backlog": backlog,
    "latency": latency,
    "start_single": start_single,
    "start_many": start_many,
    "start_callers": start_callers,
    "idle": idle,
}
