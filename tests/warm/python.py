"""`warm_python()` is used like `sys.executable`, in front of `-m NAME`, `-c CODE` or `-`, and begins at once.

Every third test or so needs a process that is killed, or whose output and exit code are looked at. A Python that has
imported the engine costs half a second of a processor, a fork of one that has a fiftieth; see `host.py`. There stay
tests that start the command as people do: of its start (`test_cli_start_up.py`), of README.md and the tutorial, of
`make demo`, of `kill -9` and of other accounts; and whatever is stopped from outside in the middle of something.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_HERE = Path(__file__).parent
_running: list[tuple[subprocess.Popen[bytes], Path]] = []


def warm_python() -> tuple[str, ...]:
    """Give the words to begin a command with."""
    if not _running:
        folder = Path(tempfile.mkdtemp(prefix="durable-warm-"))
        folder.chmod(0o700)
        words = (sys.executable, _HERE / "host.py", folder / "socket")
        host = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_HERE)
        assert host.stdout is not None
        assert host.stdout.readline() == b"ready\n"
        host.stdout.close()
        _running.append((host, folder))
    return (sys.executable, "-IS", str(_HERE / "entrance.py"), str(_running[0][1] / "socket"))


def stop_warm_python() -> None:
    """End the process behind it, and what it forked."""
    for host, folder in _running:
        host.communicate()
        shutil.rmtree(folder)
    _running.clear()
