"""Other processes that use an embedded server, told what to do line by line."""

from __future__ import annotations

import ast
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

_PACKAGES = str(Path(psutil.__file__).parents[1])
# What this Python finds, another one shall find too: an ordinary user may not be able to run ours.
_SURROUNDINGS = {
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2] / "runtime"), _PACKAGES]),
    "PYTHONDONTWRITEBYTECODE": "1",
}

# Evaluates each line it is given and answers with one line: the value, or the kind and text of the error.
_PROGRAM = """
import os, sys
from datetime import timedelta
from pathlib import Path
from durable_runtime.embedded import *

server = EmbeddedServer(Path(sys.argv[1]))
for line in sys.stdin:
    try:
        print(repr(("value", eval(line))), flush=True)
    except EmbeddedPostgresError as error:
        print(repr(("error", type(error).__name__, str(error))), flush=True)
"""


class Refused(Exception):
    """A user process met an EmbeddedPostgresError: its kind and its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class User:
    """A process with an `EmbeddedServer` called ``server`` on the home folder, run as ``account`` if one is given."""

    def __init__(self, home: Path, account: str | None = None, preparation: str = "", **environment: str) -> None:
        entry = pwd.getpwnam(account) if account else None
        self._process = subprocess.Popen(
            [python_for(account), "-c", preparation + _PROGRAM, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd="/",
            env=os.environ | _SURROUNDINGS | environment,
            user=entry.pw_uid if entry else None,
            group=entry.pw_gid if entry else None,
            extra_groups=[] if entry else None,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id, and that of its process group."""
        return self._process.pid

    def ask(self, expression: str) -> Any:
        """Let it evaluate an expression, and return the value if it is plain. Raises Refused."""
        self.tell(expression)
        return self.answer()

    def tell(self, expression: str) -> None:
        """Let it evaluate an expression, without waiting for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(expression + "\n")

    def answer(self) -> Any:
        """Wait for the answer to what it was told."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait()}"
        answer = ast.literal_eval(line)
        if answer[0] == "error":
            raise Refused(answer[1], answer[2])
        return answer[1]

    def join(self) -> str:
        """Let it join, and return the URL it got."""
        url = self.ask("server.join()")
        assert isinstance(url, str)
        return url

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._close()

    def end(self) -> None:
        """Let it come to its normal end, and fail where that was not in order."""
        self._close()
        assert self._process.returncode == 0

    def remove(self) -> None:
        """End it if it has not ended."""
        if self._process.returncode is None:
            self.kill()

    def _close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def query(url: str, statement: str) -> Any:
    """Return the first value of a statement's first row, or None where it has no rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return None if row is None else row[0]


def is_alive(pid: int) -> bool:
    """Tell whether the process exists and can still do something: a zombie has no memory, nor has one about to be."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) > 0
    except (FileNotFoundError, ProcessLookupError):
        return False


def owner_of(pid: int) -> str:
    """Return the name of the user who runs the process."""
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name


def crash(pid: int) -> None:
    """Kill the process with SIGKILL."""
    os.kill(pid, signal.SIGKILL)


# An account that every Unix has, and that is none of those the server runs as.
ORDINARY = "daemon"


def python_for(account: str | None) -> str:
    """Return a Python that the user can run with what the embedded server needs; skip the test where there is none."""
    if account is None:
        return sys.executable
    if os.geteuid() != 0:
        pytest.skip("only root can run processes as other users")
    entry = pwd.getpwnam(account)
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            tried = subprocess.run(
                [python, "-c", "import sys, psutil, durable_runtime.embedded; assert sys.version_info >= (3, 11)"],
                env=os.environ | _SURROUNDINGS,
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=[],
                cwd="/",
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return python
    pytest.skip(f"user {account!r} can run neither {sys.executable} nor a /usr/bin/python3 of version 3.11")
