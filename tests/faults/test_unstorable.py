"""One value that the database refuses, among five hundred that it takes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from durable_dsl import graph as g
from durable_runtime.store.migrations import migrate
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import ExecutionRow, NewExecution, Outcome, StatementRefused
from durable_runtime.worker import Worker
from durable_runtime.worker.journal import Entry, Journal
from tests.postgres import OwnServer, with_database

ODD_ONE = 321
GRAPH = g.Graph(
    workflow="answers",
    steps=(
        g.Step(
            id="answer",
            save="answer",
            action=g.Call(
                function="tests.faults.steps.answer", with_={"number": "${ input.number }", "odd_one": ODD_ONE}
            ),
        ),
    ),
)


def latin1_database(server: OwnServer) -> str:
    """A database that cannot hold every text: the surest way to have the server refuse what Python lets through."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("create database latin1 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0")
    url = with_database(server.conninfo, "latin1")
    migrate(url)
    return url


async def run_all(url: str) -> list[ExecutionRow]:
    client = PostgresClientStore(url)
    try:
        definition_id = await client.save_definition("answers", GRAPH.version, None, GRAPH.to_json())
        await client.insert_executions(
            [
                NewExecution(
                    public_id=f"00000000-0000-7000-8000-{number:012}",
                    definition_id=definition_id,
                    workflow="answers",
                    input=json.dumps({"number": number}).encode(),
                )
                for number in range(500)
            ]
        )
        await Worker(url, concurrency=500).run(until_idle=True)
        return await client.list_executions(limit=500)
    finally:
        await client.close()


def test_one_refused_value_fails_its_node_and_nobody_elses(own_server: Callable[..., OwnServer]) -> None:
    rows = asyncio.run(run_all(latin1_database(own_server())))

    assert Counter(row.status for row in rows) == {"completed": 499, "failed": 1}
    (odd,) = [row for row in rows if row.status == "failed"]
    assert odd.input == {"number": ODD_ONE}
    assert odd.error["type"] == "ResultNotStorable"
    assert odd.error["node"] == "answer"
    assert 'has no equivalent in encoding "LATIN1"' in odd.error["message"]
    (other,) = [row for row in rows if row.input == {"number": 7}]
    assert other.output == {"number": 7, "answer": "answer 7"}


class NoHalving(Journal):
    """The guard taken out: what is refused is refused for the whole batch."""

    async def _write(self, lane: int, entries: list[Entry]) -> list[Entry]:
        try:
            await self._store.commit(self._ownership.lease, lane, [entry.commit for entry in entries])
        except StatementRefused as error:
            for entry in entries:
                entry.settle(Outcome.UNSTORABLE, str(error))
        else:
            for entry in entries:
                entry.settle(Outcome.COMMITTED)
        return []


def test_without_halving_the_neighbours_fail_too(
    own_server: Callable[..., OwnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durable_runtime.worker.worker.Journal", NoHalving)

    rows = asyncio.run(run_all(latin1_database(own_server())))

    assert Counter(row.status for row in rows)["failed"] > 1
