"""DBOS: workflows are asynchronous Python functions, started through a queue or directly."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from dbos import DBOS, DBOSClient

from benchmarks import bodies, steps
from benchmarks.contenders import killed
from benchmarks.contenders.waiting import until_done
from benchmarks.task import Figures, Gate, Run, Task, by_callers, timed

POOL, THREADS, CONCURRENCY, POLL = 40, 64, 200, 0.05
SETTINGS = (
    f"asynchronous workflows and steps, sys_db_pool_size={POOL}, max_executor_threads={THREADS}, LISTEN/NOTIFY on, a "
    f"queue with worker_concurrency={CONCURRENCY} and polling_interval_sec={POLL}; logging off"
)
QUEUE = "bench"
DONE = "select count(*) from dbos.workflow_status where status = 'SUCCESS'"

ended = 0


def _step(name: str, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Awaitable[Any]:
    step: Awaitable[Any] = DBOS.run_step_async({"name": name}, function, *arguments)
    return step


async def _sequence(count: int) -> None:
    global ended
    await bodies.in_sequence(_step, count)
    ended += 1


async def _foreach(count: int, window: int) -> int:
    global ended
    found = await bodies.for_each(_step, count, window)
    ended += 1
    return found


async def _order(order: dict[str, Any]) -> dict[str, Any]:
    global ended
    closed = await bodies.order(_step, order)
    ended += 1
    return closed


async def _held() -> None:
    global ended
    await _step("before", steps.nothing, {})
    await _step("hold", steps.hold)
    await _step("after", steps.nothing, {})
    ended += 1


def _launch(url: str) -> dict[str, Any]:
    """Configures DBOS and gives its workflows by name; `DBOS.launch` is left to the caller."""
    logging.disable(logging.WARNING)
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "sys_db_pool_size": POOL,
            "max_executor_threads": THREADS,
            "application_version": "1",
            "executor_id": "bench",
            "run_admin_server": False,
            "enable_otlp": False,
            "log_level": "ERROR",
        }
    )
    bodies_by_name = {"sequence": _sequence, "foreach": _foreach, "order": _order, "held": _held}
    return {name: DBOS.workflow(name=name)(body) for name, body in bodies_by_name.items()}


async def _prepare(url: str) -> None:
    """Has another process make the schema: DBOS cannot be launched, ended and launched again on one event loop."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.contenders.dbos", url)
    if await child.wait() != 0:
        raise RuntimeError("DBOS could not make its schema")


async def _drain(task: Task, gate: Gate, workflow: str, inputs: list[tuple[Any, ...]]) -> None:
    """Enqueues one execution for each input from outside, then has a process of DBOS run them."""
    await _prepare(task.url)
    client = DBOSClient(system_database_url=task.url, system_database_pool_size=POOL)
    options = {"queue_name": QUEUE, "workflow_name": workflow, "application_name": "bench"}

    async def enqueue(number: int) -> None:
        await client.enqueue_async(options, *inputs[number])

    await by_callers(POOL, len(inputs), enqueue)
    client.destroy()
    _launch(task.url)
    await gate.go()
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=POLL)
    await until_done(task.url, DONE, len(inputs), lambda: ended >= len(inputs))
    gate.stop()
    DBOS.destroy()


async def sequence(task: Task, gate: Gate) -> Figures:
    """Started directly in the worker's process: faster than through a queue."""
    workflows = _launch(task.url)
    DBOS.launch()
    await (await DBOS.start_workflow_async(workflows["sequence"], 1)).get_result()
    await gate.go()
    handle = await DBOS.start_workflow_async(workflows["sequence"], task["steps"])
    await handle.get_result(polling_interval_sec=0.01)
    gate.stop()
    DBOS.destroy()
    return {"steps": task["steps"]}


async def backlog(task: Task, gate: Gate) -> Figures:
    await _drain(task, gate, "sequence", [(task["steps"],)] * task["executions"])
    return {"steps": task["executions"] * task["steps"]}


async def _fan_out(task: Task, gate: Gate, window: int) -> Figures:
    workflows = _launch(task.url)
    DBOS.launch()
    # So many that all connections of the pool are there.
    await (await DBOS.start_workflow_async(workflows["foreach"], 2 * POOL, 2 * POOL)).get_result()
    await gate.go()
    handle = await DBOS.start_workflow_async(workflows["foreach"], task["items"], window)
    found = await handle.get_result(polling_interval_sec=0.01)
    gate.stop()
    DBOS.destroy()
    if found != task["items"]:
        raise RuntimeError(f"{found} results of {task['items']} items")
    return {"steps": task["items"]}


async def foreach(task: Task, gate: Gate) -> Figures:
    return await _fan_out(task, gate, 100)


async def parallel(task: Task, gate: Gate) -> Figures:
    return await _fan_out(task, gate, task["items"])


async def realistic(task: Task, gate: Gate) -> Figures:
    executions = task["executions"]
    await _drain(task, gate, "order", [(steps.make_order(number),) for number in range(executions)])
    return {"steps": executions * bodies.STEPS_OF_AN_ORDER}


async def latency(task: Task, gate: Gate) -> Figures:
    """Started directly in the worker's process; there is no queue to be polled."""
    workflows = _launch(task.url)
    DBOS.launch()

    async def once(_number: int) -> None:
        handle = await DBOS.start_workflow_async(workflows["sequence"], 1)
        await handle.get_result(polling_interval_sec=0.001)

    await gate.go()
    figures = await timed(task["executions"], once)
    gate.stop()
    DBOS.destroy()
    return figures


async def _starts(task: Task, gate: Gate, how: str) -> Figures:
    await _prepare(task.url)
    client = DBOSClient(system_database_url=task.url, system_database_pool_size=POOL)
    options = {"queue_name": QUEUE, "workflow_name": "sequence", "application_name": "bench"}

    async def once(_number: int) -> None:
        await client.enqueue_async(options, 1)

    await once(0)
    await gate.go()
    if how == "single":
        figures = await timed(task["starts"], once, warm_up=0)
    else:
        await by_callers(task.sizes.get("callers", POOL), task["starts"], once)
        figures = {"steps": task["starts"]}
    gate.stop()
    client.destroy()
    return figures


async def start_single(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "single")


async def start_many(task: Task, gate: Gate) -> Figures:
    """There is no call for many: as many at once as the pool has connections."""
    return await _starts(task, gate, "many")


async def start_callers(task: Task, gate: Gate) -> Figures:
    return await _starts(task, gate, "callers")


async def idle(task: Task, gate: Gate) -> Figures:
    """With the queue polled at its default of once a second: polling it 20 times as often is for speed only."""
    _launch(task.url)
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, worker_concurrency=CONCURRENCY)
    await asyncio.sleep(2)
    await gate.go()
    await asyncio.sleep(task["idle_seconds"])
    gate.stop()
    await gate.hold()
    return {"steps": task["idle_seconds"]}


async def hold(task: Task) -> None:
    """The process that is going to be killed."""
    workflows = _launch(task.url)
    DBOS.launch()
    for _execution in range(task["executions"]):
        await DBOS.start_workflow_async(workflows["held"])
    await asyncio.Event().wait()


async def recovery(task: Task, gate: Gate) -> Figures:
    """The same executor starts again and recovers what it had: DBOS waits for no lease."""
    executions = task["executions"]
    await killed.run_until_held("dbos", task)
    _launch(task.url)
    await gate.go()
    DBOS.launch()
    await until_done(task.url, DONE, executions, lambda: ended >= executions)
    gate.stop()
    DBOS.destroy()
    return {"steps": 2 * executions, "takeover_s": 0.0, "drain_s": gate.seconds}


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
    "recovery": recovery,
}

if __name__ == "__main__":
    _launch(sys.argv[1])
    DBOS.launch()
    DBOS.destroy()
