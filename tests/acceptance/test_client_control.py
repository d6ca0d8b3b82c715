"""Pausing and resuming, by whom and why."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from durable_runtime import AsyncDurable, Durable, UnknownExecution, WrongStatus
from tests.acceptance.clients import GREET, query, run, work

NOBODY = "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"
ADA = {"name": "Ada"}


def test_a_paused_execution_rests_until_it_is_resumed(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, ADA)
            assert await durable.pause(id, "the mail server is away", by="ann") == "pending"
            assert (await durable.get_execution(id)).status == "paused"
            await work(durable)
            assert (await durable.get_execution(id)).status == "paused"
            await durable.pause(id)
            await durable.resume(id, "it is back", by="ben")
            assert (await durable.get_execution(id)).status == "pending"
            await work(durable)
            assert await durable.result(id) == "hello Ada!"
            steps = (await durable.get_execution(id, include_steps=True)).steps or ()
            asked = [(step.kind, step.result) for step in steps if not step.path]
            assert asked == [
                ("paused", {"reason": "the mail server is away", "by": "ann"}),
                ("resumed", {"reason": "it is back", "by": "ben"}),
            ]

    run(story())


def test_one_that_is_scheduled_begins_neither_before_its_time_nor_before_it_is_resumed(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, ADA, scheduled_at=timedelta(hours=1))
            await durable.pause(id)
            await work(durable)
            await durable.resume(id)
            worker = durable.worker(only=[id])
            working = asyncio.create_task(worker.run())
            while query(database_url, "select count(*) from durable.wait where kind = 'start'") == 0:
                await asyncio.sleep(0.01)
            worker.stop()
            await working
            assert (await durable.get_execution(id)).status == "waiting"
            assert query(database_url, "select count(*) from durable.checkpoint where path <> ''") == 0

    run(story())


def test_what_has_ended_can_be_neither_paused_nor_resumed(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, ADA)
            await work(durable)
            with pytest.raises(WrongStatus, match=f"the execution {id} is completed; only one that has not ended can"):
                await durable.pause(id)
            with pytest.raises(WrongStatus):
                await durable.resume(id)
            assert (await durable.get_execution(id)).status == "completed"

    run(story())


@pytest.mark.parametrize("id", [NOBODY, "42"])
def test_an_id_that_nobody_has_is_unknown(database_url: str, id: str) -> None:
    with Durable(database_url) as durable:
        for ask in (durable.pause, durable.resume):
            with pytest.raises(UnknownExecution, match=f"there is no execution '{id}'"):
                ask(id)


def test_a_cancel_ends_a_paused_execution(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, ADA)
            await durable.pause(id)
            await work(durable)
            assert await durable.cancel(id) == "waiting"
            await work(durable)
            assert (await durable.get_execution(id)).status == "cancelled"

    run(story())
