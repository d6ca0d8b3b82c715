"""Values that the database refuses while the same execution has more going on: nothing of that is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from durable_runtime.store.migrations import migrate
from durable_runtime.worker import Worker
from durable_runtime.worker.executor import Executor
from tests.faults import worker_steps as steps
from tests.faults.working import call, cancel, executions, graph, running, start, status, statuses, until, value
from tests.postgres import OwnServer, with_database


def latin1_database(server: OwnServer, name: str) -> str:
    """A database that cannot hold every text, so that it refuses what Python lets through."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(f"create database {name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0")
    url = with_database(server.conninfo, name)
    migrate(url)
    return url


class Asking:
    """Holds the worker's question which value was refused, until the test lets it be asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        original = Executor.find_unstorable
        asking = self

        async def find(self: Executor, checkpoints: object) -> dict[str, str]:
            asking.reached.set()
            await asking.go_on.wait()
            return await original(self, checkpoints)  # type: ignore[arg-type]

        monkeypatch.setattr(Executor, "find_unstorable", find)


BESIDE = """
workflow: beside
steps:
  - parallel: both
    save: both
    on_error: complete_all
    branches:
      bad: [{step: odd, call: tests.faults.worker_steps.held_han, with: {tag: odd}, save: odd}]
      good: [{step: even, call: tests.faults.worker_steps.held, with: {tag: even}, save: even}]
"""


def test_what_ends_while_a_refused_value_is_looked_for_is_kept(
    own_server: Callable[..., OwnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.forget()
    url = latin1_database(own_server(), "beside")

    async def scenario() -> None:
        asking = Asking(monkeypatch)
        await start(url, graph(BESIDE), [{}])
        async with running(Worker(url)):
            await until(lambda: steps.begun["even"] and steps.begun["odd"], "both steps begin")
            steps.let_go("odd")
            await asking.reached.wait()
            steps.let_go("even")
            await until(lambda: steps.ended["even"], "the other step ends")
            await asyncio.sleep(0)
            asking.go_on.set()
            await until(lambda: statuses(url) == {"completed": 1}, "the execution ends")

    asyncio.run(scenario())

    [row] = executions(url).values()
    both = row.output["both"]
    assert both["good"] == {"ok": True, "value": "even"}
    assert both["bad"]["ok"] is False
    assert both["bad"]["error"]["type"] == "ResultNotStorable"
    assert steps.begun == {"odd": 1, "even": 1}


RACE = """
workflow: race
steps:
  - parallel: first
    join: any
    save: first
    branches:
      bad: [{step: odd, call: tests.faults.worker_steps.held_han, with: {tag: odd}, save: odd}]
      good: [{step: even, call: tests.faults.worker_steps.held, with: {tag: even}, save: even}]
"""


def test_the_loser_of_a_join_that_is_refused_runs_on_and_does_not_begin_again(
    own_server: Callable[..., OwnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.forget()
    url = latin1_database(own_server(), "race")

    async def scenario() -> None:
        asking = Asking(monkeypatch)
        await start(url, graph(RACE), [{}])
        async with running(Worker(url)):
            await until(lambda: steps.begun["even"] and steps.begun["odd"], "both steps begin")
            steps.let_go("odd")
            await asking.reached.wait()
            asking.go_on.set()
            await until(
                lambda: value(url, "select count(*) from durable.checkpoint where kind = 'failed'"), "odd fails"
            )
            steps.let_go("even")
            await until(lambda: statuses(url) == {"completed": 1}, "the execution ends")

    asyncio.run(scenario())

    [row] = executions(url).values()
    assert row.output["first"] == {"good": "even"}
    assert steps.begun == {"odd": 1, "even": 1}


def test_a_cancel_that_was_part_of_a_refused_batch_still_cancels(
    own_server: Callable[..., OwnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.forget()
    url = latin1_database(own_server(), "cancelled")

    async def scenario() -> None:
        asking = Asking(monkeypatch)
        workflow = """
        {workflow: two, steps: [
          {step: odd, call: tests.faults.worker_steps.held_han, with: {tag: odd}, save: odd},
          {step: after, call: tests.faults.worker_steps.note, with: {tag: after}, save: after}]}
        """
        [id] = await start(url, graph(workflow), [{}])
        async with running(Worker(url)):
            await until(lambda: steps.begun["odd"], "the step begins")
            steps.let_go("odd")
            await asking.reached.wait()
            await cancel(url, id)
            asking.go_on.set()
            await until(lambda: status(url, id) in ("cancelled", "failed", "completed"), "it ends")
            assert status(url, id) == "cancelled"
        assert value(url, "select count(*) from durable.request") == 0

    asyncio.run(scenario())


def test_a_computed_value_that_is_refused_fails_its_execution(own_server: Callable[..., OwnServer]) -> None:
    steps.forget()
    url = latin1_database(own_server(), "computed")

    async def scenario() -> None:
        workflow = r"""{workflow: computes, steps: [{step: han, set: {odd: '${ "\u6f22" }'}}]}"""
        await start(url, graph(workflow), [{}])
        await start(url, call("note", "good"), [{"tag": "good"}])
        await asyncio.wait_for(Worker(url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert statuses(url) == {"completed": 1, "failed": 1}
    [row] = [row for row in executions(url).values() if row.status == "failed"]
    assert row.error["type"] == "ResultNotStorable"
    assert "han" in row.error["message"]
