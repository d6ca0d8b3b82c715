"""Snapshots that cannot be read: the execution goes on from its checkpoints as if there were none."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.worker import executor
from tests.faults.working import graph, running, until

COUNT = """
workflow: count
steps:
  - step: begin
    set: {total: 0}
  - loop: turns
    while: iteration <= 30
    steps:
      - step: add
        set: {total: "${ data.total + iteration }"}
  - wait: rest
    event: go
"""


def snapshots(url: str) -> list[tuple[int, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("select seq, format from durable.snapshot order by seq").fetchall()


@pytest.mark.parametrize(
    "damage",
    [
        "format = '0-of another release'",
        "version = 'of another graph'",
        "state = '{}'",
        "seq = seq - 1",
        "state = replace(state::text, '\"turns\"', '\"swirls\"')::json, seq = seq",
        None,
    ],
)
def test_a_snapshot_that_cannot_be_read_is_passed_by(
    database_url: str, damage: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "EVERY", 5)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            async with running(Worker(database_url)):
                id = await durable.start(graph(COUNT))
                await until(lambda: _waits(database_url), "it waits")
            before = snapshots(database_url)
            assert len(before) == 1
            if damage is not None:
                with psycopg.connect(database_url) as connection:
                    connection.execute(f"update durable.snapshot set {damage}".encode())
            async with running(Worker(database_url)):
                await durable.send_event(id, "go", {})
                assert await durable.result(id) == {"total": 30 * 31 // 2}
        if damage is None:
            assert snapshots(database_url) == []  # what has ended needs none

    asyncio.run(story())


def _waits(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("select from durable.execution where status = 'waiting'").fetchone() is not None
