"""A meter for the server: commits, statements and WAL between two moments, from `pg_stat_*`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypeAlias

import psycopg

_Counts: TypeAlias = tuple[int, int, int | None]


@dataclass(frozen=True)
class Reading:
    """What happened on the server; `statements` is None where `pg_stat_statements` is not loaded."""

    seconds: float
    commits: int
    wal_bytes: int
    statements: int | None


class Meter:
    """Reads a database's counters. Those whom it measures must have closed their connections, which publishes theirs."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        loaded = self._connection.execute("show shared_preload_libraries").fetchone()
        self._counts_statements = loaded is not None and "pg_stat_statements" in str(loaded[0])
        if self._counts_statements:
            self._connection.execute("create extension if not exists pg_stat_statements")
        self._before = self._read()
        self._at = time.perf_counter()
        self._until = self._at

    def start(self) -> None:
        """Begins to measure."""
        self._before = self._settled()
        self._at = self._until = time.perf_counter()

    def stop(self) -> None:
        """Ends the time that counts; what is still on its way into the statistics is waited for by `reading`."""
        self._until = time.perf_counter()

    def reading(self) -> Reading:
        """Gives what happened since the start."""
        commits, wal_bytes, statements = self._settled()
        before_commits, before_wal, before_statements = self._before
        return Reading(
            seconds=self._until - self._at,
            commits=commits - before_commits,
            wal_bytes=wal_bytes - before_wal,
            statements=None if statements is None or before_statements is None else statements - before_statements,
        )

    def _settled(self) -> _Counts:
        """Reads until nothing is added any more: a backend publishes its counters when it ends, at the latest."""
        last = self._read()
        quiet = 0
        while quiet < 4:
            time.sleep(0.05)
            now = self._read()
            # Our own readings are commits too.
            quiet = quiet + 1 if now[0] - last[0] <= 2 else 0
            last = now
        return last

    def _read(self) -> _Counts:
        row = self._connection.execute(
            "select s.xact_commit, w.wal_bytes::bigint from pg_stat_database s, pg_stat_wal w "
            "where s.datname = current_database()"
        ).fetchone()
        assert row is not None
        statements = None
        if self._counts_statements:
            calls = self._connection.execute(
                "select coalesce(sum(calls), 0)::bigint from pg_stat_statements where query not like '%pg_stat%'"
            ).fetchone()
            statements = calls[0] if calls is not None else None
        return row[0], row[1], statements

    def close(self) -> None:
        self._connection.close()
