"""What an attempt tells while it runs: lines for the execution's log, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

from durable_runtime.actions.masking import Masks
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import encode
from durable_runtime.store.progress import Progress
from durable_runtime.store.seen import LogLine

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

LEVELS: tuple[str, ...] = get_args(Level)

MAX_MESSAGE = 8 * 1024
"""Characters of one line; what comes after is told as cut off."""

MAX_LINES = 10_000
"""Lines of one attempt; one more says that the rest is left out."""

MAX_PROGRESS = 64 * 1024
"""Bytes of what an attempt says of its progress, as JSON."""

_TICK = timedelta(microseconds=1)
_BEFORE = datetime.min.replace(tzinfo=UTC)


class Notes:
    """Gathers lines and progress of one attempt, from any thread, until they are written.

    `wake` is called when there is something to write and nothing was there before.
    """

    def __init__(self, path: str, attempt: int, now: Callable[[], datetime], wake: Callable[[], None]) -> None:
        self._path = path
        self._attempt = attempt
        self._now = now
        self._wake = wake
        self._lines: list[LogLine] = []
        self._count = 0
        self._progress: Progress | None = None
        self._has_told = False
        self._at = _BEFORE
        self.masks: Masks | None = None

    def log(self, message: object, level: str, path: str | None = None) -> None:
        """Adds a line. Raises `ValueError` for a level that there is not."""
        if level not in LEVELS:
            raise ValueError(f"{level!r} is no level of the log; it is one of: {', '.join(LEVELS)}")
        self._count += 1
        if self._count > MAX_LINES:
            if self._count > MAX_LINES + 1:
                return
            message, level = f"this attempt logged {MAX_LINES:,} lines; what comes after is left out", "warning"
        text = str(message) if self.masks is None else self.masks.text(str(message))
        # Each line has a time of its own, by which it is known when it may have been stored already.
        self._at = at = max(self._now(), self._at + _TICK)
        line = LogLine(path=path or self._path, attempt=self._attempt, level=level, message=_fit(text), at=at)
        self._lines.append(line)
        self._wake()

    def tell(self, progress: Json) -> None:
        """Says how far the attempt is. Raises `NotStorable` for what is not JSON, or too large."""
        progress = progress if self.masks is None else self.masks.value(progress)
        encoded = encode(progress, max_bytes=MAX_PROGRESS)[0]
        self._progress = Progress(path=self._path, attempt=self._attempt, progress=encoded, at=self._now())
        self._has_told = True
        self._wake()

    def take(self, *, is_over: bool = False) -> tuple[list[LogLine], Progress | None]:
        """Gives what is new. Once the attempt is over its progress is none, and says so if it ever was told."""
        # One slice and one deletion: a line that another thread adds in between stays for the next time.
        lines = self._lines[:]
        del self._lines[: len(lines)]
        progress, self._progress = self._progress, None
        if is_over and self._has_told:
            progress = Progress(path=self._path, attempt=self._attempt, progress=None, at=self._now())
        return lines, progress


def _fit(message: str) -> str:
    """Makes any text storable: not too long, NUL and lone surrogates shown as escapes."""
    if len(message) > MAX_MESSAGE:
        message = f"{message[:MAX_MESSAGE]}… ({len(message) - MAX_MESSAGE:,} characters more)"
    return message.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
