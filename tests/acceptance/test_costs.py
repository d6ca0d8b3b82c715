"""What a durable step costs the server, read from the server's own statistics."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import psycopg
import pytest

from benchmarks import documents, steps
from benchmarks.bodies import STEPS_OF_AN_ORDER
from benchmarks.meter import Meter, Reading
from benchmarks.workloads import Workload, foreach, measure, sequence
from durable_dsl import compile_text
from durable_runtime import AsyncDurable, Worker
from durable_runtime.store.connections import connect
from durable_runtime.store.direct import Direct
from durable_runtime.store.migrations import migrate
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.queries import Statement
from tests.faults.working import running, until
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


def rows_of(server: OwnServer, table: str) -> int:
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
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


def test_orders_of_many_kinds_of_nodes_share_their_commits(own_server: Callable[..., OwnServer]) -> None:
    server = own_server()
    [graph] = compile_text(documents.ORDER)
    orders = Workload("orders", graph, [steps.make_order(number) for number in range(200)], 200 * STEPS_OF_AN_ORDER)

    reading = reading_of(server, orders)

    # A branch, a foreach with its join and a parallel cost no statement of their own.
    assert reading.commits <= CHORES + 100
    assert reading.wal_bytes / orders.steps <= 1000


def test_a_worker_comes_and_goes_with_few_transactions(own_server: Callable[..., OwnServer]) -> None:
    server = own_server()
    migrate(server.conninfo)
    meter = Meter(server.conninfo)
    try:
        meter.start()
        asyncio.run(Worker(server.conninfo).run(until_idle=True))
        # Six sessions; coming, listening, planning and leaving; a few looks, and whether anything is left.
        assert meter.reading().commits <= 16
    finally:
        meter.close()


def test_what_is_prepared_or_planned_anew_goes_out_with_the_statement_itself(
    own_server: Callable[..., OwnServer],
) -> None:
    server = own_server()
    sums = Statement("sums", b"select 1 + %(number)s::int", plan_lasts=1.0)
    parts = Statement("parts", b"select 1 / %(number)s::int", plan_lasts=1.0)

    async def nothing(direct: Direct) -> None:
        pass

    async def five(direct: Direct) -> None:
        assert await direct.run(sums, {"number": 1}, prepared=True) == [(2,)]
        assert await direct.run(sums, {"number": 2}, prepared=True) == [(3,)]
        assert await direct.run(sums, {"number": 3}, prepared=True, plans_again=True) == [(4,)]
        with pytest.raises(psycopg.errors.DivisionByZero):
            await direct.run(parts, {"number": 0}, prepared=True)
        assert await direct.run(parts, {"number": 1}, prepared=True) == [(1,)]
        assert await direct.run(sums, {"number": 4}, prepared=True) == [(5,)]

    def commits_of(work: Callable[[Direct], Awaitable[None]]) -> int:
        async def story() -> None:
            async with await connect(server.conninfo, application_name="counted") as connection:
                await work(Direct(connection))

        meter = Meter(server.conninfo)
        try:
            meter.start()
            asyncio.run(story())
            return meter.reading().commits
        finally:
            meter.close()

    assert commits_of(five) - commits_of(nothing) == 5


def test_a_single_step_costs_a_start_a_claim_and_a_commit(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: Counter[str] = Counter()
    run = Direct.run

    async def counted(self: Direct, statement: Statement, parameters: Any, **how: bool) -> Any:
        if not str(parameters.get("hint", "")).startswith(("=", "?")):
            sent[statement.name.decode()] += 1
        return await run(self, statement, parameters, **how)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.migrate()
            async with running(Worker(database_url)):
                [graph] = compile_text(documents.sequence(1))
                await durable.result(await durable.start(graph))
                await until(lambda: durable._awaiting.hears, "the client hears")
                monkeypatch.setattr(Direct, "run", counted)
                for _ in range(10):
                    await durable.result(await durable.start(graph))
                monkeypatch.undo()

    asyncio.run(story())
    for once in ("durable_insert_executions", "durable_append_and_move"):
        assert sent[once] == 10
    # A hint may come twice, and a look at the result may come too early.
    assert sent["durable_claim"] <= 20
    assert sent["durable_tell"] <= 20
    assert sent["durable_execution_outcome"] <= 40
    assert sent["durable_append"] + sent["durable_append_one"] == 0


def test_two_hundred_callers_share_their_commits(own_server: Callable[..., OwnServer]) -> None:
    server = own_server()
    [graph] = compile_text(documents.sequence(1))

    async def story() -> int:
        async with AsyncDurable(server.conninfo) as durable:
            await durable.start(graph)
            inserted: list[int] = []
            insert = PostgresClientStore.insert_executions

            async def counted(self: PostgresClientStore, executions: Any, **how: Any) -> list[str]:
                inserted.append(len(executions))
                return await insert(self, executions, **how)

            with mock.patch.object(PostgresClientStore, "insert_executions", counted):
                await asyncio.gather(*(durable.start(graph) for _ in range(200)))
            assert sum(inserted) == 200
            return len(inserted)

    assert asyncio.run(story()) == 2


def test_a_start_among_many_costs_little_and_one_commit_for_all(own_server: Callable[..., OwnServer]) -> None:
    server = own_server()
    [graph] = compile_text(documents.sequence(1))

    async def story() -> Reading:
        async with AsyncDurable(server.conninfo) as durable:
            await durable.start(graph)
            await durable.close()
            meter = Meter(server.conninfo)
            try:
                meter.start()
                await durable.start_many(graph, [{}] * 5000)
                await durable.close()
                return meter.reading()
            finally:
                meter.close()

    reading = asyncio.run(story())
    # Some for the definition and the hint.
    assert reading.commits <= 10
    # Two rows and five entries in indexes; row by row it is 630, and with a key 680.
    assert reading.wal_bytes / 5000 <= 560


def test_a_worker_that_waits_for_parked_executions_holds_nothing_of_them(
    own_server: Callable[..., OwnServer],
) -> None:
    server = own_server()
    [graph] = compile_text("{workflow: parked, steps: [{wait: long, for: 1h}]}")

    def kept() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    async def story() -> None:
        async with AsyncDurable(server.conninfo) as durable:
            await durable.migrate()
            async with running(Worker(server.conninfo)):
                await durable.start_many(graph, [{}] * 200)
                await until(lambda: rows_of(server, "durable.wait") == 200, "the first are parked")
                gc.collect()
                tracemalloc.start()
                try:
                    await durable.start_many(graph, [{}] * 1000)
                    await until(lambda: rows_of(server, "durable.wait") == 1200, "all are parked")
                    # Soon: when the last are stored, the worker has not let go of them yet.
                    await until(lambda: kept() / 1000 <= 500, "nothing is kept of those that are parked")
                finally:
                    tracemalloc.stop()

    asyncio.run(story())


def test_a_step_among_ten_thousand_items_costs_what_one_among_a_hundred_does(
    own_server: Callable[..., OwnServer],
) -> None:
    server = own_server()
    # One execution at a time, as the large one is alone: others would share its commits.
    small = reading_of(server, replace(foreach(100, executions=20), concurrency=1))
    large = reading_of(server, foreach(10_000))

    assert large.commits / 10_000 <= 1.5 * small.commits / 2_000
    assert large.wal_bytes / 10_000 <= 1.5 * small.wal_bytes / 2_000
