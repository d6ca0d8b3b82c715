"""Real PostgreSQL for the tests: one server for a whole session, a fresh database for each test, own servers to hurt.

All of it is what users get, `EmbeddedServer`, so the tests need nothing installed. ``DURABLE_TEST_PG_BIN`` names the
bin folder of another PostgreSQL to run everything on.

The servers live in /dev/shm where that has a gigabyte free. They are configured like everyone's, fsync included; but
making and dropping a database takes 10 ms there and 80 to 150 ms on a disk, which the suite pays hundreds of times.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import psycopg

from durable_runtime.embedded import EmbeddedPostgresError, EmbeddedServer

TEMPLATE = "durable_template"
_GIGABYTE = 1024**3
_PREFIX = "durable-test-"
_ABANDONED_AFTER_SECONDS = 3600


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Return as soon as the condition holds; fail with ``what`` did not happen when it takes too long."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"this did not happen within {seconds:g} s: {what}")
        time.sleep(0.005)


def server_room() -> Path:
    """Return the folder in which test servers have their homes."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _GIGABYTE:
        return memory
    return Path(tempfile.gettempdir())


def new_home() -> Path:
    """Make an empty folder for a server of a test's own. Its short path and open mode keep a root's server inside.

    pytest's own temporary folders are closed to others: below them, a server of root's has its data elsewhere.
    """
    home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=server_room()))
    home.chmod(0o755)
    return home


def remove_home(home: Path) -> None:
    """Stop the servers that may still run there or in folders inside, and remove the folder."""
    for lock in home.rglob("alive.lock"):
        server = EmbeddedServer(lock.parent)
        server.stop()
        if (lock.parent / "pgdata" / "postmaster.pid").exists():
            # It was killed. The piece of shared memory that it left in the system goes with the next start, or never.
            with suppress(EmbeddedPostgresError):
                server.join()
            server.stop()
            server.leave()
    shutil.rmtree(home)


def with_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@contextmanager
def session_server(shared: Path) -> Iterator[str]:
    """Use the one server of this test session; ``shared`` is a folder that all of its processes know.

    Whoever needs it first starts it, whoever leaves last stops it and removes its folder.
    """
    note = shared / "postgres-home"
    with _locked(shared):
        _remove_abandoned_homes()
        if not note.exists() or not Path(note.read_text()).is_dir():
            note.write_text(str(new_home()))
        home = Path(note.read_text())
        server = EmbeddedServer(home)
        url = server.join()
    try:
        yield url
    finally:
        with _locked(shared):
            if server.leave():
                shutil.rmtree(home)


def provide_template(shared: Path, url: str, migrate: Callable[[str], object]) -> None:
    """Make the database that tests copy, unless another process of this session has."""
    with _locked(shared), psycopg.connect(with_database(url, "postgres"), autocommit=True) as admin:
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone() is None:
            admin.execute("DROP DATABASE IF EXISTS durable_draft")
            admin.execute("CREATE DATABASE durable_draft")
            migrate(with_database(url, "durable_draft"))
            admin.execute(f"ALTER DATABASE durable_draft RENAME TO {TEMPLATE}")


_numbers = itertools.count(1)


@contextmanager
def copied_database(admin: psycopg.Connection[tuple[object, ...]], url: str) -> Iterator[str]:
    """Use a fresh copy of the template; ``admin`` is a connection with autocommit to the database ``postgres``."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    # Copying files beats logging every block where a checkpoint is cheap. PostgreSQL 14 knows no other way.
    by_file = " STRATEGY file_copy" if admin.info.server_version >= 150000 and server_room() == Path("/dev/shm") else ""
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}{by_file}".encode())
    try:
        yield with_database(url, name)
    finally:
        # The server looks for others in the database once in 100 ms; whoever just left it takes a few to be gone.
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        wait_until(lambda: not admin.execute(others, (name,)).fetchall(), f"everyone leaves the database {name}")
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


class OwnServer:
    """A server of a test's own, to measure or to hurt. Its database ``durable`` is empty."""

    def __init__(self, home: Path, settings: tuple[str, ...] = ()) -> None:
        self.home = home
        self._server = EmbeddedServer(home)
        self.conninfo = self._server.join()
        if settings:
            with (self.data_folder / "postgresql.conf").open("a") as file:
                file.write("\n".join(["", *settings, ""]))
            self.stop("fast")
            self.start()

    @property
    def data_folder(self) -> Path:
        """Where its data is."""
        return self._server.status().data_folder

    @property
    def pid(self) -> int:
        """The process id of its postmaster."""
        pid = self._server.status().pid
        assert pid is not None, "the server does not run"
        return pid

    @property
    def running(self) -> bool:
        """Whether a process of it lives."""
        return self._server.status().running

    def start(self) -> None:
        """Start it again; its address stays the same."""
        assert self._server.join() == self.conninfo

    def stop(self, mode: Literal["fast", "immediate", "kill"] = "immediate") -> None:
        """Stop it, and return when no process of it is left.

        ``fast`` in order; ``immediate`` as after a crash, recovery follows; ``kill`` with SIGKILL to the postmaster.
        """
        if mode == "fast":
            self._server.stop()
        else:
            os.kill(self.pid, signal.SIGQUIT if mode == "immediate" else signal.SIGKILL)
            wait_until(lambda: not self.running, f"the server in {self.home} ends")

    def remove(self) -> None:
        """Stop it and remove all of it."""
        self._server.leave()
        remove_home(self.home)


@contextmanager
def _locked(shared: Path) -> Iterator[None]:
    with (shared / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_abandoned_homes() -> None:
    """Remove what sessions that were killed left behind."""
    for home in server_room().glob(f"{_PREFIX}*"):
        try:
            is_old = time.time() - home.stat().st_mtime > _ABANDONED_AFTER_SECONDS
        except FileNotFoundError:
            continue
        if is_old and home.stat().st_uid == os.geteuid():
            with suppress(EmbeddedPostgresError):  # a test may have made something odd of it
                if EmbeddedServer(home).status().users == 0:
                    remove_home(home)
