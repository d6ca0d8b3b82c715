"""`python -m benchmarks`: measures this engine beside others, on a PostgreSQL server of its own."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import page, plot, report, soak
from benchmarks.machine import describe_machine, load
from benchmarks.measuring import NotMeasured, describe, measure
from benchmarks.plan import LABELS, Workload, among, choose
from benchmarks.results import Results, Row
from benchmarks.server import BenchServer, SlowFlushImpossible, find_contrib

PATIENCE, QUICK_PATIENCE, LONG_PATIENCE = 900, 90, 10_800
"""Seconds after which a measurement is given up."""

TURNS, SHORT = 3, 5.0
"""How often in each round is measured what takes less than so many seconds: one such time says little."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, medians of three instead of five")
    parser.add_argument("--only", metavar="W2,W5", help="these workloads only")
    parser.add_argument("--peers", metavar="dbos,pgbench", help="beside these only, and our own variants")
    parser.add_argument(
        "--long", action="store_true", help="growth and soaks (W9 to W11) as well: four hours and tens of gigabytes"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="keep every sample")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the medians as SVG")
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help=f"put what was measured into {page.PAGE.name}; what was not stays there",
    )
    parser.add_argument("--slow-flush", action="store_true", help="a millisecond on top of every flush of the log")
    parser.add_argument(
        "--statements",
        action="store_true",
        help="count statements, once, on a PostgreSQL of this machine that brings pg_stat_statements",
    )
    parser.add_argument(
        "--folder", metavar="DIR", type=Path, help="where the server has its data; the system's by default"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for and gives the exit code."""
    asked = parse(arguments)
    try:
        workloads = among(choose(asked.only, long=asked.long), asked.peers)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if asked.statements:
        programs = find_contrib()
        if programs is None:
            print("error: --statements needs a PostgreSQL with pg_stat_statements on this machine", file=sys.stderr)
            return 2
        os.environ["DURABLE_PG_BIN"] = str(programs)
    # Terminated, it ends like an interrupted one: with its server stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        server = BenchServer(asked.folder, slow_flush=asked.slow_flush)
    except SlowFlushImpossible as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        results = run(server, workloads, quick=asked.quick, statements=asked.statements)
    finally:
        server.close()
    print("\n".join(report.lines(results)))
    if asked.json:
        results.save(asked.json)
    if asked.plot:
        plot.draw(results, asked.plot)
    if asked.write_docs:
        if page.is_whole(results):
            plot.draw(results, page.PLOT)
        page.write(results)
    ours = [results.of(workload)[0] for workload in workloads]
    return 1 if any(row.reason or any(soak.broken(soak.samples(each)) for each in row.samples) for row in ours) else 0


def run(server: BenchServer, workloads: Sequence[Workload], *, quick: bool, statements: bool = False) -> Results:
    """Measures every workload in rounds, in each of which all take their turn: ours, peer, peer, ours, peer, peer.

    What is short has several turns in a round.
    """
    rounds = 1 if statements else 3 if quick else 5
    names = list(dict.fromkeys(name for workload in workloads for name in workload.contenders))
    results = Results(
        quick=quick,
        rounds=rounds,
        machine=describe_machine(),
        server=server.settings(),
        load_before=load(),
        settings={name: describe(name) for name in names},
        rows=[],
        slow_flush=server.slow_flush,
        statements=statements,
    )
    for workload in workloads:
        rows = [Row(workload.name, name) for name in workload.contenders]
        results.rows += rows
        once = workload.long or workload.rounds == 1
        for number in range(1 if once else workload.rounds or rounds):
            for turn in range(1 if once or quick or statements else TURNS):
                for row in rows:
                    if turn == 0 or _is_short(row):
                        _sample(server, workload, row, quick, number)
    return results


def _is_short(row: Row) -> bool:
    return bool(row.samples) and row.samples[-1]["steps"] / row.samples[-1]["per_second"] < SHORT


def _sample(server: BenchServer, workload: Workload, row: Row, quick: bool, number: int) -> None:
    if row.reason is not None:
        return
    patience = LONG_PATIENCE if workload.long else QUICK_PATIENCE if quick else PATIENCE
    try:
        figures = measure(server, workload, row.contender, workload.sizes(quick), patience)
    except NotMeasured as error:
        # One failure is enough: a median over the rounds that went well would be a figure of something else.
        row.reason, row.samples = str(error), []
        print(f"-- {workload.key} {LABELS[row.contender]}: {error}", file=sys.stderr, flush=True)
        return
    row.samples.append(figures)
    said = f"{figures.get(workload.measure.key, 0.0):,.1f} {workload.measure.unit}"
    print(
        f"-- {workload.key} {workload.name}, round {number + 1}: {LABELS[row.contender]} {said}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
