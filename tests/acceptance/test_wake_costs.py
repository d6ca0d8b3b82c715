"""What it costs to go on with an execution that has a long history: rows of `checkpoint`, by the server's count.

Each test also runs with snapshots out of reach, and then the bound does not hold: what is read grows with the square.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.worker import executor
from tests.faults.working import graph, running
from tests.postgres import OwnServer, wait_until

EVERY = 30
"""Checkpoints between two snapshots, in place of the usual number."""

TURNS = 100

POLL = f"""
workflow: polling
steps:
  - loop: poll
    while: iteration <= {TURNS}
    max_iterations: {TURNS + 1}
    every: 1ms
    steps:
      - step: look
        set: {{seen: "${{ iteration }}"}}
"""

CHILD = "{workflow: slow, steps: [{wait: a_while, for: 1ms}]}"

PARENT = f"""
workflow: parent
steps:
  - foreach: children
    in: lists.range({TURNS})
    as: number
    steps:
      - step: one
        workflow: slow
        with: {{}}
"""


def rows_read(url: str) -> int:
    """Gives how many rows of `checkpoint` were read, as far as it is counted already."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables"
            " where schemaname = 'durable' and relname = 'checkpoint'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def wakes_are_cheap(url: str, *, beside: str | None, main: str, every: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Runs a workflow to its end; gives the rows that were read."""
    monkeypatch.setattr(executor, "EVERY", every)

    async def story() -> None:
        async with AsyncDurable(url) as durable:
            await durable.migrate()
            if beside is not None:
                await durable.start(graph(beside))
            async with running(Worker(url)):
                await durable.result(await durable.start(graph(main)), timeout=100)

    asyncio.run(story())
    # What a connection has read is known once it has ended.
    seen = [-1]

    def is_counted() -> bool:
        seen.append(rows_read(url))
        return seen[-1] > 0 and seen[-1] == seen[-2]

    wait_until(is_counted, "it is counted")
    return seen[-1]


@pytest.mark.parametrize("every", [EVERY, 10**9], ids=["snapshots", "none"])
@pytest.mark.parametrize(("beside", "main"), [(None, POLL), (CHILD, PARENT)], ids=["turns", "children"])
def test_what_a_long_execution_reads_grows_with_its_length_and_not_with_the_square(
    beside: str | None,
    main: str,
    every: int,
    own_server: Callable[..., OwnServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = own_server()
    read = wakes_are_cheap(server.conninfo, beside=beside, main=main, every=every, monkeypatch=monkeypatch)
    # Each wake reads half of what lies between two snapshots, and a child reads what little it has itself.
    bound = TURNS * EVERY
    assert (read <= bound) is (every == EVERY), read
