"""What a durable step costs the server, read from the server's own statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from benchmarks.meter import Reading
from benchmarks.workloads import Workload, foreach, measure, sequence
from durable_runtime.store.migrations import migrate
from tests.postgres import OwnServer

CHORES = 60
"""Commits of a worker's life beside its steps: registering, claims, looks for due timers and dead workers, leaving."""


def reading_of(server: OwnServer, workload: Workload) -> Reading:
    migrate(server.conninfo)
    return asyncio.run(measure(server.conninfo, workload))


def writing_transactions(server: OwnServer) -> int:
    """Counts the transactions that wrote checkpoints."""
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute("select count(distinct xmin::text) from durable.checkpoint").fetchone()
    assert row is not None
    return int(row[0])


def test_a_sequential_step_costs_one_round_trip(own_server: Callable[..., OwnServer]) -> None:
    server = own_server()

    reading = reading_of(server, sequence(1, 300))

    # Each of these transactions is one statement in autocommit, sent and answered once; the last one finishes, too.
    assert writing_transactions(server) == 300
    assert reading.commits <= 300 + CHORES


def test_five_hundred_executions_share_their_commits(own_server: Callable[..., OwnServer]) -> None:
    reading = reading_of(own_server(), sequence(500, 20))

    assert reading.commits / 10_000 <= 0.02
    assert reading.wal_bytes / 10_000 <= 400


def test_a_step_among_ten_thousand_items_costs_what_one_among_a_hundred_does(
    own_server: Callable[..., OwnServer],
) -> None:
    server = own_server()
    small = reading_of(server, foreach(100, executions=20))
    large = reading_of(server, foreach(10_000))

    assert large.commits / 10_000 <= 1.5 * small.commits / 2_000
    assert large.wal_bytes / 10_000 <= 1.5 * small.wal_bytes / 2_000
