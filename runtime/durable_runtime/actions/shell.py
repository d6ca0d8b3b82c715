"""The action `shell`: one program with its arguments, no shell in between; only where the worker allows it."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from durable_runtime.actions.outcome import Fatal
from durable_runtime.actions.printing import Stream, listening
from durable_runtime.core.checkpoints import Json

MAX_OUTPUT = 1024 * 1024
"""Bytes kept of a program's output and of its errors, the last ones; what came before is told as cut off."""

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""What a program sees of the worker's environment; the rest, which may hold secrets, it does not."""


class ShellFailed(Exception):
    """A program ended with another code than 0, or by a signal. `data` is {exit_code, stdout, stderr}."""

    def __init__(self, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.data = data


class ShellMissing(ShellFailed, Fatal):
    """A program cannot be run at all, which another attempt does not mend."""


async def run_program(*, command: list[str], env: dict[str, str], cwd: str | None) -> Json:
    """Runs a program to its end and gives {exit_code, stdout, stderr}.

    Raises `ShellFailed` for an exit code other than 0. When nobody wants the result any more, the program and all it
    started are killed.
    """
    words = [str(word) for word in command]
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {name: str(value) for name, value in env.items()}
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment, cwd=cwd, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise ShellMissing(f"{words[0]} cannot be run: {getattr(error, 'strerror', None) or error}") from None
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        stdout, stderr = await asyncio.gather(_tail(process.stdout, "stdout"), _tail(process.stderr, "stderr"))
        code = await process.wait()
    except asyncio.CancelledError:
        await _kill(process)
        raise
    value = {"exit_code": code, "stdout": stdout, "stderr": stderr}
    if code == 0:
        return value
    how = f"ended with code {code}" if code > 0 else f"was ended by signal {-code}"
    raise ShellFailed(f"{words[0]} {how}", value)


async def _tail(stream: asyncio.StreamReader, name: Stream) -> str:
    """Reads a stream to its end and keeps the last part of it; who listens hears all of it."""
    kept = b""
    cut = False
    printed, decoder = listening(), codecs.getincrementaldecoder("utf-8")("replace")
    while part := await stream.read(1 << 16):
        kept += part
        if printed is not None:
            printed.write(name, decoder.decode(part))
        if len(kept) > MAX_OUTPUT:
            kept, cut = kept[-MAX_OUTPUT:], True
    text = kept.decode("utf-8", "replace").replace("\x00", "\ufffd")
    return f"[the beginning is cut off]\n{text}" if cut else text


async def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
