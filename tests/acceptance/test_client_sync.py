"""The client that waits: from scripts, threads, coroutines, forked children, and at the end of a process."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from durable_runtime import AsyncDurable, Durable, ExecutionFailed, InvalidInput, UnknownExecution
from durable_runtime.embedded import EmbeddedServer
from tests.acceptance.clients import BREAK, GREET, query

ASKED_FOR = [
    name
    for name, _method in inspect.getmembers(AsyncDurable, inspect.isfunction)
    if not name.startswith("_") and name != "close"
]


@pytest.fixture
def default(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Durable]]:
    """The class itself, whose default instance uses the test's database."""
    monkeypatch.setenv("DURABLE_DATABASE_URL", database_url)
    yield Durable
    Durable.close()


def work(durable: Durable) -> None:
    """Runs what there is to run."""
    asyncio.run(durable.worker().run(until_idle=True))


def test_every_method_of_the_one_is_a_method_of_the_other() -> None:
    assert len(ASKED_FOR) >= 12
    for name in ASKED_FOR:
        parameters = list(inspect.signature(getattr(AsyncDurable, name)).parameters.values())[1:]
        assert list(inspect.signature(getattr(Durable, name)).parameters.values()) == parameters
        assert getattr(Durable, name).__doc__ == getattr(AsyncDurable, name).__doc__


def test_an_execution_is_started_run_and_asked_for(database_url: str) -> None:
    with Durable(database_url) as durable:
        id = durable.start(GREET, {"name": "Ada"})
        work(durable)

        assert durable.result(id) == "hello Ada!"
        assert durable.get_execution(id).status == "completed"
        assert [execution.id for execution in durable.list_executions(status="completed")] == [id]
        assert durable.get_graph(id) == GREET
        assert durable.cancel(id) == "completed"


def test_the_class_itself_means_the_default_instance(default: type[Durable]) -> None:
    id = default.start(GREET, {"name": "Ada"}, queue="mails")
    work(default.default())

    assert default.result(id, timeout=30) == "hello Ada!"
    assert default.default() is default.default()


def test_looking_at_the_class_makes_no_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Durable, "_default", None)

    assert "Starts an execution" in (inspect.getdoc(Durable.start) or "")
    assert Durable._default is None


def test_errors_come_through_as_they_are(database_url: str) -> None:
    with Durable(database_url) as durable:
        with pytest.raises(InvalidInput, match=r"input\.name is required"):
            durable.start(GREET)
        with pytest.raises(UnknownExecution):
            durable.get_execution("42")
        id = durable.start(BREAK)
        work(durable)
        with pytest.raises(ExecutionFailed, match="CardDeclined"):
            durable.result(id)


def test_many_threads_share_one_client(database_url: str) -> None:
    with Durable(database_url) as durable, ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda number: durable.start(GREET, {"name": f"n{number}"}), range(40)))

        assert len(set(ids)) == 40
    assert query(database_url, "select count(*) from durable.execution") == 40


def test_a_coroutine_may_wait_for_it(database_url: str) -> None:
    async def story() -> str:
        with Durable(database_url) as durable:
            return durable.get_execution(durable.start(GREET, {"name": "Ada"})).workflow

    assert asyncio.run(story()) == "greet"


def test_one_thread_waits_for_a_result_while_another_goes_on(database_url: str) -> None:
    with Durable(database_url) as durable, ThreadPoolExecutor(1) as threads:
        id = durable.start(GREET, {"name": "Ada"})
        waits = threads.submit(durable.result, id)
        work(durable)

        assert waits.result(timeout=30) == "hello Ada!"


def test_a_closed_client_opens_again_and_leaves_no_thread(database_url: str) -> None:
    before = threading.active_count()
    durable = Durable(database_url)
    id = durable.start(GREET, {"name": "Ada"})
    durable.close()

    assert threading.active_count() == before
    assert durable.get_execution(id).id == id
    durable.close()
    durable.close()


def test_a_client_that_was_never_used_closes() -> None:
    Durable("postgresql://nowhere.invalid/none").close()


def test_a_forked_child_connects_anew_and_leaves_the_parents_connections(database_url: str) -> None:
    with Durable(database_url) as durable:
        first = durable.start(GREET, {"name": "parent"})
        child = os.fork()
        if child == 0:
            # Whatever goes wrong in the child, it must not outlive the test.
            signal.alarm(30)
            try:
                durable.start(GREET, {"name": "child"})
                durable.close()
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0

        assert durable.get_execution(first).input["name"] == "parent"
        assert [each.input["name"] for each in durable.list_executions()] == ["child", "parent"]


def test_an_interrupt_of_the_waiting_thread_leaves_the_client_usable(database_url: str) -> None:
    program = f"""
from durable_runtime import Durable
from tests.acceptance.clients import REST

with Durable({database_url!r}) as durable:
    id = durable.start(REST)
    try:
        print("waiting", flush=True)
        durable.result(id)
    except KeyboardInterrupt:
        print(durable.get_execution(id).status)
"""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "waiting\n"
        script.send_signal(signal.SIGINT)

        assert script.communicate(timeout=60) == ("pending\n", "")
        assert script.returncode == 0


def test_a_script_that_forgets_to_close_has_still_told_the_workers(database_url: str) -> None:
    program = f"""
from durable_runtime import Durable
from durable_runtime.client import session
from tests.acceptance.clients import REST

session.HINT_INTERVAL = 3600.0
durable = Durable({database_url!r})
durable.start(REST)
while durable._engine._session._hints:
    durable.list_executions()
durable.start(REST)
"""
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("listen durable_ready")
        ran = _python(program)

        assert (ran.stderr, ran.returncode) == ("", 0)
        assert len(list(listener.notifies(timeout=30, stop_after=2))) == 2


def test_a_script_that_forgets_to_close_ends_quietly_and_stops_the_server(durable_home: Path, tmp_path: Path) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text("workflow: flow\nsteps: [{step: a, set: {n: 1}}]\n")
    program = f"""
from durable_runtime import Durable

id = Durable.start({str(flow)!r})
print(Durable.get_execution(id).status)
"""
    ran = _python(program)

    assert (ran.stdout, ran.stderr, ran.returncode) == ("pending\n", "", 0)
    assert not EmbeddedServer(durable_home).status().running


def test_what_one_process_started_the_next_one_runs(durable_home: Path) -> None:
    started = _python(
        "from durable_runtime import Durable\n"
        "from tests.acceptance.clients import GREET\n"
        "print(Durable.start(GREET, {'name': 'Ada'}))"
    )
    finished = _python(
        "import asyncio, sys\n"
        "from durable_runtime import Durable\n"
        "asyncio.run(Durable.worker().run(until_idle=True))\n"
        f"print(Durable.result({started.stdout.strip()!r}, timeout=0))"
    )

    assert (finished.stdout, finished.stderr) == ("hello Ada!\n", "")
    assert not EmbeddedServer(durable_home).status().running


def _python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
