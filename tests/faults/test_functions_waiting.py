"""Functions that wait for others and tell them, whose worker is killed at each of their calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from durable_runtime import AsyncDurable
from durable_runtime.worker import Worker
from tests.faults.test_code_first import calling, ledger, lines, work_until_idle
from tests.faults.working import executions, start, value

__all__ = ["ledger"]

POINTS = [
    None,
    "enter",
    "after the answer",
    "after the first event",
    "work 1",
    "after the work",
    "after the payment",
    "at the end",
]


async def answer(url: str) -> None:
    """Gives what is waited for: an approval, and a payment after one that is too small."""
    async with AsyncDurable(url) as durable:
        for wait in await durable.list_pending(workflow="errand"):
            if wait.path == "main/approval":
                await durable.provide_input(wait.execution_id, "approval", True, by="ann")
            else:
                await durable.emit("paid", 1, {"amount": 1})
                await durable.emit("paid", 1, {"amount": 7})


@pytest.mark.parametrize("point", POINTS)
def test_a_function_that_waits_and_tells_goes_on_behind_what_is_stored_and_tells_once(
    database_url: str, ledger: Path, point: str | None
) -> None:
    async def begin() -> tuple[str, str]:
        [listener] = await start(database_url, calling("hears", "{n: 1}"), [{}])
        errand = calling("errand", '{n: 1, to: "${ input.to }"}')
        [id] = await start(database_url, errand, [{"to": listener}])
        return id, listener

    id, listener = asyncio.run(begin())
    ends = [work_until_idle(database_url, point)]
    while executions(database_url)[id].status not in ("completed", "failed") and len(ends) < 6:
        asyncio.run(answer(database_url))
        ends.append(work_until_idle(database_url, point))
    found = executions(database_url)
    assert found[id].status == "completed", found[id].error
    assert found[id].output["out"] == ["ann", 1, 7]
    assert ends.count(-9) == (point is not None), "the worker was not killed"
    assert lines(ledger)["work 1"] == (2 if point == "work 1" else 1)
    assert found[listener].status == "completed", found[listener].error
    assert found[listener].output["out"] == ["begun", "done", "worked", 7, None, None]
    assert value(database_url, "select count(*) from durable.event where name = 'errand.begun'") == 2
    assert value(database_url, "select count(*) from durable.open_wait") == 0


@pytest.mark.parametrize("point", [None, "behind the blocks"])
def test_what_a_function_sends_commits_with_its_transaction(database_url: str, ledger: Path, point: str | None) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table account (execution uuid, what text)")

    async def scenario() -> None:
        await start(database_url, calling("transfer_and_tell", "{n: 1}", "retry: {max_attempts: 3, delay: 1ms}"), [{}])
        if point is None:
            await Worker(database_url).run(until_idle=True)

    asyncio.run(scenario())
    if point is not None:
        assert work_until_idle(database_url, point) == -9, "the worker was not killed"
        assert work_until_idle(database_url, None) == 0
    assert value(database_url, "select count(*) from account") == 1
    assert value(database_url, "select array_agg(payload::text) from durable.event") == ["2"]


@pytest.mark.parametrize("first", ["the event", "the wait"])
def test_an_event_that_meets_the_wait_of_a_function_is_taken_in_either_order(database_url: str, first: str) -> None:
    async def scenario() -> None:
        [listener] = await start(database_url, calling("hears_one", "{}"), [{}])
        async with AsyncDurable(database_url) as durable:
            if first == "the wait":
                await Worker(database_url).run(until_idle=True)
                [wait] = await durable.list_pending()
                assert (wait.path, wait.name, wait.key) == ("main/word", "said", "k")
            await durable.emit("said", "k", first)
            await Worker(database_url).run(until_idle=True)
            assert await durable.result(listener, timeout=30) == {"out": first}

    asyncio.run(scenario())
