"""Simulation: a workflow from start to end in one process, in milliseconds, whatever it waits for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from durable_dsl import Graph
from durable_runtime.actions.printing import hearing
from durable_runtime.client.definitions import Definition, Definitions, Source
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json
from durable_runtime.core.values import decode
from durable_runtime.errors import UnknownWorkflow
from durable_runtime.store.protocol import TERMINAL, ExecutionRow, NewExecution, Status
from durable_runtime.store.rows import error_of
from durable_runtime.store.seen import LogLine
from durable_runtime.testing.clock import FakeClock
from durable_runtime.testing.memory import MemoryStore
from durable_runtime.testing.mocks import Called, MockedPerformer
from durable_runtime.testing.outside import Answer, Event, Outside
from durable_runtime.testing.virtual_time import VirtualTimeLoop
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.journal import Journal
from durable_runtime.worker.lease import Ownership

_ID = "00000000-0000-7000-8000-000000000001"
_LEASE = timedelta(days=365_000)
_MOST_AT_ONCE = 1000


class SimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a simulated execution.

    `checkpoints` are all that was stored, in order; `calls` the attempts in the order in which they began; `slept` the
    time that went by on the fake clock, which nobody had to wait for; `logs` what the workflow logged; `values` the
    newest of what it published, by name; `streams` what it wrote, by stream and in order.
    """

    status: Status
    output: Json
    error: ErrorValue | None
    checkpoints: tuple[Checkpoint, ...]
    calls: tuple[Called, ...]
    slept: timedelta
    logs: tuple[LogLine, ...]
    values: dict[str, Json]
    streams: dict[str, list[Json]]

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
    answers: Mapping[str, Json | Answer] | None = None,
    events: Sequence[Event] = (),
    capture_output: bool = False,
) -> SimulationResult:
    """Runs a workflow with the engine's own interpreter and journal over a store in memory.

    `source` is a YAML file, a module, a workflow or a graph; `workflow` chooses one of several. `mocks` replace what
    steps and decisions call, by node id (all instances of it) or by import path: with a function, which gets the same
    arguments; with an exception, which is raised; with any other value, which is the result. What has no mock is
    called for real. Children are simulated too, from the same file or module, unless their step has a mock; a node id
    means the nodes with this id in each of these workflows. Sleeps of any kind take no time: the clock, which begins
    at 2030-01-01 unless `clock` is given, jumps. `secrets` gives values to secrets; `KEY` without one is `<KEY>`.
    Jitter is left out, so that retries wait exactly as their policy says.

    `answers` are given to what people are asked, by the wait's name (`name.label` in a wait for several things) or
    its instance path: a value as soon as the wait opens, an `Answer` as long after that as it says. `events` are sent
    as long after the start as they say. An execution that still waits when nothing more comes is given as it is, with
    the status `waiting`. With `capture_output` what steps print is a part of their log, as with such a worker.

    Raises `DslError` for a workflow with mistakes, `InvalidInput` for an input that does not fit its schema and
    `InvalidOption` for mocks that replace nothing or for calls that can neither be imported nor are mocked, and
    `InvalidAnswer` for an answer that does not fit what is asked.
    """
    finder = Definitions()
    definition = finder.find(source, workflow)
    if definition is None:
        raise UnknownWorkflow(f"{source!r} names no file; simulate a file, a module, a workflow or a graph")
    encoded = definition.input.encode(input)
    definitions = [definition, *finder.find_started(source, definition)[0]]
    performer = MockedPerformer(
        [each.graph for each in definitions], mocks or {}, secrets or {}, captures=capture_output
    )
    outside = Outside([each.graph for each in definitions], answers or {}, events)
    clock = clock if clock is not None else FakeClock()
    began_at = clock.now()
    heard = hearing() if capture_output else contextlib.nullcontext()
    with heard, asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner:
        try:
            row, checkpoints, logs, values, streams = runner.run(_run(definitions, encoded, performer, clock, outside))
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
        values=values,
        streams=streams,
    )


async def _run(
    definitions: Sequence[Definition], input: bytes, performer: MockedPerformer, clock: FakeClock, outside: Outside
) -> tuple[ExecutionRow, list[Checkpoint], list[LogLine], dict[str, Json], dict[str, list[Json]]]:
    graph: Graph = definitions[0].graph
    store = outside.watch(MemoryStore(clock), _ID)
    for definition in reversed(definitions):
        each = definition.graph
        stored = await store.save_definition(each.workflow, definition.version, each.label, each.to_json())
    new = NewExecution(public_id=_ID, definition_id=stored, workflow=graph.workflow, input=input, queue=graph.queue)
    await store.insert_executions([new])
    ownership = Ownership(await store.register("simulation", {}, 1, _LEASE))
    journal = Journal(store, ownership, 1)
    executor = Executor(store, ownership, journal, performer, clock, uniform=_no_jitter)
    news = executor.changed
    journal.messages = lambda _commit: news.set()
    lane = asyncio.ensure_future(journal.serve(0))
    sending = asyncio.ensure_future(outside.serve(executor))
    try:
        while True:
            news.clear()
            await _route(store, executor)
            if await _claim(store, ownership, executor):
                continue
            row = await store.find_execution(_ID)
            assert row is not None
            if row.status in TERMINAL:
                return await _told(store, row)
            woken, next_due, _unrouted = await store.wake_due()
            if woken:
                continue
            if not executor.runs and next_due is None and not outside.is_coming:
                return await _told(store, row)
            await _first(news.wait(), lane, sending, timeout=next_due)
    finally:
        executor.drop_all()
        for task in (lane, sending):
            task.cancel()
        await asyncio.gather(lane, sending, return_exceptions=True)


async def _told(
    store: MemoryStore, row: ExecutionRow
) -> tuple[ExecutionRow, list[Checkpoint], list[LogLine], dict[str, Json], dict[str, list[Json]]]:
    values = {each.name: each.value for each in await store.list_values(row.key)}
    streams: dict[str, list[Json]] = {}
    for _id, written in sorted(store.rows.streams.get(row.key, {}).values(), key=lambda pair: pair[0]):
        streams.setdefault(written.name, []).append(decode(written.value))
    return row, await store.list_checkpoints(row.key), await store.list_logs(row.key), values, streams


async def _route(store: MemoryStore, executor: Executor) -> None:
    while (routed := await store.route()).requests:
        await executor.read_inboxes([key for key in routed.owned if key in executor.runs])


async def _claim(store: MemoryStore, ownership: Ownership, executor: Executor) -> bool:
    """Takes what can be claimed, on any queue: children may be on others."""
    found = False
    for queue in (await store.look(ownership.lease)).ready:
        claimed = await store.claim(ownership.lease, queue, _MOST_AT_ONCE)
        await executor.take(claimed)
        found = found or bool(claimed)
    return found


async def _first(wait: Any, *tasks: asyncio.Task[None], timeout: float | None = None) -> None:
    """Waits for the first, and for the tasks only to fail: their errors must not be mistaken for a hang."""
    waiting = asyncio.ensure_future(wait)
    await asyncio.wait({waiting, *tasks}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in tasks:
        if task.done():
            task.result()


def _no_jitter() -> float:
    return 0.5
