"""A whole worker while the ground shakes: the server stops, connections die, the process stands still."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from durable_runtime.store.migrations import migrate
from durable_runtime.worker import Worker
from durable_runtime.worker.executor import Executor
from tests.faults import worker_steps as steps
from tests.faults.working import call, executions, graph, running, start, status, statuses, until, value
from tests.postgres import OwnServer, wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file outside of the database to which steps add lines."""
    path = tmp_path / "ledger"
    path.touch()
    monkeypatch.setenv("DURABLE_TEST_LEDGER", str(path))
    return path


FIVE = graph(
    "workflow: five\noutput: ${ [data.a, data.b, data.c, data.d, data.e] }\nsteps:\n"
    + "".join(
        f"  - step: {name}\n    call: tests.faults.worker_steps.write_down\n    save: {name}\n"
        f'    with: {{tag: "${{ input.tag }} {name}"}}\n'
        for name in "abcde"
    )
)


async def until_lines(ledger: Path, count: int) -> None:
    """Returns when the ledger has so many lines."""
    await until(lambda: len(ledger.read_text(encoding="utf-8").splitlines()) >= count, f"{count} steps have run")


def check_five(url: str, ledger: Path, count: int) -> Counter[str]:
    """Every execution gave its five results; gives how often each step ran."""
    rows = executions(url).values()
    assert Counter(row.status for row in rows) == {"completed": count}
    assert all(row.output == [f"{row.input['tag']} {name}" for name in "abcde"] for row in rows)
    assert value(url, "select count(*) from durable.checkpoint") == 5 * count
    ran = Counter(ledger.read_text(encoding="utf-8").splitlines())
    assert len(ran) == 5 * count
    return ran


def test_the_server_stops_at_once_and_comes_back_in_the_middle_of_200_executions(
    own_server: Callable[..., OwnServer], ledger: Path
) -> None:
    server = own_server()
    url = server.conninfo
    migrate(url)

    async def scenario() -> None:
        await start(url, FIVE, [{"tag": str(number)} for number in range(200)])
        async with running(Worker(url, concurrency=50)):
            for lines in (250, 600):
                await until_lines(ledger, lines)
                await asyncio.to_thread(server.stop, "immediate")
                await asyncio.to_thread(server.start)
            await until(lambda: statuses(url) == {"completed": 200}, "all executions end")
            # The same worker, in its first life: nobody has taken over anything, so nothing ran a second time.
            assert value(url, "select count(*) from durable.worker") == 1
            assert value(url, "select sum(recoveries) from durable.execution") == 0

    asyncio.run(scenario())

    assert set(check_five(url, ledger, 200).values()) == {1}


def test_all_connections_of_a_worker_die_again_and_again(database_url: str, ledger: Path) -> None:
    async def scenario() -> None:
        await start(database_url, FIVE, [{"tag": str(number)} for number in range(100)])
        async with running(Worker(database_url, concurrency=30)):
            for lines in range(20, 480, 40):
                await until_lines(ledger, lines)
                value(
                    database_url,
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                    "where datname = current_database() and application_name like 'durable%%'",
                )
            await until(lambda: statuses(database_url) == {"completed": 100}, "all executions end")
            assert value(database_url, "select max(id) from durable.worker") == 1
            assert value(database_url, "select sum(recoveries) from durable.execution") == 0

    asyncio.run(scenario())

    assert set(check_five(database_url, ledger, 100).values()) == {1}


# -- processes --------------------------------------------------------------------------------------------------------

PROGRAM = """
import asyncio, sys
from datetime import timedelta
from durable_runtime.worker import Worker
from durable_runtime.worker.executor import Executor

asyncio.run(Worker(sys.argv[1], lease=timedelta(seconds=float(sys.argv[2]))).run())
"""


class Processes:
    """Workers in processes of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, lease: float) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'runtime'}"}
        words = [sys.executable, "-c", PROGRAM, self.url, str(lease)]
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def processes(database_url: str) -> Iterator[Processes]:
    processes = Processes(database_url)
    yield processes
    processes.end()


LEASE = timedelta(seconds=2)


def test_a_worker_that_stood_still_past_its_lease_writes_nothing_and_begins_again(
    database_url: str, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    gate = tmp_path / "gate"
    monkeypatch.setenv("DURABLE_TEST_GATE", str(gate))
    [id] = asyncio.run(start(database_url, call("through_gate"), [{"tag": "through"}]))
    first = processes.start(LEASE.total_seconds())
    wait_until(lambda: ledger.read_text() == "through\n", "the step is in its middle")
    os.kill(first.pid, signal.SIGSTOP)

    async def scenario() -> None:
        async with running(Worker(database_url, lease=LEASE)):
            await until(lambda: ledger.read_text() == "through\n" * 2, "another worker runs the step again")
            os.kill(first.pid, signal.SIGCONT)
            await until(
                lambda: value(database_url, "select count(*) from durable.worker where pid = %s", first.pid) == 1,
                "the one that stood still is a worker again, with another id",
            )
            # Its attempt was dropped: only the new owner's counts, though both could go on from here.
            gate.touch()
            await until(lambda: status(database_url, id) == "completed", "the execution ends")
            # It takes work as before.
            more = await start(database_url, call("write_down"), [{"tag": "more"}] * 3)
            await until(lambda: all(status(database_url, one) == "completed" for one in more), "more is run")

    asyncio.run(scenario())

    assert value(database_url, "select count(*) from durable.checkpoint where path = 'work'") == 4
    assert executions(database_url)[id].recoveries == 1


def test_a_step_that_kills_its_process_twenty_times_ends_its_execution_and_no_other(
    database_url: str, ledger: Path, processes: Processes
) -> None:
    [bad] = asyncio.run(start(database_url, call("kill_process", "bad"), [{"tag": "bad"}]))
    good: list[str] = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        # It was lost sixteen times already: the last four are driven here, with a neighbour at each.
        connection.execute("update durable.execution set recoveries = 16, started_at = now()")
        connection.execute("update durable.ready set alone = true")
        for _time in range(4):
            good += asyncio.run(start(database_url, call("write_down", "good"), [{"tag": "good"}]))
            process = processes.start(1)
            assert process.wait(timeout=30) == -signal.SIGKILL
            # The lease of the dead need not be waited for.
            connection.execute("update durable.worker set expires_at = now() - interval '1 second'")

    async def scenario() -> None:
        await asyncio.wait_for(Worker(database_url, lease=LEASE).run(until_idle=True), 30)

    asyncio.run(scenario())

    rows = executions(database_url)
    assert rows[bad].status == "failed"
    assert rows[bad].error["type"] == "RecoveryLimit"
    assert rows[bad].recoveries == 20
    assert {rows[id].status for id in good} == {"completed"}
    assert Counter(ledger.read_text().splitlines()) == {"bad": 4, "good": 4}


# -- a step that blocks everything ------------------------------------------------------------------------------------


def test_a_step_that_blocks_the_event_loop_past_the_lease_does_not_cost_the_lease(database_url: str) -> None:
    async def scenario() -> None:
        [id] = await start(database_url, call("block"), [{"tag": "blocks"}])
        registered = "select id from durable.worker"
        beats = "select expires_at > started_at + 4 * interval '600 ms' from durable.worker"

        def let_go_later() -> None:
            wait_until(lambda: steps.begun["blocks"], "the step blocks the loop")
            # Four leases further on than at its start, the worker is still there, though its loop stood still.
            wait_until(lambda: value(database_url, beats), "the heart beats on")
            steps.let_go("blocks")

        task = asyncio.create_task(asyncio.to_thread(let_go_later))
        async with running(Worker(database_url, lease=timedelta(milliseconds=600))):
            await until(lambda: status(database_url, id) == "completed", "the step ends")
            assert value(database_url, registered) == 1
        await task

    asyncio.run(scenario())

    assert steps.begun == {"blocks": 1}
    [row] = executions(database_url).values()
    assert row.recoveries == 0


# -- stopping ---------------------------------------------------------------------------------------------------------


def test_a_stopped_worker_lets_attempts_end_and_gives_the_rest_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()
    release_all = Executor.release_all

    def releases(executor: Executor) -> None:
        release_all(executor)
        released.set()

    monkeypatch.setattr(Executor, "release_all", releases)
    two = graph("""
    {workflow: two, steps: [
      {step: first, call: tests.faults.worker_steps.held, with: {tag: first}, save: a},
      {step: second, call: tests.faults.worker_steps.note, with: {tag: second}, save: b}]}
    """)

    async def scenario() -> None:
        [id] = await start(database_url, two, [{}])
        worker = Worker(database_url)
        task = asyncio.create_task(worker.run())
        await until(lambda: steps.begun["first"], "the first step begins")
        worker.stop()
        await asyncio.wait_for(released.wait(), 20)
        steps.let_go("first")
        assert (await asyncio.wait_for(task, 20)).lost == 0
        # What ran was committed, nothing new began, and whoever comes next need not wait for a lease.
        assert steps.begun == {"first": 1}
        assert status(database_url, id) == "pending"
        assert value(database_url, "select count(*) from durable.checkpoint") == 1
        assert value(database_url, "select count(*) from durable.worker") == 0
        await asyncio.wait_for(Worker(database_url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert steps.begun == {"first": 1, "second": 1}
    [row] = executions(database_url).values()
    assert (row.status, row.recoveries) == ("completed", 0)


@pytest.mark.parametrize("function", ["held", "held_thread", "stubborn"])
def test_what_outlives_the_grace_is_given_back_and_writes_nothing(
    database_url: str, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durable_runtime.worker.worker.GRACE", 0.05)

    async def scenario() -> None:
        [id] = await start(database_url, call(function), [{"tag": "long"}])
        async with running(Worker(database_url)):
            await until(lambda: steps.begun["long"], "the step begins")
        assert status(database_url, id) == "pending"
        assert value(database_url, "select count(*) from durable.worker") == 0
        steps.let_go("long", "long 1")
        if function != "held":
            await until(lambda: steps.ended["long"] or steps.ended["long 1"], "the step ends, too late")
        steps.let_go("long 2")
        await asyncio.wait_for(Worker(database_url).run(until_idle=True), 20)

    asyncio.run(scenario())

    assert steps.begun == {"long": 2}
    assert value(database_url, "select count(*) from durable.checkpoint") == 1
    [row] = executions(database_url).values()
    assert (row.status, row.recoveries) == ("completed", 0)
