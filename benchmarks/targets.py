"""What a run must show, and what bounds each figure where it is not reached."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.plan import OURS, PGBENCH, SINGLE, TWO
from benchmarks.results import Results, Row


@dataclass(frozen=True)
class Target:
    """A figure that has to be reached; `limit` says what bounds it."""

    name: str
    must: float
    figure: Callable[[Results], float | None]
    limit: str
    unit: str = "x"
    at_most: bool = False

    def is_reached(self, value: float) -> bool:
        return value <= self.must if self.at_most else value >= self.must


def _row(results: Results, workload: str, contender: str) -> Row | None:
    return next((row for row in results.rows if (row.workload, row.contender) == (workload, contender)), None)


def _median(results: Results, workload: str, contender: str = OURS, key: str = "per_second") -> float | None:
    row = _row(results, workload, contender)
    return None if row is None else row.median(key)


def _against(workload: str, peer: str, over: str | None = None) -> Callable[[Results], float | None]:
    """Gives how many times faster we are in a workload than a peer, there or in another workload."""

    def figure(results: Results) -> float | None:
        ours, theirs = _median(results, workload), _median(results, over or workload, peer)
        return ours / theirs if ours and theirs else None

    return figure


def _two(results: Results) -> float | None:
    one, two = _median(results, "backlog"), _median(results, "backlog", TWO)
    return two / one if one and two else None


def _ours(workload: str, key: str) -> Callable[[Results], float | None]:
    return lambda results: _median(results, workload, key=key)


TARGETS = (
    Target("W2 against DBOS", 50, _against("backlog", "dbos"), "the worker's Python, which has one core"),
    Target(
        "W2 against pgbench",
        0.5,
        _against("backlog", PGBENCH),
        "the worker's Python: pgbench is a program in C that does nothing but insert, and uses both cores",
    ),
    Target("W2 against one transaction per step", 3, _against("backlog", SINGLE), "the worker's Python"),
    Target(
        "W1 against DBOS",
        8,
        _against("sequence", "dbos"),
        "one round trip and one flush for each step; what is left is Python between an answer and the next statement",
    ),
    Target(
        "W3, p50",
        5,
        _ours("latency", "p50_ms"),
        "five statements one after the other, each with its switch between client, worker and server on the same cores",
        unit=" ms",
        at_most=True,
    ),
    Target("W4, foreach, against DBOS", 60, _against("foreach", "dbos"), "the Python of one execution"),
    Target("W4, parallel, against DBOS", 60, _against("parallel", "dbos"), "the Python of one execution"),
    Target(
        "W5, single, against DBOS",
        2,
        _against("start_single", "dbos"),
        "one statement and one flush of the log for each start, which DBOS needs as well",
    ),
    Target("W5, many, against DBOS single", 60, _against("start_many", "dbos", "start_single"), "the server's inserts"),
    Target(
        "W6",
        1,
        _ours("idle", "idle_per_second"),
        "a look each two and a half seconds",
        unit=" statements/s",
        at_most=True,
    ),
    Target(
        "W7 against W2",
        0.3,
        lambda results: _part(_median(results, "realistic"), _median(results, "backlog")),
        "two checkpoints for each step that calls something: branches, joins and what is set are stored as well",
    ),
    Target("commits per step", 0.02, _ours("backlog", "commits"), "how much gathers in a round trip", "", at_most=True),
    Target("WAL per step", 400, _ours("backlog", "wal_bytes"), "two index entries and a row", " B", at_most=True),
    Target("two workers against one", 1.4, _two, "the cores: see below"),
)


HEAD = ("| | must | measured | |", "|---|---:|---:|---|")


def _part(value: float | None, whole: float | None) -> float | None:
    return value / whole if value and whole else None


def lines(results: Results) -> list[str]:
    """Gives the table of targets for the page; what was not measured is left out."""
    found = [(target, value) for target in TARGETS if (value := target.figure(results)) is not None]
    if not found:
        return []
    parts = ["### Targets", "", *HEAD]
    for target, value in found:
        must = f"{'at most ' if target.at_most else ''}{target.must:g}{target.unit}"
        verdict = "reached" if target.is_reached(value) else f"not reached; limited by {target.limit}"
        parts.append(f"| {target.name} | {must} | {value:,.3g}{target.unit} | {verdict} |")
    return [*parts, "", *_cores(results)]


def _cores(results: Results) -> list[str]:
    """Says what two workers could reach at most where they and the server share these cores."""
    one, worker, server = (_median(results, "backlog", key=key) for key in ("per_second", "cpu_us", "server_cpu_us"))
    if not one or not worker or server is None:
        return []
    cores = os.cpu_count() or 1
    most = cores * 1_000_000 / (worker + server) / one
    return [
        f"A step of W2 takes {worker:.1f} µs of the worker's processor and {server:.1f} µs of the server's. On {cores} "
        f"cores, which all share, two workers that never wait are {most:.2f}x as fast as the one that was measured.",
        "",
    ]
