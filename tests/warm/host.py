"""A process that has imported everything and forks one for each request of `entrance.py`: `host.py SOCKET`.

What is forked is a process as any other: it has a life, a death and a memory of its own. What it does not have is half
a second of imports behind it. The host ends, and all that it forked with it, when its stdin is closed.
"""

from __future__ import annotations

import gc
import importlib
import io
import marshal
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO

PACKAGES = ("durable_dsl", "durable_runtime")
ALSO = ("asyncio.runners", "croniter", "httpx", "jsonschema", "lark", "re2", "uvloop")
"""What the packages import only where they need it."""


@dataclass
class Request:
    """What is to be run, and where."""

    words: list[str]
    folder: str
    variables: dict[str, str]
    ignored: list[int]
    streams: list[int]


def serve(path: str) -> Request:
    """Fork a process for each request until stdin is closed. Returns in the processes that were forked."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    children: dict[int, socket.socket] = {}
    selector = selectors.DefaultSelector()
    for watched in (0, listener, woken):
        selector.register(watched, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj == 0:
                _end(children)
            elif key.fileobj is listener:
                connection = listener.accept()[0]
                request = _read(connection)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    selector.close()
                    for each in (listener, connection, *children.values()):
                        each.close()
                    os.close(woken)
                    os.close(wake)
                    return request
                for stream in request.streams:
                    os.close(stream)
                children[pid] = connection
                selector.register(connection, selectors.EVENT_READ, pid)
                _tell(connection, pid)
            elif key.fileobj == woken:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
                for pid, status in _ended():
                    connection = children.pop(pid)
                    with suppress(KeyError):
                        selector.unregister(connection)
                    _tell(connection, status)
                    connection.close()
            elif key.data in children:
                # Nothing is ever sent here: whoever waited for the process is dead.
                selector.unregister(key.fileobj)
                os.kill(key.data, signal.SIGKILL)


def _read(connection: socket.socket) -> Request:
    header, streams, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as file:
        words, folder, variables, ignored = marshal.loads(file.read(int.from_bytes(header, "big")))
    return Request(words, folder, variables, ignored, streams)


def _tell(connection: socket.socket, number: int) -> None:
    with suppress(OSError):
        connection.sendall(number.to_bytes(8, "big"))


def _ended() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _end(children: dict[int, socket.socket]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
    sys.exit()


def become(request: Request) -> None:
    """Make a fresh Python of this process and run what was asked for; raises what that raises."""
    for stream, number in zip(request.streams, range(3), strict=True):
        os.dup2(stream, number)
        os.close(stream)
    _open_streams()
    for number in request.ignored:
        signal.signal(number, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(request.variables)
    time.tzset()
    os.chdir(request.folder)
    how, *words = request.words
    sys.path[0] = request.folder if how == "-m" else ""
    sys.dont_write_bytecode = bool(request.variables.get("PYTHONDONTWRITEBYTECODE"))
    if how == "-m":
        sys.argv[:] = words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        return
    code = sys.stdin.read() if how == "-" else words.pop(0)
    sys.argv[:] = [how, *words]
    sys.modules["__main__"] = main = ModuleType("__main__")
    exec(compile(code, "<stdin>" if how == "-" else "<string>", "exec", dont_inherit=True), vars(main))


def _open_streams() -> None:
    """Let `sys` have the streams that were lent, as Python opens them; whether one is a terminal may have changed."""
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        before = getattr(sys, f"__{name}__")
        binary: IO[bytes] = os.fdopen(number, "rb" if number == 0 else "wb", closefd=False)
        opened = io.TextIOWrapper(
            binary,
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=number == 2 or os.isatty(number),
        )
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def prepare() -> None:
    """Import what may be needed, and keep it in memory that is never written to."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    for name in ALSO:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    # Found by the tests through the checkout, as `python -m` finds them from there.
    sys.path[0] = str(Path(__file__).parents[2])
    prepare()
    become(serve(sys.argv[1]))
