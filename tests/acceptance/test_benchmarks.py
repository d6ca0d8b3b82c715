"""The harness itself: slow flushes are slow, and statements are counted where they can be."""

from __future__ import annotations

import shutil
import sys

import psycopg
import pytest

from benchmarks.server import BenchServer, find_contrib


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="needs a C compiler")
def test_slow_flushes_are_the_servers_and_nobody_elses() -> None:
    server = BenchServer(slow_flush=True)
    try:
        with server.database() as url, psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table rows (id int)")
            connection.execute("set synchronous_commit = on")
            pid = connection.info.backend_pid
            with open(f"/proc/{pid}/maps") as maps:
                assert "slow_flush.so" in maps.read()
            # Each waits for a millisecond at least, whatever the machine is busy with.
            row = connection.execute("select clock_timestamp()").fetchone()
            for number in range(20):
                connection.execute("insert into rows values (%s)", [number])
            after = connection.execute("select clock_timestamp()").fetchone()
            assert row is not None
            assert after is not None
            assert (after[0] - row[0]).total_seconds() >= 0.020
        assert server.settings()["flushes"] == "a millisecond longer each"
        with open("/proc/self/maps") as maps:
            assert "slow_flush.so" not in maps.read()
    finally:
        server.close()


@pytest.mark.skipif(find_contrib() is None, reason="no PostgreSQL here brings pg_stat_statements")
def test_statements_are_counted_where_the_server_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_PG_BIN", str(find_contrib()))
    server = BenchServer()
    try:
        with server.connect() as admin:
            assert admin.execute("show shared_preload_libraries").fetchone() == ("pg_stat_statements",)
    finally:
        server.close()
