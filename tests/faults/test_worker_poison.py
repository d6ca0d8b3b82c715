"""One bad execution among good ones: it has its own outcome, and nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from durable_dsl import Graph
from durable_runtime.worker import Worker
from tests.faults import worker_steps as steps
from tests.faults.working import call, cancel, executions, graph, running, start, statuses, until


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


async def run_with_a_good_one(url: str, bad: Graph, value: object, *, threads: int = 2) -> str:
    """Runs a bad execution and then a good one beside it; gives the bad one's id."""
    [id] = await start(url, bad, [value])
    await start(url, call("note", "good"), [{"tag": "good"}])
    await asyncio.wait_for(Worker(url, threads=threads).run(until_idle=True), 20)
    assert steps.begun["good"] == 1
    return id


def test_a_module_that_raises_when_imported_is_a_missing_function_to_its_executions_only(database_url: str) -> None:
    bad = graph("{workflow: bad, steps: [{step: work, call: tests.faults.module_that_breaks.charge}]}")

    id = asyncio.run(run_with_a_good_one(database_url, bad, {}))

    assert statuses(database_url) == {"completed": 1, "waiting": 1}
    assert executions(database_url)[id].status == "waiting"


def test_a_timeout_that_is_no_time_fails_its_execution(database_url: str) -> None:
    bad = graph("{workflow: bad, timeout: '${ input.limit }', steps: [{step: work, set: {n: 1}}]}")

    id = asyncio.run(run_with_a_good_one(database_url, bad, {"limit": "soon"}))

    row = executions(database_url)[id]
    assert row.status == "failed"
    assert row.error["type"] == "NotATime"


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("leave", "SystemExit"),
        ("leave_thread", "SystemExit"),
        ("much_later", "Retry"),
        ("unreadable", "ResultNotStorable"),
    ],
)
def test_whatever_a_step_raises_or_gives_fails_that_step(database_url: str, function: str, error: str) -> None:
    id = asyncio.run(run_with_a_good_one(database_url, call(function, "bad"), {"tag": "bad"}))

    row = executions(database_url)[id]
    assert row.status == "failed"
    assert row.error["type"] == error
    assert steps.begun["bad"] == 1


@pytest.mark.parametrize("damage", ['update durable.definition set graph = \'{"from": "the future"}\''])
def test_a_graph_that_this_version_cannot_read_is_left_to_a_worker_that_can(
    database_url: str, damage: str, observe: Callable[[str], None]
) -> None:
    async def scenario() -> None:
        await start(database_url, call("note", "bad"), [{"tag": "bad"}])
        observe(damage)
        await start(database_url, call("note", "good"), [{"tag": "good"}])
        await asyncio.wait_for(Worker(database_url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert statuses(database_url) == {"completed": 1, "waiting": 1}
    assert steps.begun == {"good": 1}


def test_a_history_that_does_not_fit_is_left_alone_and_looked_at_again_later(
    database_url: str, observe: Callable[[str], None]
) -> None:
    async def scenario() -> None:
        await start(database_url, call("note", "bad"), [{"tag": "bad"}])
        observe("update durable.execution set started_at = now()")
        observe(
            "insert into durable.checkpoint (execution_id, seq, path, kind, finished_at) "
            "select id, 1, 'work', 'turned', now() from durable.execution"
        )
        await start(database_url, call("note", "good"), [{"tag": "good"}])
        await asyncio.wait_for(Worker(database_url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert statuses(database_url) == {"completed": 1, "waiting": 1}


@pytest.mark.parametrize("at", [None, datetime(2099, 1, 1, tzinfo=UTC)], ids=["queued", "scheduled"])
def test_what_was_cancelled_before_it_began_never_begins(database_url: str, at: datetime | None) -> None:
    async def scenario() -> None:
        [id] = await start(database_url, call("note"), [{"tag": "cancelled"}], at=at)
        await cancel(database_url, id)
        await asyncio.wait_for(Worker(database_url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert statuses(database_url) == {"cancelled": 1}
    assert steps.begun == {}


@pytest.mark.parametrize("first", ["the cancel", "the look"])
def test_what_no_worker_can_read_is_ended_by_a_cancel_all_the_same(
    database_url: str, observe: Callable[[str], None], first: str
) -> None:
    async def scenario() -> None:
        [id] = await start(database_url, call("note", "bad"), [{"tag": "bad"}])
        observe("update durable.execution set started_at = now()")
        observe(
            "insert into durable.checkpoint (execution_id, seq, path, kind, finished_at) "
            "select id, 1, 'work', 'turned', now() from durable.execution"
        )
        if first == "the look":
            worker = Worker(database_url)
            async with running(worker):
                await until(lambda: statuses(database_url) == {"waiting": 1}, "it is set aside")
        await cancel(database_url, id)
        await asyncio.wait_for(Worker(database_url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert statuses(database_url) == {"cancelled": 1}
    assert steps.begun == {}
