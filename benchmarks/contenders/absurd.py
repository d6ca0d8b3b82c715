"""Absurd: tasks are asynchronous Python functions whose steps are checkpoints; its logic is in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import AsyncAbsurd

from benchmarks import bodies, steps
from benchmarks.contenders.waiting import until_done
from benchmarks.task import Figures, Gate, Run, Task, by_callers, timed

WORKERS, CONCURRENCY, POLL = 8, 25, 0.01
SETTINGS = (
    f"asynchronous client and steps, {WORKERS} workers in one process with a connection each (which serves one "
    f"statement at a time), concurrency={CONCURRENCY}, poll_interval={POLL}; starts over {WORKERS} connections"
)
DONE = "select count(*) from absurd.t_default where state = 'completed'"

ended = 0


def _register(app: AsyncAbsurd) -> None:
    def add(name: str, body: Callable[[Callable[..., Awaitable[Any]], Any], Awaitable[Any]]) -> None:
        async def handler(params: Any, context: Any) -> Any:
            global ended

            async def step(step_name: str, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
                return await context.step(step_name, lambda: function(*arguments))

            result = await body(step, params)
            ended += 1
            return result

        app.register_task(name)(handler)

    add("sequence", bodies.in_sequence)
    add("foreach", lambda step, params: bodies.for_each(step, params["items"], params["window"]))
    add("order", bodies.order)


async def _prepare(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(absurdctl.BUNDLED_SCHEMA_SQL.encode())
        connection.execute("select absurd.create_queue('default')")


@asynccontextmanager
async def _clients(url: str, count: int) -> AsyncIterator[list[Any]]:
    clients = [AsyncAbsurd(url) for _ in range(count)]
    for client in clients:
        _register(client)
    try:
        yield clients
    finally:
        for client in clients:
            await client.close()


@asynccontextmanager
async def _working(clients: list[Any], poll: float = POLL) -> AsyncIterator[None]:
    running = [
        asyncio.create_task(client.start_worker(worker_id=f"w{number}", concurrency=CONCURRENCY, poll_interval=poll))
        for number, client in enumerate(clients)
    ]
    try:
        yield
    finally:
        for client in clients:
            client.stop_worker()
        await asyncio.gather(*running)


async def _run_one(task: Task, gate: Gate, name: str, params: Any) -> None:
    """Has one worker, which has run a small task, run one; started and waited for over a connection of its own."""
    await _prepare(task.url)
    async with _clients(task.url, 1) as workers, _clients(task.url, 1) as [client], _working(workers):
        small = await client.spawn("sequence", 1)
        await client.await_task_result(small["task_id"])
        await gate.go()
        spawned = await client.spawn(name, params)
        await client.await_task_result(spawned["task_id"])
        gate.stop()


async def _drain(task: Task, gate: Gate, name: str, inputs: list[Any]) -> None:
    await _prepare(task.url)
    async with _clients(task.url, 1) as [client]:
        for params in inputs:
            await client.spawn(name, params)
    async with _clients(task.url, WORKERS) as clients:
        await gate.go()
        async with _working(clients):
            await until_done(task.url, DONE, len(inputs), lambda: ended >= len(inputs))
            gate.stop()


async def sequence(task: Task, gate: Gate) -> Figures:
    await _run_one(task, gate, "sequence", task["steps"])
    return {"steps": task["steps"]}


async def backlog(task: Task, gate: Gate) -> Figures:
    await _drain(task, gate, "sequence", [task["steps"]] * task["executions"])
    return {"steps": task["executions"] * task["steps"]}


async def foreach(task: Task, gate: Gate) -> Figures:
    await _run_one(task, gate, "foreach", {"items": task["items"], "window": 100})
    return {"steps": task["items"]}


async def parallel(task: Task, gate: Gate) -> Figures:
    await _run_one(task, gate, "foreach", {"items": task["items"], "window": task["items"]})
    return {"steps": task["items"]}


async def realistic(task: Task, gate: Gate) -> Figures:
    executions = task["executions"]
    await _drain(task, gate, "order", [steps.make_order(number) for number in range(executions)])
    return {"steps": executions * bodies.STEPS_OF_AN_ORDER}


async def latency(task: Task, gate: Gate) -> Figures:
    """One worker, which is enough; start and result over a connection of their own."""
    await _prepare(task.url)
    async with _clients(task.url, 1) as workers, _clients(task.url, 1) as [client], _working(workers, poll=0.002):

        async def once(_number: int) -> None:
            spawned = await client.spawn("sequence", 1)
            await client.await_task_result(spawned["task_id"])

        await gate.go()
        figures = await timed(task["executions"], once)
        gate.stop()
    return figures


async def _starts(task: Task, gate: Gate, how: str) -> Figures:
    await _prepare(task.url)
    async with _clients(task.url, 1 if how == "single" else WORKERS) as clients:
        for client in clients:
            await client.spawn("sequence", 1)

        async def once(number: int) -> None:
            await clients[number % len(clients)].spawn("sequence", 1)

        await gate.go()
        if how == "single":
            figures = await timed(task["starts"], once, warm_up=0)
        else:
            await by_callers(task.sizes.get("callers", WORKERS), task["starts"], once)
            figures = {"steps": task["starts"]}
        gate.stop()
    return figures


async def start_single(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "single")


async def start_many(task: Task, gate: Gate) -> Figures:
    """There is no call for many: as many at once as there are connections."""
    return await _starts(task, gate, "many")


async def start_callers(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "callers")


async def idle(task: Task, gate: Gate) -> Figures:
    """One worker with its default poll interval of 0.25 s: polling faster is for speed only."""
    await _prepare(task.url)
    async with _clients(task.url, 1) as clients, _working(clients, poll=0.25):
        await asyncio.sleep(1)
        await gate.go()
        await asyncio.sleep(task["idle_seconds"])
        gate.stop()
        await gate.hold()
    return {"steps": task["idle_seconds"]}


WORKLOADS: dict[str, Run] = {
    "sequence": sequence,
    "backlog": backlog,
    "foreach": foreach,
    "parallel": parallel,
    "realistic": realistic,
    "latency": latency,
    "start_single": start_single,
    "start_many": start_many,
    "start_callers": start_callers,
    "idle": idle,
}
