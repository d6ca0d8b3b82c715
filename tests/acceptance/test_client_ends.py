"""Waiting for results: an end is heard, not looked for."""

from __future__ import annotations

import asyncio

import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.client import awaiting
from tests.faults import worker_steps as steps
from tests.faults.working import call, running, until, value

LISTENING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and state = 'idle' and starts_with(query, 'listen')"
)


def test_an_end_is_heard_by_whoever_waits_for_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaiting, "FIRST_LOOK", 3600.0)
    monkeypatch.setattr(awaiting, "FIRST_LOOK_WHILE_HEARING", 3600.0)
    monkeypatch.setattr(awaiting, "LONGEST_LOOK", 3600.0)
    steps.forget()

    async def story() -> list[object]:
        async with AsyncDurable(database_url) as durable:
            await durable.migrate()
            async with running(Worker(database_url)):
                # It would not hear that somebody waits, and hear of it only in the client's next saying so.
                await until(lambda: value(database_url, LISTENING) == 1, "the worker listens")
                first = await durable.start(call("held"), {"tag": "first"})
                results = [asyncio.create_task(durable.result(first)), asyncio.create_task(durable.result(first))]
                await until(lambda: durable._awaiting.hears, "the client hears what workers say")
                # Its hint comes after the one that says that somebody waits.
                second = await durable.start(call("held"), {"tag": "second"})
                await until(lambda: steps.begun == {"first": 1, "second": 1}, "both run")
                steps.let_go("first")
                ended = list(await asyncio.gather(*results))
                results = [asyncio.create_task(durable.result(second))]
                await until(lambda: second in durable._awaiting._told, "it is waited for")
                steps.let_go("second")
                return ended + list(await asyncio.gather(*results))

    assert len(asyncio.run(story())) == 3


def test_a_worker_tells_nobody_while_nobody_waits(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from durable_runtime.store.postgres_worker import PostgresWorkerStore

    told: list[str] = []

    async def noted(_store: PostgresWorkerStore, ended: str) -> None:
        told.append(ended)

    monkeypatch.setattr(PostgresWorkerStore, "tell_ends", noted)
    steps.forget()

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ids = [await durable.start(call("note"), {"tag": str(number)}) for number in range(3)]
            await Worker(database_url).run(until_idle=True)
            assert len([await durable.result(id) for id in ids]) == 3

    asyncio.run(story())
    assert told == []
