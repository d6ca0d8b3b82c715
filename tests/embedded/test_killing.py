"""Nothing that is killed, hangs or is left over keeps the next user from a server with all that was committed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from durable_runtime.embedded import EmbeddedServer, ServerBusy, StartFailed, find_binaries
from tests.embedded.users import User, crash, is_alive, query
from tests.postgres import wait_until

StartUser = Callable[..., User]


def _write_answer(url: str) -> None:
    query(url, "CREATE TABLE kept AS SELECT 42 AS answer")


def test_killing_the_user_who_started_it_leaves_a_server_that_the_next_one_joins(
    home: Path, start_user: StartUser
) -> None:
    first = start_user()
    url = first.join()
    pid = first.ask("server.status().pid")
    _write_answer(url)
    first.kill()

    assert EmbeddedServer(home).status().users == 0
    next_one = EmbeddedServer(home)
    assert next_one.join() == url
    assert next_one.status().pid == pid
    assert query(url, "SELECT answer FROM kept") == 42
    assert next_one.leave() is True


def test_a_server_that_killed_users_left_behind_can_be_stopped(home: Path, start_user: StartUser) -> None:
    user = start_user()
    user.join()
    pid = user.ask("server.status().pid")
    user.kill()
    assert EmbeddedServer(home).stop() is True
    assert not is_alive(pid)


def test_after_the_postmaster_was_killed_the_next_user_gets_a_new_one(home: Path, start_user: StartUser) -> None:
    user = start_user()
    url = user.join()
    pid = user.ask("server.status().pid")
    _write_answer(url)
    crash(pid)

    assert EmbeddedServer(home).join() == url
    assert EmbeddedServer(home).status().pid != pid
    assert query(url, "SELECT answer FROM kept") == 42


def test_a_user_whose_postmaster_was_killed_gets_a_new_one_by_joining_again(home: Path) -> None:
    server = EmbeddedServer(home)
    url = server.join()
    _write_answer(url)
    pid = server.status().pid
    assert pid is not None
    crash(pid)
    assert server.join() == url
    assert query(url, "SELECT answer FROM kept") == 42
    assert server.leave() is True


def test_killing_user_and_postmaster_at_once_loses_nothing_that_was_committed(
    home: Path, start_user: StartUser
) -> None:
    user = start_user()
    url = user.join()
    _write_answer(url)
    pid = user.ask("server.status().pid")
    user.kill()
    crash(pid)
    with EmbeddedServer(home) as again:
        assert query(again, "SELECT answer FROM kept") == 42


@pytest.fixture
def busy_backend(home: Path) -> Iterator[int]:
    """The id of a backend that computes for minutes, so that it does not notice the end of its postmaster."""
    server = EmbeddedServer(home)
    client = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import psycopg, sys\n"
            "connection = psycopg.connect(sys.argv[1])\n"
            "print(connection.info.backend_pid, flush=True)\n"
            "many = 'generate_series(1, 100000)'\n"
            "try: connection.execute(f'SELECT count(*) FROM {many} a, {many} b')\n"
            "except psycopg.Error: pass",
            server.join(),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    pid = int(client.stdout.readline())
    computes = f"SELECT state = 'active' AND wait_event IS NULL FROM pg_stat_activity WHERE pid = {pid}"
    wait_until(lambda: query(server.join(), computes), "the backend computes")
    yield pid
    client.kill()
    client.wait()
    client.stdout.close()
    server.leave()


def test_a_new_server_never_starts_beside_a_living_child_of_a_killed_one(home: Path, busy_backend: int) -> None:
    server = EmbeddedServer(home)
    url = server.join()
    _write_answer(url)
    pid = server.status().pid
    assert pid is not None
    crash(pid)
    wait_until(lambda: not is_alive(pid), "the postmaster is gone")
    assert is_alive(busy_backend)
    with pytest.raises(ServerBusy, match="is not ready"):
        server.join(timedelta(milliseconds=200))
    assert is_alive(busy_backend)

    assert server.join() == url
    assert not is_alive(busy_backend)
    assert query(url, "SELECT answer FROM kept") == 42


def test_stop_ends_the_living_children_of_a_killed_postmaster(home: Path, busy_backend: int) -> None:
    pid = EmbeddedServer(home).status().pid
    assert pid is not None
    crash(pid)
    wait_until(lambda: not is_alive(pid), "the postmaster is gone")
    assert EmbeddedServer(home).stop() is True
    assert not is_alive(busy_backend)


def test_a_stranger_who_stands_in_the_data_folder_is_not_harmed(home: Path, busy_backend: int) -> None:
    server = EmbeddedServer(home)
    with subprocess.Popen(["sleep", "600"], cwd=home / "pgdata") as stranger:
        try:
            pid = server.status().pid
            assert pid is not None
            crash(pid)
            server.join()
            assert not is_alive(busy_backend)
            server.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


# From <sys/prctl.h>: orphans of this process become its children. It never waits for them, as a bad PID 1 does not.
_ADOPT_ORPHANS = "import ctypes; assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0\n"


def test_a_postmaster_that_stays_as_a_zombie_does_not_keep_others_from_starting(
    home: Path, start_user: StartUser
) -> None:
    if not hasattr(ctypes.CDLL(None), "prctl"):
        pytest.skip("this system has no prctl, by which a process adopts orphans")
    user = start_user(preparation=_ADOPT_ORPHANS)
    url = user.join()
    _write_answer(url)
    pid = user.ask("server.status().pid")
    crash(pid)
    wait_until(lambda: not is_alive(pid), "the postmaster is dead")
    assert Path(f"/proc/{pid}").exists(), "nobody has reaped it"

    assert EmbeddedServer(home).join() == url
    assert query(url, "SELECT answer FROM kept") == 42
    assert Path(f"/proc/{pid}").exists()


def test_an_id_that_someone_else_got_does_not_keep_others_from_starting(home: Path) -> None:
    server = EmbeddedServer(home)
    url = server.join()
    _write_answer(url)
    pid = server.status().pid
    assert pid is not None
    data = home / "pgdata"
    crash(pid)
    wait_until(lambda: not server.status().running, "the server is gone")
    owner = data.stat()
    as_its_user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], cwd="/", **as_its_user) as stranger:  # type: ignore[call-overload]
        try:
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                lines = (data / name).read_text().split("\n")
                assert lines[0] == str(pid)
                (data / name).write_text("\n".join([str(stranger.pid), *lines[1:]]))
            assert server.join() == url
            assert query(url, "SELECT answer FROM kept") == 42
            server.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_data_folder_is_whole_or_absent_when_its_maker_is_killed(home: Path, start_user: StartUser) -> None:
    maker = start_user()
    maker.tell("server.join()")
    wait_until(lambda: (home / "pgdata.draft").exists(), "the making has begun")
    maker.kill()
    assert not (home / "pgdata").exists()

    with EmbeddedServer(home) as url:
        assert query(url, "SELECT current_database()") == "durable"
    assert not (home / "pgdata.draft").exists()


def test_nobody_makes_the_folder_while_the_programs_of_a_killed_maker_still_do(
    home: Path, start_user: StartUser
) -> None:
    maker = start_user()
    maker.tell("server.join()")
    wait_until(lambda: (home / "pgdata.draft" / "PG_VERSION").exists(), "initdb is at work")
    initdb = _find_process("initdb", home)
    os.kill(initdb, signal.SIGSTOP)
    maker.kill()
    try:
        with pytest.raises(ServerBusy, match="is not ready"):
            EmbeddedServer(home).join(timedelta(milliseconds=200))
    finally:
        os.kill(initdb, signal.SIGCONT)
    with EmbeddedServer(home) as url:
        assert query(url, "SELECT 1") == 1


def test_a_hanging_server_is_reported_and_joined_when_it_goes_on(home: Path, start_user: StartUser) -> None:
    user = start_user()
    url = user.join()
    pid = user.ask("server.status().pid")
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServerBusy, match=r"is not ready; .*server\.log may say why \(waited 0\.2 s\)"):
            EmbeddedServer(home).join(timedelta(milliseconds=200))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert EmbeddedServer(home).join() == url


def test_a_process_that_hangs_while_it_starts_the_server_is_reported(home: Path, start_user: StartUser) -> None:
    hanging = start_user()
    hanging.tell("server.join()")
    wait_until(lambda: (home / "server.lock").exists(), "it begins")
    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServerBusy, match=r"keeps .*server\.lock locked"):
            EmbeddedServer(home).join(timedelta(milliseconds=200))
    finally:
        os.kill(hanging.pid, signal.SIGCONT)
    assert hanging.answer() == EmbeddedServer(home).join()


_FORK_WITHIN = """
import signal
from datetime import timedelta
from durable_runtime.embedded.locks import Deadline, exclusively

def fork_within(lock):
    with exclusively(lock, Deadline(timedelta(seconds=30))):
        return os.fork() or signal.pause()
"""


def test_a_child_forked_while_its_parent_starts_the_server_does_not_lock_others_out(
    home: Path, start_user: StartUser
) -> None:
    child = start_user(preparation=_FORK_WITHIN).ask("fork_within(server.home / 'server.lock')")
    try:
        assert is_alive(child)
        with EmbeddedServer(home) as url:
            assert query(url, "SELECT 1") == 1
    finally:
        crash(child)


def test_a_server_that_someone_else_started_on_the_folder_is_left_alone(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    data = home / "pgdata"
    owner = data.stat()
    as_its_user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    command = [find_binaries() / "postgres", "-D", data, "-c", "listen_addresses=", "-k", data]
    with subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL, **as_its_user) as foreign:  # type: ignore[call-overload]
        try:
            wait_until(lambda: "ready" in _read(data / "postmaster.pid"), "the foreign server is ready")
            with pytest.raises(StartFailed, match=rf"a server that durable did not start \(process {foreign.pid}\)"):
                EmbeddedServer(home).join()
            assert EmbeddedServer(home).stop() is False
            assert foreign.poll() is None
        finally:
            foreign.send_signal(signal.SIGINT)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _find_process(name: str, home: Path) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if arguments[0].endswith(name.encode()) and any(os.fsencode(home) in part for part in arguments):
                return int(entry.name)
    raise AssertionError(f"there is no process {name} for {home}")
