"""Who started whom: asked of the client and of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from durable_dsl import compile_text
from durable_runtime import AsyncDurable, UnknownExecution, UnknownWorkflow
from tests.acceptance.clients import query, run, work
from tests.acceptance.command import Command

FILE = """
workflow: order
steps:
  - step: pay
    workflow: payment
    save: paid
  - step: ask
    start: survey
---
workflow: payment
steps:
  - step: book
    workflow: booking
    with: {parent: "${ execution.parent_id }"}
    save: booked
output: "${ data.booked }"
---
workflow: booking
steps:
  - step: note
    set: {of: "${ execution.parent_id }"}
output: "${ [data.of, input.parent] }"
---
workflow: survey
steps:
  - step: thank
    log: thanks
---
workflow: aside
steps:
  - step: thank
    log: thanks
"""


def stored(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("select workflow from durable.definition").fetchall()}


def family_of(node: Any) -> Any:
    """A tree as (path, workflow, children)."""
    return node.execution.parent_path, node.execution.workflow, [family_of(child) for child in node.children]


def test_a_start_stores_what_is_started_from_it_and_nothing_else(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(FILE)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start(file)

    run(story())
    assert stored(database_url) == {"order", "payment", "booking", "survey"}


def test_a_workflow_that_starts_one_that_is_nowhere_is_refused_before_anything_is_stored(
    database_url: str,
) -> None:
    order, payment, booking, survey, _aside = compile_text(FILE)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            with pytest.raises(UnknownWorkflow, match="the workflow 'payment' starts 'booking', which is neither"):
                await durable.start([order, payment, survey])
            assert stored(database_url) == set()
            await durable.start(booking, {"parent": None})
            await durable.start([order, payment, survey])
            await durable.start([survey, order, payment], workflow="order")

    run(story())


def test_a_family_is_given_whole_from_any_of_its_members(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(FILE)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(file)
            await work(durable)
            paid = (await durable.result(id))["paid"]
            pay, ask = await durable.list_children(id)
            assert [(each.workflow, each.parent_id, each.parent_path) for each in (pay, ask)] == [
                ("payment", id, "pay"),
                ("survey", id, "ask"),
            ]
            [book] = await durable.list_children(pay.id)
            # What `execution.parent_id` says in expressions is who started it.
            assert paid == [pay.id, id]
            for member in (id, pay.id, ask.id, book.id):
                family = await durable.family(member)
                assert family_of(family) == (
                    None,
                    "order",
                    [("pay", "payment", [("book", "booking", [])]), ("ask", "survey", [])],
                )
            assert [each.id for each in family.walk()] == [id, pay.id, book.id, ask.id]
            assert family.to_json()["children"][0]["children"][0]["id"] == book.id
            assert (await durable.get_execution(id)).parent_id is None
            with pytest.raises(UnknownExecution):
                await durable.family("0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f")

    run(story())


def test_the_command_shows_a_family_and_filters_by_it(database_url: str, tmp_path: Path) -> None:
    durable = Command(tmp_path, database_url)
    durable.write("order.yaml", FILE)
    ran = durable("run", "order.yaml", "--json")
    assert ran.code == 0, ran.err
    listed = durable("list", "--root-only", "--json").json["executions"]
    assert [each["workflow"] for each in listed] == ["order"]
    id = listed[0]["id"]
    children = durable("list", "--parent", id, "--json").json["executions"]
    assert [each["workflow"] for each in children] == ["survey", "payment"]
    pay = children[1]

    shown = durable("family", pay["id"])
    lines = shown.out.splitlines()
    assert [line.split("  ")[0] for line in lines if line] == [
        "order",
        "├─ pay payment",
        "│",
        "└─ ask survey",
    ]
    assert lines[1].endswith("  <")
    tree = durable("family", id, "--json").json["family"]
    assert tree["id"] == id
    assert [child["parent_path"] for child in tree["children"]] == ["pay", "ask"]
    assert f"parent     {id} at pay" in durable("status", pay["id"]).out
    assert durable("family", "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f").code != 0
    assert query(database_url, "select count(*) from durable.execution") == 4
