"""The workloads: real graphs, started first, then drained by one worker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.meter import Meter, Reading
from durable_dsl import graph as g
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import NewExecution
from durable_runtime.worker import Worker


@dataclass(frozen=True)
class Workload:
    """A graph, how many executions of it, and how many steps they make together."""

    name: str
    graph: g.Graph
    inputs: Sequence[object]
    steps: int
    concurrency: int = 500


def sequence(executions: int, steps: int, concurrency: int = 500) -> Workload:
    """Executions of so many steps, one after the other."""
    nodes = tuple(
        g.Step(id=f"step_{number}", action=g.Call(function="benchmarks.steps.nothing")) for number in range(steps)
    )
    graph = g.Graph(workflow=f"sequence_{steps}", steps=nodes)
    return Workload(
        f"{executions} x {steps} steps in sequence", graph, [{}] * executions, executions * steps, concurrency
    )


def foreach(items: int, *, executions: int = 1, window: int = 100) -> Workload:
    """Executions that go through a list and collect the results."""
    graph = g.Graph(
        workflow="foreach",
        steps=(
            g.Step(
                id="list",
                save="items",
                action=g.Call(function="benchmarks.steps.numbers", with_={"count": "${ input.count }"}),
            ),
            g.Foreach(
                id="each",
                items="data.items",
                concurrency=window,
                save="results",
                steps=(
                    g.Step(
                        id="each/same", action=g.Call(function="benchmarks.steps.same", with_={"item": "${ item }"})
                    ),
                ),
            ),
        ),
        output={"count": "${ size(data.results) }"},
        reshapes=True,
    )
    return Workload(f"{executions} x foreach of {items:,}", graph, [{"count": items}] * executions, executions * items)


async def measure(url: str, workload: Workload) -> Reading:
    """Starts a workload, then measures one worker draining it.

    Raises `RuntimeError` when an execution did not complete: the figure would be of something else.
    """
    executions = await start(url, workload)
    meter = Meter(url)
    try:
        meter.start()
        report = await Worker(url, concurrency=workload.concurrency).run(until_idle=True)
        meter.stop()
        if report.completed != executions:
            raise RuntimeError(f"{workload.name}: {report}")
        return meter.reading()
    finally:
        meter.close()


async def start(url: str, workload: Workload) -> int:
    """Starts a workload's executions and gives how many there are."""
    client = PostgresClientStore(url)
    try:
        graph = workload.graph
        definition_id = await client.save_definition(graph.workflow, graph.version, None, graph.to_json())
        executions = [
            NewExecution(
                public_id=str(uuid.uuid4()),
                definition_id=definition_id,
                workflow=graph.workflow,
                input=json.dumps(value).encode(),
            )
            for value in workload.inputs
        ]
        await client.insert_executions(executions)
        return len(executions)
    finally:
        await client.close()
