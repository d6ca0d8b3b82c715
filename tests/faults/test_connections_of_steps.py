"""`ctx.connection()`: what a step writes into the engine's own database is there exactly once, whatever happens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durable_runtime.store import takeover
from durable_runtime.store.joined import StepConnections
from durable_runtime.store.queries import load_queries
from durable_runtime.store.takeover import Takeover
from durable_runtime.worker import Worker
from tests.faults import context_steps as steps
from tests.faults.proxy import Fault, proxied
from tests.faults.racing import EITHER_WAY
from tests.faults.test_code_first import calling, ledger, lines, work_until_idle
from tests.faults.working import executions, running, start, status, until, value

__all__ = ["ledger"]

BOTH = {"taken": 1, "given": 1}
NOTHING = b"select 1"


@pytest.fixture(autouse=True)
def _account(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("create table account (execution uuid, what text, tx xid8 default pg_current_xact_id())")


def written(url: str) -> Counter[str]:
    with psycopg.connect(url) as connection:
        return Counter(row[0] for row in connection.execute("select what from account").fetchall())


def transferring(function: str, failures: int = 0, more: str = "") -> Any:
    return calling(function, f"{{n: {failures}}}", more)


@pytest.mark.parametrize("function", ["transfer", "plain_transfer"])
def test_what_a_step_writes_commits_with_its_checkpoint(database_url: str, function: str) -> None:
    async def scenario() -> None:
        await start(database_url, transferring(function), [{}])
        await Worker(database_url).run(until_idle=True)

    asyncio.run(scenario())
    [row] = executions(database_url).values()
    assert (row.status, row.output, row.error) == ("completed", {"out": "transferred"}, None)
    assert written(database_url) == BOTH
    same = (
        "select count(distinct tx) from (select tx::text::bigint & 4294967295 tx from account"
        " union all select xmin::text::bigint from durable.checkpoint where path = 'main') x"
    )
    assert value(database_url, same) == 1


@pytest.mark.parametrize("function", ["transfer", "plain_transfer"])
def test_what_a_failed_attempt_wrote_is_undone(database_url: str, ledger: Path, function: str) -> None:
    async def scenario() -> None:
        await start(database_url, transferring(function, 1, "retry: {max_attempts: 2, delay: 0s}"), [{}])
        await Worker(database_url).run(until_idle=True)

    asyncio.run(scenario())
    [row] = executions(database_url).values()
    assert row.status == "completed", row.error
    assert lines(ledger) == {"transfer 1": 1, "transfer 2": 1}
    assert written(database_url) == BOTH


@pytest.mark.parametrize("function", ["transfer", "plain_transfer"])
@pytest.mark.parametrize("point", ["transfer 1", "between the blocks", "behind the blocks"])
def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_writes_once(
    database_url: str, function: str, point: str
) -> None:
    asyncio.run(start(database_url, transferring(function), [{}]))
    assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert written(database_url) == {}
    assert work_until_idle(database_url, None) == 0
    assert written(database_url) == BOTH


@pytest.mark.parametrize("point", ["in the first call", "between the calls", "in the second call", "behind the calls"])
def test_each_call_has_a_transaction_of_its_own(database_url: str, point: str) -> None:
    asyncio.run(start(database_url, transferring("transfer_by_calls"), [{}]))
    assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    before = {"in the first call": {}, "behind the calls": BOTH}.get(point, {"taken": 1})
    assert written(database_url) == before
    assert work_until_idle(database_url, None) == 0
    assert written(database_url) == {**BOTH, "body": 1}


HELD = ["held_transfer", "held_transfer_in_a_call"]


@pytest.mark.parametrize("function", HELD)
@pytest.mark.parametrize(("fault", "runs"), [(Fault.NEVER_SENT, 2), (Fault.NO_ANSWER, 1), (Fault.GHOST, None)])
def test_a_commit_whose_answer_is_lost_is_made_once_or_once_more(
    database_url: str, ledger: Path, function: str, fault: Fault, runs: int | None
) -> None:
    async def scenario() -> None:
        [id] = await start(database_url, calling(function), [{}])
        with tempfile.TemporaryDirectory(prefix="durable-proxy-") as folder:
            async with proxied(database_url, Path(folder)) as (proxy, through), running(Worker(through)):
                await until(steps.told.is_set, "the step is in its transaction")
                proxy.arm("durable step", fault)
                steps.go_on.set()
                await until(lambda: status(database_url, id) == "completed", "it is over")
                assert proxy.struck.is_set()

    asyncio.run(scenario())
    assert written(database_url) == {"given": 1}
    made = lines(ledger)["transfer"]
    assert made == runs if runs is not None else made in (1, 2)


@pytest.mark.parametrize("function", HELD)
@EITHER_WAY
def test_a_step_whose_worker_was_taken_over_in_its_transaction_writes_nothing(
    database_url: str, ledger: Path, function: str, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        whole = StepConnections.statements
        monkeypatch.setattr(StepConnections, "statements", lambda *args: whole(*args)[1:])

    async def scenario() -> None:
        [id] = await start(database_url, calling(function), [{}])
        async with running(Worker(database_url)):
            await until(steps.told.is_set, "the step is in its transaction")
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("update durable.worker set expires_at = now() - interval '1 hour'")
                [dead_id] = connection.execute("select id from durable.worker").fetchone() or (0,)
            recovery = Takeover(database_url, patience=timedelta(hours=1))
            recovery._sql = {**recovery._sql, "end_steps": NOTHING}  # the fence alone is what is tried here
            # The open transaction of the step does not hold it up: otherwise this would never return.
            assert await recovery.take_over(dead_id) == 1
            await recovery.close()
            steps.go_on.set()
            await until(lambda: status(database_url, id) == "completed", "another life of the worker makes it again")

    asyncio.run(scenario())
    assert lines(ledger) == {"transfer": 2}
    assert written(database_url) == {"given": 1 if guarded else 2}


@EITHER_WAY
def test_a_worker_that_stands_still_in_a_transaction_of_a_step_holds_up_nobody_after_it_was_taken_over(
    database_url: str, ledger: Path, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        monkeypatch.setattr(takeover, "load_queries", lambda *args: {**load_queries(*args), "end_steps": NOTHING})
    with psycopg.connect(database_url) as connection:
        connection.execute("create table stock as select 10 as left_over")
    code = (
        "import asyncio\nfrom datetime import timedelta\nfrom durable_runtime.worker import Worker\n"
        f"asyncio.run(Worker({database_url!r}, lease=timedelta(seconds=1), concurrency=1, name='victim').run())"
    )
    environment = {**os.environ, "DURABLE_TEST_STAND_STILL": "yes"}
    known = "select count(*) from durable.worker where name = 'victim'"
    blocked = "select count(*) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"

    def begin() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=Path(__file__).parents[2])

    async def scenario() -> None:
        ids = await start(database_url, calling("takes_one"), [{}, {}])
        victim = begin()
        try:
            await until(ledger.exists, "the victim holds the row")
            async with running(Worker(database_url, lease=timedelta(seconds=1))):
                await until(lambda: value(database_url, known) == 0, "the victim is taken over")
                if not guarded:
                    await until(lambda: value(database_url, blocked) > 0, "others wait for the row")
                    assert {status(database_url, id) for id in ids} == {"running"}
                    victim.kill()
                await until(lambda: {status(database_url, id) for id in ids} == {"completed"}, "both have taken one")
            assert guarded == (victim.poll() is None)
        finally:
            victim.kill()
            victim.wait()

    asyncio.run(scenario())
    assert value(database_url, "select left_over from stock") == 8


def test_a_worker_killed_between_the_commit_and_its_news_does_not_write_again(database_url: str, ledger: Path) -> None:
    asyncio.run(start(database_url, transferring("transfer"), [{}]))
    killed = "from durable_runtime.worker import joining\njoining.Joined.committed = lambda self: die_at('committed')\n"
    assert work_until_idle(database_url, "committed", killed) == -9, "the worker was not killed"
    assert written(database_url) == BOTH
    assert work_until_idle(database_url, None) == 0
    assert written(database_url) == BOTH
    assert lines(ledger) == {"transfer 1": 1}
    [row] = executions(database_url).values()
    assert row.status == "completed"


@pytest.mark.parametrize("statement", range(1, 8))
def test_a_worker_killed_before_any_statement_of_the_transaction_writes_once(database_url: str, statement: int) -> None:
    asyncio.run(start(database_url, transferring("transfer"), [{}]))
    code = f"""
from durable_runtime.store import joined
from psycopg import AsyncConnection
whole, seen = AsyncConnection.execute, []
async def execute(self, *args, **kwargs):
    if b"durable step" in self.pgconn.parameter_status(b"application_name"):
        seen.append(args)
        if len(seen) == {statement}:
            die_at("statement")
    return await whole(self, *args, **kwargs)
AsyncConnection.execute = execute
"""
    assert work_until_idle(database_url, "statement", code) == -9, "the worker was not killed"
    assert written(database_url) == {}
    assert work_until_idle(database_url, None) == 0
    assert written(database_url) == BOTH


def test_what_the_database_refuses_at_the_commit_fails_the_attempt(database_url: str, ledger: Path) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table account add constraint once unique (what) deferrable initially deferred")
        connection.execute("insert into account (what) values ('given')")

    async def scenario() -> None:
        await start(database_url, transferring("transfer", 0, "retry: {max_attempts: 2, delay: 0s}"), [{}])
        await Worker(database_url).run(until_idle=True)

    asyncio.run(scenario())
    [row] = executions(database_url).values()
    assert row.status == "failed"
    assert (row.error["type"], row.error["attempt"]) == ("UniqueViolation", 2)
    assert written(database_url) == {"given": 1}


def test_a_function_that_ends_the_transaction_itself_fails(database_url: str) -> None:
    async def scenario() -> None:
        await start(database_url, calling("commits_itself"), [{}])
        await Worker(database_url).run(until_idle=True)

    asyncio.run(scenario())
    [row] = executions(database_url).values()
    assert row.status == "failed"
    assert row.error["type"] == "NoActiveSqlTransaction"
