"""Simulation: a workflow from start to end in one process, in milliseconds, whatever it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from durable_dsl import Graph
from durable_runtime.client.definitions import Definition, Definitions, Source
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json
from durable_runtime.errors import UnknownWorkflow
from durable_runtime.store.protocol import TERMINAL, ExecutionRow, LogLine, NewExecution, Status
from durable_runtime.store.rows import error_of
from durable_runtime.testing.clock import FakeClock
from durable_runtime.testing.memory import MemoryStore
from durable_runtime.testing.mocks import Called, MockedPerformer
from durable_runtime.testing.virtual_time import VirtualTimeLoop
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.journal import Journal
from durable_runtime.worker.lease import Ownership

_ID = "00000000-0000-7000-8000-000000000001"
_LEASE = timedelta(days=365_000)


class SimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a simulated execution.

    `checkpoints` are all that was stored, in order; `calls` the attempts in the order in which they began; `slept` the
    time that went by on the fake clock, which nobody had to wait for; `logs` what the workflow logged.
    """

    status: Status
    output: Json
    error: ErrorValue | None
    checkpoints: tuple[Checkpoint, ...]
    calls: tuple[Called, ...]
    slept: timedelta
    logs: tuple[LogLine, ...]

    def attempts_of(self, path: str) -> int:
        """Counts the attempts of an instance: `charge`, `lines[3]/price`, `poll#2/ask`."""
        return sum(call.node == path for call in self.calls)


def simulate(
    source: Source,
    input: Json = None,
    mocks: Mapping[str, Any] | None = None,
    *,
    workflow: str | None = None,
    clock: FakeClock | None = None,
    secrets: Mapping[str, str] | None = None,
) -> SimulationResult:
    """Runs a workflow with the engine's own interpreter and journal over a store in memory.

    `source` is a YAML file, a module, a workflow or a graph; `workflow` chooses one of several. `mocks` replace what
    steps and decisions call, by node id (all instances of it) or by import path: with a function, which gets the same
    arguments; with an exception, which is raised; with any other value, which is the result. What has no mock is
    called for real. Sleeps of any kind take no time: the clock, which begins at 2030-01-01 unless `clock` is given,
    jumps. `secrets` gives values to secrets; `KEY` without one is `<KEY>`. Jitter is left out, so that retries wait
    exactly as their policy says.

    Raises `DslError` for a workflow with mistakes, `InvalidInput` for an input that does not fit its schema and
    `InvalidOption` for mocks that replace nothing or for calls that can neither be imported nor are mocked.
    """
    definition = Definitions().find(source, workflow)
    if definition is None:
        raise UnknownWorkflow(f"{source!r} names no file; simulate a file, a module, a workflow or a graph")
    encoded = definition.input.encode(input)
    performer = MockedPerformer(definition.graph, mocks or {}, secrets or {})
    clock = clock if clock is not None else FakeClock()
    began_at = clock.now()
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner:
        try:
            row, checkpoints, logs = runner.run(_run(definition, encoded, performer, clock))
        finally:
            runner.run(performer.close())
    return SimulationResult(
        status=row.status,
        output=row.output,
        error=error_of(row.error),
        checkpoints=tuple(checkpoints),
        calls=tuple(performer.calls),
        slept=clock.now() - began_at,
        logs=tuple(logs),
    )


async def _run(
    definition: Definition, input: bytes, performer: MockedPerformer, clock: FakeClock
) -> tuple[ExecutionRow, list[Checkpoint], list[LogLine]]:
    graph: Graph = definition.graph
    store = MemoryStore(clock)
    stored = await store.save_definition(graph.workflow, definition.version, graph.label, graph.to_json())
    new = NewExecution(public_id=_ID, definition_id=stored, workflow=graph.workflow, input=input, queue=graph.queue)
    await store.insert_executions([new])
    ownership = Ownership(await store.register("simulation", {}, 1, _LEASE))
    journal = Journal(store, ownership, 1)
    executor = Executor(store, ownership, journal, performer, clock, uniform=_no_jitter)
    lane = asyncio.ensure_future(journal.serve(0))
    try:
        while True:
            executor.changed.clear()
            await executor.take(await store.claim(ownership.lease, graph.queue, 1))
            while executor.runs:
                await _either(executor.changed.wait(), lane)
                executor.changed.clear()
            row = await store.find_execution(_ID)
            assert row is not None
            if row.status in TERMINAL:
                return row, await store.list_checkpoints(row.key), await store.list_logs(row.key)
            woken, next_due, _unrouted = await store.wake_due()
            if not woken and next_due is not None:
                await asyncio.sleep(next_due)
    finally:
        executor.drop_all()
        lane.cancel()
        await asyncio.gather(lane, return_exceptions=True)


async def _either(wait: Any, lane: asyncio.Task[None]) -> None:
    """Waits for the first, and for the journal only to fail: its error must not be mistaken for a hang."""
    waiting = asyncio.ensure_future(wait)
    await asyncio.wait({waiting, lane}, return_when=asyncio.FIRST_COMPLETED)
    if lane.done():
        waiting.cancel()
        lane.result()


def _no_jitter() -> float:
    return 0.5
