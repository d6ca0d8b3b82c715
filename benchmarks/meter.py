"""A meter for the server: commits, statements and WAL between two moments, from `pg_stat_*`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import psycopg


@dataclass(frozen=True)
class Reading:
    """What happened on the server; `statements` is None where `pg_stat_statements` is not loaded."""

    seconds: float
    commits: int
    wal_bytes: int
    statements: int | None


class Counts(NamedTuple):
    """A database's counters since it was made; the WAL is the whole server's."""

    commits: int
    wal_bytes: int
    statements: int | None


class Meter:
    """Reads a database's counters, from the database `postgres`, so that reading is not counted.

    Those whom it measures must have closed their connections, which publishes their counters.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        self._database = unquote(parts.path.lstrip("/"))
        self._connection = psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True)
        loaded = self._connection.execute("show shared_preload_libraries").fetchone()
        self.counts_statements = loaded is not None and "pg_stat_statements" in str(loaded[0])
        if self.counts_statements:
            self._connection.execute("create extension if not exists pg_stat_statements")
        self._before = self.read()
        self._at = time.perf_counter()
        self._until = self._at

    def start(self) -> None:
        """Begins to measure."""
        self._before = self.settled()
        self._at = self._until = time.perf_counter()

    def stop(self) -> None:
        """Ends the time that counts; what is still on its way into the statistics is waited for by `reading`."""
        self._until = time.perf_counter()

    def reading(self) -> Reading:
        """Gives what happened since the start."""
        now, before = self.settled(), self._before
        return Reading(
            seconds=self._until - self._at,
            commits=now.commits - before.commits,
            wal_bytes=now.wal_bytes - before.wal_bytes,
            statements=None
            if now.statements is None or before.statements is None
            else now.statements - before.statements,
        )

    def settled(self) -> Counts:
        """Reads until nothing is added any more: a backend publishes its counters when it ends, at the latest."""
        last = self.read()
        quiet = 0
        while quiet < 4:
            time.sleep(0.05)
            now = self.read()
            quiet = quiet + 1 if now.commits == last.commits else 0
            last = now
        return last

    def read(self) -> Counts:
        """Gives the counters as they are published now; a backend in use may be a second behind."""
        row = self._connection.execute(
            "select s.xact_commit, w.wal_bytes::bigint from pg_stat_database s, pg_stat_wal w where s.datname = %s",
            [self._database],
        ).fetchone()
        assert row is not None
        statements = None if not self.counts_statements else sum(calls for calls, _query in self.statements())
        return Counts(row[0], row[1], statements)

    def statements(self) -> list[tuple[int, str]]:
        """Gives (calls, text) of the database's statements; needs `pg_stat_statements`."""
        rows = self._connection.execute(
            "select sum(s.calls)::bigint, s.query from pg_stat_statements s join pg_database d on d.oid = s.dbid "
            "where d.datname = %s group by s.query",
            [self._database],
        ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def updates(self, table: str) -> int:
        """Counts the updates of one of our tables; 0 where there is none."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute(
                "select n_tup_upd from pg_stat_user_tables where schemaname = 'durable' and relname = %s", [table]
            ).fetchone()
        return row[0] if row is not None else 0

    def close(self) -> None:
        self._connection.close()
