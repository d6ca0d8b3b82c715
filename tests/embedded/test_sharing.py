"""Several processes use one server: the first starts it, the last stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from durable_runtime.embedded import EmbeddedServer
from tests.embedded.users import User, is_alive, query
from tests.postgres import wait_until

StartUser = Callable[..., User]


def test_the_first_user_gets_a_server_and_the_last_one_stops_it(home: Path) -> None:
    server = EmbeddedServer(home)
    before = server.status()
    assert (before.running, before.pid, before.version, before.users, before.conninfo) == (False, None, None, 0, None)

    url = server.join()

    status = server.status()
    assert status.running
    assert status.conninfo == url
    assert status.home == home
    assert status.data_folder == home / "pgdata"
    assert status.pid is not None
    assert is_alive(status.pid)
    assert status.size_bytes > 1_000_000
    assert query(url, "SELECT current_database()") == "durable"
    assert status.version == str(int(query(url, "SELECT current_setting('server_version_num')")) // 10000)
    assert server.leave() is True
    assert not is_alive(status.pid)
    assert server.status().running is False


def test_what_was_written_is_there_when_the_server_runs_again(home: Path) -> None:
    with EmbeddedServer(home) as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedServer(home) as url:
        assert query(url, "SELECT answer FROM kept") == 42


def test_a_server_stays_until_its_last_user_leaves(home: Path, start_user: StartUser) -> None:
    worker, starter = start_user(), start_user()
    assert worker.join() == starter.join()
    pid = EmbeddedServer(home).status().pid
    assert pid is not None

    assert worker.ask("server.leave()") is False
    assert is_alive(pid)
    assert starter.ask("server.leave()") is True
    assert not is_alive(pid)


def test_the_status_counts_the_users(home: Path, start_user: StartUser) -> None:
    if not Path("/proc/locks").exists():
        pytest.skip("this system does not tell who holds a file lock")
    users = [start_user() for _ in range(3)]
    for user in users:
        user.join()
    assert EmbeddedServer(home).status().users == 3
    users[0].kill()
    assert EmbeddedServer(home).status().users == 2


def test_processes_that_race_for_a_cold_folder_share_one_server(home: Path, start_user: StartUser) -> None:
    users = [start_user() for _ in range(4)]
    for user in users:
        user.tell("server.join()")
    urls = {user.answer() for user in users}
    pids = {user.ask("server.status().pid") for user in users}
    assert len(urls) == 1
    assert len(pids) == 1
    assert sorted(path.name for path in home.iterdir()) == ["alive.lock", "pgdata", "server.lock", "users.lock"]


def test_leaving_twice_and_leaving_without_having_joined_do_nothing(home: Path, start_user: StartUser) -> None:
    other = start_user()
    other.join()
    assert EmbeddedServer(home).leave() is False
    server = EmbeddedServer(home)
    server.join()
    assert server.leave() is False
    assert server.leave() is False
    assert server.status().running is True


def test_joining_twice_counts_once(home: Path) -> None:
    server = EmbeddedServer(home)
    assert server.join() == server.join()
    assert server.leave() is True


def test_a_process_that_ends_in_order_has_left(home: Path, start_user: StartUser) -> None:
    user = start_user()
    user.join()
    pid = user.ask("server.status().pid")
    user.end()
    assert not is_alive(pid)
    assert EmbeddedServer(home).status().running is False


_FORK = """
def fork():
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(10 if server.leave() else 20)
"""


def test_a_forked_child_cannot_leave_for_its_parent(start_user: StartUser) -> None:
    user = start_user(preparation=_FORK)
    url = user.join()
    assert user.ask("fork()") == 20
    assert query(url, "SELECT 1") == 1
    assert user.ask("server.leave()") is True


_FORK_AND_STAY = """
def fork_and_stay(until):
    if child := os.fork():
        return child
    open(until).close()
    server.leave()
    os._exit(0)
"""


def test_a_forked_child_that_lives_on_is_the_last_user_when_its_parent_has_left(
    home: Path, tmp_path: Path, start_user: StartUser
) -> None:
    user = start_user(preparation=_FORK_AND_STAY)
    url = user.join()
    until = tmp_path / "until"
    os.mkfifo(until)
    user.ask(f"fork_and_stay({str(until)!r})")
    assert user.ask("server.leave()") is False
    assert query(url, "SELECT 1") == 1
    until.open("w").close()
    wait_until(lambda: not EmbeddedServer(home).status().running, "the child leaves as the last one")


def test_stop_ends_the_server_under_its_users_and_they_can_have_it_back(home: Path, start_user: StartUser) -> None:
    user = start_user()
    url = user.join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert EmbeddedServer(home).stop() is True
    assert EmbeddedServer(home).stop() is False
    assert EmbeddedServer(home).status().running is False
    assert user.join() == url
    assert query(url, "SELECT answer FROM kept") == 42


def test_stopping_a_server_that_never_was_makes_no_folder(home: Path) -> None:
    assert EmbeddedServer(home / "never").stop() is False
    assert not (home / "never").exists()


def test_the_server_keeps_no_pipe_of_its_starter_open(home: Path, start_user: StartUser) -> None:
    """As in `durable run | head`: the reader sees the end although the server runs on."""
    program = (
        "import os, sys; from pathlib import Path; from durable_runtime.embedded import EmbeddedServer\n"
        "EmbeddedServer(Path(sys.argv[1])).join(); print('joined', flush=True); os.kill(os.getpid(), 9)"
    )
    runtime = Path(__file__).resolve().parents[2] / "runtime"
    piped = subprocess.run(
        ["/bin/sh", "-c", '"$@" 2>&1 | cat', "sh", sys.executable, "-c", program, home],
        env=os.environ | {"PYTHONPATH": str(runtime)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert piped.stdout == "joined\n"
    assert EmbeddedServer(home).status().running is True


def test_an_interrupt_at_the_terminal_does_not_reach_the_server(home: Path, start_user: StartUser) -> None:
    user = start_user()
    url = user.join()
    pid = user.ask("server.status().pid")
    assert os.getsid(pid) != os.getsid(user.pid)
    os.killpg(user.pid, signal.SIGINT)
    wait_until(lambda: not is_alive(user.pid), "the interrupted process ends")
    # It ended with a KeyboardInterrupt, that is: in order, and so as the last user.
    wait_until(lambda: not is_alive(pid), "the server is stopped by its last user")
    assert "received fast shutdown request" in (home / "pgdata" / "server.log").read_text()
    assert EmbeddedServer(home).join() == url


def test_threads_of_one_process_can_join_at_the_same_time(home: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    server = EmbeddedServer(home)
    with ThreadPoolExecutor(4) as threads:
        urls = set(threads.map(lambda _: server.join(), range(4)))
    assert len(urls) == 1
    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(lambda _: server.leave(), range(4))) == [False, False, False, True]
