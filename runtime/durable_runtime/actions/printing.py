"""What functions print, and programs write, as lines of the execution's log; it goes where it went before, too.

Which attempt prints is known by a context variable, which tasks and the threads of plain functions inherit. A thread
that a function starts by itself has none: what it prints goes where the worker's output goes, and nowhere else.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, TextIO, TypeAlias

Stream: TypeAlias = Literal["stdout", "stderr"]

STREAMS: tuple[Stream, ...] = ("stdout", "stderr")

LONGEST = 8 * 1024
"""Characters of a line; what is longer becomes several."""


class Printed:
    """Makes lines of what one attempt prints, from any thread; `tell` is given each with its stream."""

    def __init__(self, tell: Callable[[str, Stream], None]) -> None:
        self._tell = tell
        self._rest: dict[Stream, str] = {}
        self._lock = threading.Lock()

    def write(self, stream: Stream, text: str) -> None:
        """Takes text with or without an end of line."""
        with self._lock:
            *lines, rest = (self._rest.get(stream, "") + text).split("\n")
            while len(rest) > LONGEST:
                lines.append(rest[:LONGEST])
                rest = rest[LONGEST:]
            self._rest[stream] = rest
        for line in lines:
            self._say(line, stream)

    def end(self) -> None:
        """Tells what no end of line came for: the attempt is over, or its function is left."""
        with self._lock:
            left, self._rest = self._rest, {}
        for stream, rest in left.items():
            self._say(rest, stream)

    def _say(self, line: str, stream: Stream) -> None:
        line = line.removesuffix("\r")
        for start in range(0, len(line), LONGEST):
            self._tell(line[start : start + LONGEST], stream)


_printed: ContextVar[Printed | None] = ContextVar("durable_printed", default=None)


def listen(printed: Printed) -> None:
    """Gives what is printed in this context, and in those made of it, to `printed`."""
    _printed.set(printed)


def listening() -> Printed | None:
    """Gives who listens in this context."""
    return _printed.get()


class _Heard(io.TextIOBase):
    """A stream of the process whose text is heard on its way."""

    def __init__(self, name: Stream, original: TextIO) -> None:
        self._name = name
        self.original = original

    def write(self, text: str) -> int:
        printed = _printed.get()
        if printed is not None:
            printed.write(self._name, text)
        return self.original.write(text)

    def flush(self) -> None:
        self.original.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.original.isatty()

    def fileno(self) -> int:
        return self.original.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.original.encoding

    @property
    def buffer(self) -> Any:
        """The stream of bytes below; what is written there is not heard."""
        return self.original.buffer


_lock = threading.Lock()
_heard: dict[Stream, _Heard] = {}
_hearing = 0


@contextmanager
def hearing() -> Iterator[None]:
    """Hears what the process prints, for those who `listen`. Several may do so at once, such as workers of one process.

    A stream that someone else has replaced meanwhile is left as it is.
    """
    global _hearing
    with _lock:
        _hearing += 1
        if _hearing == 1:
            for name in STREAMS:
                _heard[name] = _Heard(name, getattr(sys, name))
                setattr(sys, name, _heard[name])
    try:
        yield
    finally:
        with _lock:
            _hearing -= 1
            if _hearing == 0:
                for name in STREAMS:
                    if getattr(sys, name) is _heard[name]:
                        setattr(sys, name, _heard[name].original)
                _heard.clear()
