"""`python -m benchmarks`: prints what a durable step costs, on a PostgreSQL server of its own."""

from __future__ import annotations

import asyncio
import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import uvloop

from benchmarks.meter import Reading
from benchmarks.workloads import Workload, foreach, measure, sequence
from durable_runtime.embedded import EmbeddedServer
from durable_runtime.store.migrations import migrate

RUNS = 3
WORKLOADS = (
    sequence(1, 1000),
    sequence(500, 20),
    sequence(1000, 10, concurrency=200),
    foreach(100, executions=100),
    foreach(100_000),
)


def main() -> int:
    """Runs every workload a few times, interleaved, and prints the medians."""
    home = Path(tempfile.mkdtemp(prefix="durable-bench-"))
    home.chmod(0o755)  # as root the server runs as somebody else, who must get in
    server = EmbeddedServer(home)
    try:
        url = server.join()
        migrate(url)
        print(
            f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}, medians of {RUNS}"
        )
        readings: dict[str, list[Reading]] = {workload.name: [] for workload in WORKLOADS}
        for _run in range(RUNS):
            for workload in WORKLOADS:
                readings[workload.name].append(_run_once(url, workload))
        print(
            f"{'workload':32} {'steps/s':>9} {'us/step':>9} {'commits/step':>13} {'statements/step':>16} {'WAL B/step':>11}"
        )
        for workload in WORKLOADS:
            print(_line(workload, readings[workload.name]))
        return 0
    finally:
        server.leave()
        shutil.rmtree(home, ignore_errors=True)


def _run_once(url: str, workload: Workload) -> Reading:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(url, workload))


def _line(workload: Workload, readings: list[Reading]) -> str:
    seconds = statistics.median(reading.seconds for reading in readings)
    commits = statistics.median(reading.commits for reading in readings)
    wal = statistics.median(reading.wal_bytes for reading in readings)
    counted = [reading.statements for reading in readings if reading.statements is not None]
    # Without pg_stat_statements: every statement of the engine is a transaction of its own, but for batches with log lines.
    statements = f"{statistics.median(counted) / workload.steps:.4f}" if counted else "= commits"
    return (
        f"{workload.name:32} {workload.steps / seconds:9,.0f} {seconds / workload.steps * 1e6:9.1f} "
        f"{commits / workload.steps:13.4f} {statements:>16} {wal / workload.steps:11.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
