"""What tests of whole workers share: executions to run, a worker on the test's own loop, and what is stored of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import psycopg

from durable_dsl import Graph, compile_text
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import encode
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import ExecutionRow, NewExecution
from durable_runtime.worker import Worker
from tests.postgres import wait_until


def graph(text: str) -> Graph:
    """Compiles one workflow."""
    [compiled] = compile_text(text)
    return compiled


def call(function: str, name: str = "one") -> Graph:
    """A workflow of one step that calls a function of `tests.faults.worker_steps` with the execution's input."""
    return graph(
        f"""
        workflow: {name}
        steps:
          - step: work
            call: tests.faults.worker_steps.{function}
            with: {{tag: "${{ input.tag }}"}}
            save: answer
        """
    )


async def start(
    url: str, definition: Graph, inputs: Sequence[Json], *, at: datetime | None = None, queue: str = "default"
) -> list[str]:
    """Starts an execution for each input; gives their ids."""
    client = PostgresClientStore(url)
    try:
        definition_id = await client.save_definition(
            definition.workflow, definition.version, None, definition.to_json()
        )
        ids = [str(uuid.uuid4()) for _ in inputs]
        await client.insert_executions(
            [
                NewExecution(
                    public_id=id,
                    definition_id=definition_id,
                    workflow=definition.workflow,
                    input=encode(value)[0],
                    scheduled_at=at,
                    queue=queue,
                )
                for id, value in zip(ids, inputs, strict=True)
            ]
        )
        return ids
    finally:
        await client.close()


async def cancel(url: str, id: str) -> None:
    """Asks for an execution to be cancelled."""
    client = PostgresClientStore(url)
    try:
        await client.send_request(id, "cancel", {"reason": "not wanted any more"})
    finally:
        await client.close()


def expire(url: str) -> None:
    """Lets every lease run out now, as it would by itself in a while: all workers are dead."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update durable.worker set expires_at = now() - interval '1 second'")


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[asyncio.Task[Any]]:
    """Runs a worker beside the block and stops it in good order afterwards."""
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        worker.stop()
        await asyncio.wait_for(task, 30)


async def until(condition: Callable[[], object], what: str) -> None:
    """Returns when the condition holds, with the event loop running meanwhile."""
    await asyncio.to_thread(wait_until, condition, what)


def value(url: str, query: str, *parameters: object) -> Any:
    """Gives the only value of a query's only row."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def statuses(url: str) -> dict[str, int]:
    """How many executions have each status."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("select status, count(*) from durable.execution group by status").fetchall()
    return {str(status): int(count) for status, count in rows}


def executions(url: str) -> dict[str, ExecutionRow]:
    """All executions by their ids."""

    async def read() -> list[ExecutionRow]:
        client = PostgresClientStore(url)
        try:
            return await client.list_executions(limit=10_000)
        finally:
            await client.close()

    return {row.id: row for row in asyncio.run(read())}


def status(url: str, id: str) -> str:
    """The status of one execution."""
    return str(value(url, "select status from durable.execution where public_id = %s::uuid", id))
