"""What a worker has prepared before its first execution comes, and how its process is set up."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from unittest import mock

import psycopg

from durable_runtime import AsyncDurable, Worker
from durable_runtime.cli.connection import COLLECT_AFTER
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from tests.acceptance.command import Command
from tests.faults.working import graph, running, until

FIRST = graph("workflow: first\nsteps: [{step: a, log: one}]")
SECOND = graph("workflow: second\nsteps: [{step: a, log: two}]")

OPEN = """
    select application_name, query from pg_stat_activity
    where datname = current_database() and application_name like 'durable %' and state = 'idle'
"""


def test_a_worker_with_nothing_to_do_opens_its_connections_and_reads_what_will_probably_run(database_url: str) -> None:
    read: list[int] = []
    load_graph = PostgresWorkerStore.load_graph

    async def counted(store: PostgresWorkerStore, definition_id: int) -> bytes:
        read.append(definition_id)
        return await load_graph(store, definition_id)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            for workflow in (FIRST, SECOND):
                await durable.start(workflow, scheduled_at=timedelta(days=1))
            with mock.patch.object(PostgresWorkerStore, "load_graph", counted):
                async with running(Worker(database_url)):
                    await until(lambda: len(read) == 2, "both definitions are read")
                    with psycopg.connect(database_url) as connection:
                        asked: dict[str, str] = dict(connection.execute(OPEN).fetchall())
                    assert {"durable lane 0", "durable lane 1", "durable claims"} <= asked.keys()
                    assert "from durable.lane" in asked["durable lane 0"]
                    for workflow in (FIRST, SECOND):
                        await durable.result(await durable.start(workflow))
        assert len(read) == 2

    asyncio.run(story())


def test_a_worker_beside_others_writes_over_one_connection(database_url: str) -> None:
    def lanes() -> Counter[str]:
        with psycopg.connect(database_url) as connection:
            return Counter(name for name, _query in connection.execute(OPEN).fetchall() if "lane" in name)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            await until(lambda: lanes() == {"durable lane 0": 1, "durable lane 1": 1}, "alone it opens two")
            async with running(Worker(database_url)):
                await until(lambda: lanes()["durable lane 0"] == 2, "the other opens one")
                ids = await durable.start_many(FIRST, [{}] * 40)
                for id in ids:
                    await durable.result(id)
                assert lanes() == {"durable lane 0": 2, "durable lane 1": 1}

    asyncio.run(story())


def test_a_worker_that_finds_work_begins_with_it(database_url: str) -> None:
    asked: list[int] = []

    async def refused(_store: PostgresWorkerStore, limit: int) -> list[int]:
        asked.append(limit)
        return []

    async def story() -> None:
        planned = asyncio.Event()

        async def plan_commits(_store: PostgresWorkerStore, _lanes: int, *, moves: bool) -> None:
            assert not moves
            planned.set()

        async with AsyncDurable(database_url) as durable:
            id = await durable.start(FIRST)
            with (
                mock.patch.object(PostgresWorkerStore, "newest_definitions", refused),
                mock.patch.object(PostgresWorkerStore, "plan_commits", plan_commits),
            ):
                async with running(Worker(database_url)):
                    await asyncio.wait_for(planned.wait(), 20)  # what it does next it does in the same turn
                    await durable.result(id)

    asyncio.run(story())
    assert asked == []


def test_the_collector_of_a_worker_process_leaves_its_modules_alone(durable: Command) -> None:
    durable.write(
        "seen.py",
        "import gc\n\n\ndef collector():\n"
        "    return {'frozen': gc.get_freeze_count(), 'after': gc.get_threshold()[0]}\n",
    )
    durable.write("look.yaml", "workflow: look\noutput: ${ data }\nsteps: [{step: look, call: seen.collector}]\n")
    id = durable("start", "look.yaml", "--json").json["id"]
    assert durable("worker", "--until-idle").code == 0
    found = durable("result", id, "--json").json
    output = found.get("output", found)
    assert output["after"] == COLLECT_AFTER
    assert output["frozen"] > 10_000
