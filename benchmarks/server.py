"""The server that everything is measured on: one for a whole run, a fresh database for every measurement."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

from durable_runtime.embedded import EmbeddedServer
from durable_runtime.embedded.binaries import find_binaries

SHOWN = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "commit_delay")
"""Settings of the server that are printed with the figures."""

SLOW_FLUSH = Path(__file__).with_name("slow_flush.c")


class SlowFlushImpossible(Exception):
    """Flushes cannot be slowed down here; the message says what is missing."""


class BenchServer:
    """An embedded server in a folder of its own, configured as every embedded one; stopped and removed by `close`."""

    def __init__(self, folder: Path | None = None, *, slow_flush: bool = False) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="durable-bench-", dir=folder))
        self._home.chmod(0o755)  # as root the server runs as somebody else, who must get in
        self._server = EmbeddedServer(self._home)
        self._numbers = itertools.count(1)
        self.slow_flush = slow_flush
        try:
            self.url = self._server.join()
            settings: list[str] = []
            if _has_contrib():
                settings += ["shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.max = 10000"]
            if settings or slow_flush:
                self._configure(settings)
        except BaseException:
            self.close()
            raise

    def _configure(self, settings: list[str]) -> None:
        with (self._server.status().data_folder / "postgresql.conf").open("a") as file:
            file.write("\n".join(["", *settings, ""]))
        self._server.stop()
        # What is loaded is loaded by the server alone: the variable is gone before anyone else is started.
        before = os.environ.get("LD_PRELOAD")
        if self.slow_flush:
            os.environ["LD_PRELOAD"] = str(self._compile(SLOW_FLUSH))
        try:
            assert self._server.join() == self.url
        finally:
            os.environ.pop("LD_PRELOAD", None)
            if before is not None:
                os.environ["LD_PRELOAD"] = before

    def _compile(self, source: Path) -> Path:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None or sys.platform != "linux":
            raise SlowFlushImpossible("--slow-flush needs Linux and a C compiler (cc or gcc)")
        library = self._home / "slow_flush.so"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        library.chmod(0o755)
        return library

    @contextmanager
    def database(self) -> Iterator[str]:
        """Lends a new database, after a checkpoint: nobody pays for the pages that others left dirty."""
        name = f"bench_{next(self._numbers)}"
        with self.connect() as admin:
            admin.execute(f"create database {name}".encode())
            admin.execute("checkpoint")
        try:
            yield urlsplit(self.url)._replace(path=f"/{name}").geturl()
        finally:
            with self.connect() as admin:
                admin.execute(f"drop database {name} with (force)".encode())

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        """Keeps the server from vacuuming: its transactions would count as those of whoever has nothing to do."""
        self._set("autovacuum", "off")
        try:
            yield
        finally:
            self._set("autovacuum", "on")

    def _set(self, name: str, value: str) -> None:
        with self.connect() as admin:
            admin.execute(f"alter system set {name} = {value}".encode())
            admin.execute("select pg_reload_conf()")
            while _one(admin, f"show {name}") != value:
                time.sleep(0.01)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(urlsplit(self.url)._replace(path="/postgres").geturl(), autocommit=True)

    def settings(self) -> dict[str, str]:
        """Gives the version and what of its configuration decides about speed."""
        with self.connect() as admin:
            shown = {name: str(_one(admin, f"show {name}")) for name in SHOWN}
            slow = {"flushes": "a millisecond longer each"} if self.slow_flush else {}
            return {"version": str(_one(admin, "show server_version")), **shown, **slow}

    def cpu_seconds(self) -> float:
        """Gives the processor time of all the server's processes up to now, those that have ended included."""
        pid = self._server.status().pid
        assert pid is not None, "the server does not run"
        postmaster = psutil.Process(pid)
        times = postmaster.cpu_times()
        total = float(times.user + times.system + times.children_user + times.children_system)
        for child in postmaster.children():
            try:
                alive = child.cpu_times()
            except psutil.NoSuchProcess:  # its time is among the postmaster's children from the next reading on
                continue
            total += alive.user + alive.system
        return total

    def close(self) -> None:
        self._server.leave()
        shutil.rmtree(self._home, ignore_errors=True)


def _has_contrib(programs: Path | None = None) -> bool:
    """Tells whether these programs of PostgreSQL bring `pg_stat_statements`."""
    folder = (programs or find_binaries()).resolve().parent
    places = [folder, Path("/usr/share/postgresql") / folder.name]
    return any(next(place.rglob("pg_stat_statements.control"), None) for place in places if place.is_dir())


def find_contrib() -> Path | None:
    """Gives programs of PostgreSQL that bring `pg_stat_statements`: those in use, or the newest of Debian's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))
    return next((folder for folder in (find_binaries(), *debian) if _has_contrib(folder)), None)


def _one(connection: psycopg.Connection[tuple[object, ...]], query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
