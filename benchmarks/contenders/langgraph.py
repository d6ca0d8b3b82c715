"""LangGraph with its checkpoints in PostgreSQL: graphs that run where they are called; there is no queue, no worker."""

from __future__ import annotations

import asyncio
import operator
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks import steps
from benchmarks.task import Figures, Gate, Run, Task, timed

SAVERS, CONCURRENCY = 8, 100
SETTINGS = (
    f"asynchronous nodes, {SAVERS} AsyncPostgresSavers (each lets one statement through at a time) "
    f"on a pool of {SAVERS} connections, {CONCURRENCY} graphs at once, durability='sync': "
    "a step is stored before the next begins"
)


class _Loop(TypedDict):
    left: int


class _Fan(TypedDict):
    count: int
    results: Annotated[list[int], operator.add]


async def _step(state: _Loop) -> dict[str, Any]:
    await steps.nothing({})
    return {"left": state["left"] - 1}


async def _item(state: dict[str, int]) -> dict[str, Any]:
    return {"results": [await steps.same(state["item"])]}


def _again(state: _Loop) -> str:
    return "step" if state["left"] > 0 else END


def _send(state: _Fan) -> list[Any]:
    return [Send("item", {"item": item}) for item in range(state["count"])]


def _looping() -> Any:
    """One node, as often as the input says: faster than a graph of a thousand nodes."""
    graph = StateGraph(_Loop)
    graph.add_node("step", _step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", _again, ["step", END])
    return graph


def _fanning() -> Any:
    graph = StateGraph(_Fan)
    graph.add_node("item", _item)
    graph.add_conditional_edges(START, _send, ["item"])
    graph.add_edge("item", END)
    return graph


@asynccontextmanager
async def _compiled(url: str, graph: Any, savers: int) -> AsyncIterator[list[Any]]:
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, min_size=savers, max_size=savers, kwargs=options) as pool:
        made = [AsyncPostgresSaver(pool) for _ in range(savers)]
        await made[0].setup()
        yield [graph.compile(checkpointer=saver) for saver in made]


async def _invoke(graph: Any, state: dict[str, Any], limit: int) -> Any:
    config = {"configurable": {"thread_id": str(uuid.uuid4())}, "recursion_limit": limit, "max_concurrency": 100}
    return await graph.ainvoke(state, config, durability="sync")


async def sequence(task: Task, gate: Gate) -> Figures:
    async with _compiled(task.url, _looping(), 1) as [graph]:
        await _invoke(graph, {"left": 1}, 6)
        await gate.go()
        await _invoke(graph, {"left": task["steps"]}, task["steps"] + 5)
        gate.stop()
    return {"steps": task["steps"]}


async def backlog(task: Task, gate: Gate) -> Figures:
    turn = asyncio.Semaphore(CONCURRENCY)

    async def once(graph: Any) -> None:
        async with turn:
            await _invoke(graph, {"left": task["steps"]}, task["steps"] + 5)

    async with _compiled(task.url, _looping(), SAVERS) as graphs:
        await gate.go()
        await asyncio.gather(*(once(graphs[number % SAVERS]) for number in range(task["executions"])))
        gate.stop()
    return {"steps": task["executions"] * task["steps"]}


async def foreach(task: Task, gate: Gate) -> Figures:
    async with _compiled(task.url, _fanning(), 1) as [graph]:
        await _invoke(graph, {"count": 1, "results": []}, 25)
        await gate.go()
        state = await _invoke(graph, {"count": task["items"], "results": []}, 25)
        gate.stop()
    if len(state["results"]) != task["items"]:
        raise RuntimeError(f"{len(state['results'])} results of {task['items']} items")
    return {"steps": task["items"]}


async def latency(task: Task, gate: Gate) -> Figures:
    """In the caller's process: nothing has to be handed to anyone."""
    async with _compiled(task.url, _looping(), 1) as [graph]:

        async def once(_number: int) -> None:
            await _invoke(graph, {"left": 1}, 6)

        await gate.go()
        figures = await timed(task["executions"], once)
        gate.stop()
    return figures


WORKLOADS: dict[str, Run] = {"sequence": sequence, "backlog": backlog, "foreach": foreach, "latency": latency}
