"""What is run in a warm Python sees, says and ends as in a fresh one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.postgres import wait_until
from tests.warm.python import warm_python

SURROUNDINGS = textwrap.dedent(
    """
    import asyncio, contextvars, json, os, signal, sys, threading, time
    print(json.dumps({
        "arguments": sys.argv, "folder": os.getcwd(), "variables": dict(os.environ), "name": __name__,
        "threads": threading.active_count(), "first": sys.path[0], "zone": time.tzname[0],
        "ignored": [n for n in (1, 2, 15) if signal.getsignal(n) == signal.SIG_IGN], "terminal": sys.stdout.isatty(),
        "encoding": sys.stdout.encoding,
    }))
    print("to stderr", file=sys.stderr)
    """
)


def fresh() -> list[str]:
    return [sys.executable]


def done(python: Sequence[str], *words: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*python, *words], capture_output=True, text=True, **how)  # type: ignore[call-overload,no-any-return]


def test_it_sees_what_a_fresh_one_sees(tmp_path: Path) -> None:
    variables = {**os.environ, "TZ": "Asia/Tokyo", "ONE": "1"}
    variables.pop("PYTEST_CURRENT_TEST", None)
    ours, theirs = (
        done(python, "-c", SURROUNDINGS, "a", "b c", cwd=tmp_path, env=variables) for python in (warm_python(), fresh())
    )
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    assert (ours.stderr, ours.returncode) == (theirs.stderr, theirs.returncode) == ("to stderr\n", 0)


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(3)",
        "raise SystemExit('said')",
        "1 / 0",
        "import os; os._exit(7)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
    ],
)
def test_it_ends_as_a_fresh_one_ends(code: str) -> None:
    ours, theirs = (done(python, "-c", code) for python in (warm_python(), fresh()))
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    assert ours.stderr.splitlines()[-1:] == theirs.stderr.splitlines()[-1:]


def test_it_reads_its_program_from_stdin() -> None:
    assert done(warm_python(), "-", "word", input="import sys; print(sys.argv)").stdout == "['-', 'word']\n"


def test_what_one_does_the_next_does_not_see() -> None:
    change = "import os, sys, durable_dsl; os.environ['LEFT'] = '1'; durable_dsl.left = 1; sys.path.append('/left')"
    assert done(warm_python(), "-c", change).returncode == 0
    look = "import os, sys, durable_dsl; print('LEFT' in os.environ, hasattr(durable_dsl, 'left'), '/left' in sys.path)"
    assert done(warm_python(), "-c", look).stdout == "False False False\n"


WAITS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


@contextmanager
def waiting() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Something that waits: the process that was begun, and the one in which it runs."""
    command = [*warm_python(), "-c", WAITS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_it_ends_what_it_runs(number: signal.Signals) -> None:
    with waiting() as (process, pid):
        assert pid != process.pid
        process.send_signal(number)
        # An interrupted Python tells of it and then ends itself by the same signal.
        assert process.wait(30) == -number
        wait_until(lambda: not psutil.pid_exists(pid), "what it ran is gone")


def test_two_run_at_the_same_time() -> None:
    with waiting() as (_one, first), waiting() as (_other, second):
        assert first != second
