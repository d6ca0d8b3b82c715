"""Has contenders measured, each in a process of its own, and reads what it cost from the server and the system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from typing import IO

from benchmarks.meter import Meter
from benchmarks.plan import PACKAGES, PGBENCH, Workload
from benchmarks.server import BenchServer
from benchmarks.task import Figures

HEARTBEAT = "update durable.worker set expires_at"


class NotMeasured(Exception):
    """A contender cannot be measured here; the message says why."""


def measure(
    server: BenchServer, workload: Workload, contender: str, sizes: Mapping[str, int], patience: int = 60
) -> Figures:
    """Measures a contender once, in a database of its own; figures that could not be read are
    missing. Raises `NotMeasured`, after `patience` seconds at the latest."""
    quiet = server.left_alone() if workload.name == "idle" else nullcontext()
    with quiet, server.database() as url, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", contender],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        meter = Meter(url)
        # Nobody may hold up all the others by hanging.
        limit = threading.Timer(patience, child.kill)
        limit.start()
        try:
            return _converse(child, errors, meter, server, workload, contender, url, sizes)
        except NotMeasured as error:
            if limit.is_alive():
                raise
            raise NotMeasured(f"it was not done after {patience:,} s") from error
        finally:
            limit.cancel()
            child.kill()
            child.wait()
            meter.close()


def _converse(
    child: subprocess.Popen[str],
    errors: IO[str],
    meter: Meter,
    server: BenchServer,
    workload: Workload,
    contender: str,
    url: str,
    sizes: Mapping[str, int],
) -> Figures:
    assert child.stdin is not None
    assert child.stdout is not None

    def hear() -> str:
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        if not line:
            child.wait()
            raise NotMeasured(_reason(contender, errors))
        return line

    def say(line: str) -> None:
        assert child.stdin is not None
        child.stdin.write(line + "\n")
        child.stdin.flush()

    say(json.dumps({"workload": workload.name, "url": url, "sizes": dict(sizes)}))
    hear()
    idle = workload.name == "idle"
    # Somebody idle never stops asking, so there is nothing to wait for.
    beats_before = _heartbeats(meter) if idle else 0
    before = meter.read() if idle else meter.settled()
    cpu_before = server.cpu_seconds()
    say("go")
    answer = hear()
    after, beats = meter.read(), 0
    if idle:
        beats = _heartbeats(meter) - beats_before
        say("read")
        answer = hear()
    child.wait()
    if not idle:
        after = meter.settled()
    cpu = server.cpu_seconds() - cpu_before
    figures: Figures = json.loads(answer)
    steps, seconds = figures["steps"], figures.pop("seconds")
    figures["per_second"] = steps / seconds
    figures["cpu_us"] = figures.pop("cpu") / steps * 1e6
    figures["memory_mb"] = figures.pop("memory") / 1024**2
    if contender == PGBENCH:
        del figures["memory_mb"]  # of a small program that waits for pgbench
    figures["server_cpu_us"] = cpu / steps * 1e6
    figures["commits"] = (after.commits - before.commits) / steps
    figures["wal_bytes"] = (after.wal_bytes - before.wal_bytes) / steps
    if after.statements is not None and before.statements is not None:
        figures["statements"] = (after.statements - before.statements) / steps
    if idle:
        asked = figures["statements"] * steps if "statements" in figures else after.commits - before.commits
        figures["idle_per_second"] = (asked - beats) / seconds
    return figures


def _heartbeats(meter: Meter) -> int:
    """Counts what the design allows on top: our own heartbeat."""
    if not meter.counts_statements:
        return meter.updates("worker")  # which nothing else changes
    return sum(calls for calls, query in meter.statements() if HEARTBEAT in query)


def _reason(contender: str, errors: IO[str]) -> str:
    errors.seek(0)
    lines = [line.strip() for line in errors.read().splitlines() if line.strip()]
    last = lines[-1] if lines else "it ended without a word"
    if "ModuleNotFoundError" in last and contender in PACKAGES:
        return f"{PACKAGES[contender]} is not installed ({last}); `make bench` installs it"
    return last[:300]


def describe(contender: str) -> str:
    """Gives the settings that a contender is run with, or why it cannot be run."""
    code = (
        "import importlib, sys; module = importlib.import_module('benchmarks.contenders.' + sys.argv[1]); "
        "print(module.SETTINGS)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, contender], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else f"not run: {done.stderr.strip().splitlines()[-1]}"
