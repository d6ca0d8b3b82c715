"""The action `sql`: exactly once on the engine's own database, by name on another one."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable
from durable_runtime.client import Execution
from durable_runtime.worker import Worker
from tests.acceptance.clients import graph

ID = "00000000-0000-7000-8000-000000000001"
HEAD = "workflow: stock\nsteps:\n"


@pytest.fixture(autouse=True)
def _tables(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("create table stock (sku text primary key, left_over int check (left_over >= 0))")
        connection.execute("insert into stock values ('A', 3), ('B', 0)")


def run(url: str, steps: str, input: dict[str, Any] | None = None, **options: Any) -> Execution:
    """Runs a workflow of these steps to its end."""

    async def scenario() -> Execution:
        async with AsyncDurable(url) as durable:
            id = await durable.start(graph(HEAD + steps), input or {})
            await durable.worker(**options).run(until_idle=True)
            return await durable.get_execution(id, include_steps=True)

    return asyncio.run(scenario())


def stock(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute("select sku, left_over from stock").fetchall())


TAKE = """
- step: take
  sql:
    query: update stock set left_over = left_over - %(count)s where sku = %(sku)s returning sku, left_over
    params: {sku: "${ input.sku }", count: 1}
  save: taken
"""


def test_a_statement_gives_its_rows_and_how_many_there_were(database_url: str) -> None:
    ended = run(database_url, TAKE, {"sku": "A"})
    assert ended.output["taken"] == {"rows": [{"sku": "A", "left_over": 2}], "rowcount": 1}
    assert stock(database_url) == {"A": 2, "B": 0}


def test_values_never_become_part_of_the_statement(database_url: str) -> None:
    ended = run(database_url, TAKE, {"sku": "A'; delete from stock; --"})
    assert ended.output["taken"] == {"rows": [], "rowcount": 0}
    assert stock(database_url) == {"A": 3, "B": 0}


def test_an_error_of_the_database_is_caught_by_its_name(database_url: str) -> None:
    ended = run(
        database_url,
        TAKE + "  catch: [{errors: [IntegrityError], steps: [{step: sorry, set: {sorry: '${ error.type }'}}]}]\n",
        {"sku": "B"},
    )
    assert ended.output["sorry"] == "CheckViolation"


@pytest.mark.parametrize(
    ("query", "params", "row"),
    [
        (
            "select 1.50::numeric as price, 1e300::float8 as big, 'NaN'::float8 as odd",
            "",
            {"price": "1.50", "big": 1e300, "odd": "nan"},
        ),
        (
            "select date '2026-01-31' d, timestamptz '2026-01-31 10:00+01' t",
            "",
            {"d": "2026-01-31", "t": "2026-01-31T09:00:00+00:00"},
        ),
        ("select '00000000-0000-7000-8000-000000000001'::uuid as id, null as none", "", {"id": ID, "none": None}),
        ("select '\\x00ff'::bytea as bytes, interval '90 min' as span", "", {"bytes": "AP8=", "span": "1:30:00"}),
        ("select '{\"a\": [1]}'::jsonb as doc, array[1, 2] as list", "", {"doc": {"a": [1]}, "list": [1, 2]}),
        (
            "select %(doc)s::jsonb -> 'a' as a, %(list)s::int[] as list",
            "params: {doc: {a: 7}, list: [1, 2]}",
            {"a": 7, "list": [1, 2]},
        ),
        ("select %s::int + %s::int as sum", "params: [1, 2]", {"sum": 3}),
        ("select '100%' as text", "", {"text": "100%"}),
    ],
)
def test_values_of_the_database_are_json(database_url: str, query: str, params: str, row: dict[str, Any]) -> None:
    escaped = query.replace("\\", "\\\\").replace('"', '\\"')
    ended = run(database_url, f'- step: ask\n  sql:\n    query: "{escaped}"\n    {params}\n  save: found\n')
    assert ended.error is None
    assert ended.output["found"]["rows"] == [row]


@pytest.mark.parametrize(
    ("query", "type"),
    [
        ("select 1 as a; delete from stock", "SyntaxError"),
        ("commit", "SqlRefusal"),
        ("select 1 as a, 2 as a", "SqlRefusal"),
        ("select * from generate_series(1, 10001)", "SqlRefusal"),
        ("select * from nowhere", "UndefinedTable"),
    ],
)
def test_what_cannot_be_a_step_fails_and_changes_nothing(database_url: str, query: str, type: str) -> None:
    ended = run(database_url, f'- step: ask\n  sql: {{query: "{query}"}}\n')
    assert ended.status == "failed"
    assert ended.error["type"] == type, ended.error
    assert stock(database_url) == {"A": 3, "B": 0}


def test_a_statement_is_ended_by_the_timeout_of_its_step(database_url: str) -> None:
    ended = run(database_url, "- step: ask\n  sql: {query: select pg_sleep(60)}\n  timeout: 50ms\n")
    assert ended.error["type"] in ("Timeout", "QueryCanceled")


BY_NAME = """
- step: ask
  sql:
    query: select current_setting('application_name') as asks
    database: shop
  save: found
"""


def test_another_database_is_known_by_its_name(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {"rows": [{"asks": "durable sql"}], "rowcount": 1}
    assert run(database_url, BY_NAME, databases={"shop": database_url}).output["found"] == expected
    monkeypatch.setenv("DURABLE_DATABASE_SHOP_URL", database_url)
    assert run(database_url, BY_NAME).output["found"] == expected


def test_a_worker_that_does_not_know_the_database_defers(database_url: str) -> None:
    async def scenario() -> tuple[int, str]:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(graph(HEAD + BY_NAME), {})
            report = await Worker(database_url).run(until_idle=True)
            return report.deferred, (await durable.get_execution(id)).status

    assert asyncio.run(scenario()) == (1, "waiting")
