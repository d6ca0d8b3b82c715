"""durable-dsl itself: YAML documents, started by a client, run by a worker as it comes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import bodies, documents, steps
from benchmarks.contenders import killed
from benchmarks.task import Figures, Gate, Run, Task, by_callers, timed
from durable_runtime import AsyncDurable, Worker, WorkerReport
from durable_runtime.cli.connection import COLLECT_AFTER, ease_collection
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.worker import worker

SETTINGS = (
    "one worker as it comes: 200 executions at once, two connections that write, LISTEN; in a process "
    f"set up as `durable worker` is: modules frozen (gc.freeze), collector after {COLLECT_AFTER:,} objects"
)


async def start(url: str, document: str, inputs: Sequence[Any], queue: str | None = None) -> None:
    """Starts an execution of the document for each input, and lets go of the database."""
    with tempfile.TemporaryDirectory() as folder:
        path = documents.write(Path(folder), document)
        async with AsyncDurable(url) as client:
            for first in range(0, len(inputs), 10_000):
                await client.start_many(path, inputs[first : first + 10_000], queue=queue)


class StampedStore(PostgresWorkerStore):
    """The store as it is, but for noting when its last commit was acknowledged.

    A worker told to run until it is idle only looks every 50 ms whether it is: too coarse to measure by.
    """

    acknowledged = 0.0

    async def commit(self, lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        outcomes = await super().commit(lease, lane, commits)
        StampedStore.acknowledged = time.monotonic()
        return outcomes


async def drain_queues(url: str, queues: Mapping[str, int] | None) -> tuple[WorkerReport, float]:
    """Runs a worker until it is idle; gives its report, and when its last commit was acknowledged."""
    # Of this process only, which does nothing else.
    worker.PostgresWorkerStore = StampedStore  # type: ignore[attr-defined]
    ease_collection()
    report = await Worker(url, queues=queues).run(until_idle=True)
    return report, StampedStore.acknowledged


async def drain_until_idle(url: str) -> tuple[WorkerReport, float]:
    """Runs a worker as it comes, on every queue."""
    return await drain_queues(url, None)


async def drain(task: Task, gate: Gate, executions: int) -> None:
    """Has one worker complete what was started; the time ends with its last commit."""
    await gate.go()
    began = time.monotonic()
    report, ended = await drain_until_idle(task.url)
    gate.stop()
    if report.completed != executions:
        raise RuntimeError(f"{executions} executions were started, and this became of them: {report}")
    gate.seconds = ended - began


async def run_one(task: Task, gate: Gate, document: str) -> None:
    """Starts one execution beside a worker that waits for work, as a deployment does, and waits for its result.

    The document was compiled and stored before, by a start that is not due, and a small one has run.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = documents.write(Path(folder), document)
        small = documents.write(Path(folder), documents.sequence(1), "small.yaml")
        async with AsyncDurable(task.url) as client:
            await client.start(path, {}, scheduled_at=timedelta(days=1))
            async with idle_worker(task.url):
                await client.result(await client.start(small, {}))
                await gate.go()
                await client.result(await client.start(path, {}))
                gate.stop()


async def sequence(task: Task, gate: Gate) -> Figures:
    await run_one(task, gate, documents.sequence(task["steps"]))
    return {"steps": task["steps"]}


async def backlog(task: Task, gate: Gate) -> Figures:
    await start(task.url, documents.sequence(task["steps"]), [{}] * task["executions"])
    await drain(task, gate, task["executions"])
    return {"steps": task["executions"] * task["steps"]}


async def foreach(task: Task, gate: Gate) -> Figures:
    await run_one(task, gate, documents.foreach(task["items"]))
    return {"steps": task["items"]}


async def foreach_short(task: Task, gate: Gate) -> Figures:
    executions = task["executions"]
    await start(task.url, documents.foreach(task["items"]), [{}] * executions)
    await drain(task, gate, executions)
    return {"steps": executions * task["items"]}


async def parallel(task: Task, gate: Gate) -> Figures:
    await run_one(task, gate, documents.parallel(task["items"]))
    return {"steps": task["items"]}


async def realistic(task: Task, gate: Gate) -> Figures:
    executions = task["executions"]
    await start(task.url, documents.ORDER, [steps.make_order(number) for number in range(executions)])
    await drain(task, gate, executions)
    return {"steps": executions * bodies.STEPS_OF_AN_ORDER}


@asynccontextmanager
async def idle_worker(url: str) -> AsyncIterator[None]:
    """A worker that is registered and listens."""
    ease_collection()
    idle = Worker(url)
    running = asyncio.create_task(idle.run())
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            listening = (
                "select 1 from pg_stat_activity where application_name = 'durable hints' and query ilike 'listen%'"
            )
            while (await (await connection.execute(listening)).fetchone()) is None:
                if running.done():
                    raise RuntimeError(f"the worker ended: {await running}")
                await asyncio.sleep(0.01)
        yield
    finally:
        idle.stop()
        await running


async def latency(task: Task, gate: Gate) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = documents.write(Path(folder), documents.sequence(1))
        async with AsyncDurable(task.url) as client:
            await client.migrate()
            async with idle_worker(task.url):

                async def once(_number: int) -> None:
                    await client.result(await client.start(path, {}))

                await gate.go()
                figures = await timed(task["executions"], once)
                gate.stop()
    return {**figures, "finished_p50_ms": _finished_p50_ms(task.url)}


def _finished_p50_ms(url: str) -> float:
    """From stored to finished by the server's clock: what a caller does not see, because it looks now and then."""
    query = "select percentile_cont(0.5) within group (order by finished_at - created_at) from durable.execution"
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return float(row[0].total_seconds() * 1000)


async def _starts(task: Task, gate: Gate, how: str) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = documents.write(Path(folder), documents.sequence(1))
        async with AsyncDurable(task.url) as client:

            async def once(_number: int) -> None:
                await client.start(path, {})

            await once(0)
            await gate.go()
            if how == "single":
                figures = await timed(task["starts"], once, warm_up=0)
            elif how == "many":
                await client.start_many(path, [{}] * task["starts"])
                figures = {"steps": task["starts"]}
            else:
                await by_callers(task["callers"], task["starts"], once)
                figures = {"steps": task["starts"]}
            gate.stop()
    return figures


async def start_single(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "single")


async def start_many(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "many")


async def start_callers(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "callers")


async def idle(task: Task, gate: Gate) -> Figures:
    async with AsyncDurable(task.url) as client:
        await client.migrate()
    async with idle_worker(task.url):
        await asyncio.sleep(2)  # what the start of it costs is published by then
        await gate.go()
        await asyncio.sleep(task["idle_seconds"])
        gate.stop()
        await gate.hold()
    return {"steps": task["idle_seconds"]}


async def recovery(task: Task, gate: Gate) -> Figures:
    """Starts, has a worker bring every execution to a step that hangs, kills it, and has another take over."""
    executions = task["executions"]
    await start(task.url, documents.held(), [{}] * executions)
    await killed.run_until_held("durable", task)
    await gate.go()
    began = datetime.now(UTC)
    started = time.monotonic()
    _report, ended = await drain_until_idle(task.url)
    gate.stop()
    gate.seconds = ended - started
    with psycopg.connect(task.url) as connection:
        row = connection.execute(
            "select count(*) filter (where status = 'completed'), min(finished_at) from durable.execution"
        ).fetchone()
    assert row is not None
    if row[0] != executions:
        raise RuntimeError(f"only {row[0]} of {executions} executions were recovered")
    waited = (row[1] - began).total_seconds()
    # The first step was done before the kill; the one that hung and the last are left to do.
    return {"steps": 2 * executions, "takeover_s": waited, "drain_s": gate.seconds - waited}


async def hold(task: Task) -> None:
    """The worker that is going to be killed, in a process of its own."""
    await Worker(task.url, concurrency=task["executions"]).run()


WORKLOADS: dict[str, Run] = {
    "sequence": sequence,
    "backlog": backlog,
    "foreach": foreach,
    "foreach_short": foreach_short,
    "foreach_long": foreach,
    "parallel": parallel,
    "realistic": realistic,
    "latency": latency,
    "start_single": start_single,
    "start_many": start_many,
    "start_callers": start_callers,
    "idle": idle,
    "recovery": recovery,
}
