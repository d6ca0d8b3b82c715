"""Debounced starts: many calls with a key, one execution with the last input."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable, InvalidInput, InvalidOption
from tests.acceptance.clients import graph, query, run
from tests.acceptance.command import Inside
from tests.acceptance.test_waits import told

INDEX = graph("""
workflow: index
input: {type: object, required: [text], properties: {text: {type: string}}}
output: "${ input.text }"
steps:
  - {step: note, log: "indexing"}
""")

HOUR = timedelta(hours=1)


def test_many_starts_are_one_with_the_last_input(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        ids = [
            await durable.start(INDEX, {"text": text}, key="page 1", debounce=1.0, headers={"last": text})
            for text in "abc"
        ]
        assert (await durable.get_execution(ids[0])).key is None
        outputs = [await durable.result(id, 30) for id in ids]
        # The key is free again.
        later = await durable.start(INDEX, {"text": "d"}, key="page 1", debounce=0.01)
        return (
            len(set(ids)),
            set(outputs),
            await durable.result(later, 30),
            (await durable.get_execution(ids[0])).headers,
        )

    assert told(database_url, story) == (1, {"c"}, "d", {"last": "c"})


def test_many_at_once_are_one(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as one, AsyncDurable(database_url) as other:
            calls = [
                durable.start(INDEX, {"text": str(n)}, key="k", debounce=HOUR, debounce_limit=2 * HOUR)
                for n in range(10)
                for durable in (one, other)
            ]
            return set(await asyncio.gather(*calls))

    assert len(run(story())) == 1
    assert query(database_url, "select count(*) from durable.execution") == 1
    assert query(database_url, "select count(*) from durable.wait where kind = 'start'") == 1


def test_it_is_part_of_the_callers_transaction(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            async with await psycopg.AsyncConnection.connect(database_url) as connection:
                first = await durable.start(INDEX, {"text": "a"}, key="k", debounce=HOUR)
                await durable.start(INDEX, {"text": "b"}, key="k", debounce=HOUR, connection=connection)
                await connection.rollback()
                kept = (await durable.get_execution(first)).input
                await durable.start(INDEX, {"text": "c"}, key="k", debounce=HOUR, connection=connection)
                await connection.commit()
            return kept, (await durable.get_execution(first)).input

    assert run(story()) == ({"text": "a"}, {"text": "c"})


def test_what_makes_no_burst_is_refused(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            for options, said in (
                ({"debounce": 5}, "needs a key"),
                ({"debounce": 5, "key": "k", "scheduled_at": HOUR}, "exclude each other"),
                ({"debounce": 5, "key": "k", "on_conflict": "reject"}, "exclude each other"),
                ({"debounce": 5, "key": "k", "id": "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"}, "exclude each other"),
                ({"debounce": 0, "key": "k"}, "more than 0 and at most a year"),
                ({"debounce": True, "key": "k"}, "more than 0 and at most a year"),
                ({"debounce": "30s", "key": "k"}, "more than 0 and at most a year"),
                ({"debounce": float("nan"), "key": "k"}, "more than 0 and at most a year"),
                ({"debounce": timedelta(days=1000), "key": "k"}, "more than 0 and at most a year"),
                ({"debounce": 5, "key": "k", "debounce_limit": 4}, "at least as long"),
                ({"debounce_limit": 4, "key": "k"}, "nothing without debounce"),
            ):
                with pytest.raises(InvalidOption, match=said):
                    await durable.start(INDEX, {"text": "a"}, **options)
            with pytest.raises(InvalidInput):
                await durable.start(INDEX, {"text": 5}, key="k", debounce=5)

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 0


def test_the_command_debounces(inside: Inside, database_url: str) -> None:
    Path("index.yaml").write_text("workflow: index\nsteps: [{step: note, log: hello}]\n")
    ids = {
        inside(
            "start", "index.yaml", "-i", f"n={n}", "--key", "k", "--debounce", "1h", "--debounce-limit", "2h", "--json"
        ).json["id"]
        for n in range(3)
    }
    [id] = ids
    assert query(database_url, "select input->>'n' from durable.execution") == "2"
    assert inside("status", id).code == 0
    assert inside("start", "index.yaml", "--debounce", "nonsense", "--key", "k").code == 2
    assert inside("start", "index.yaml", "--debounce", "1h").code == 2
