"""What an attempt tells while it runs: lines for the execution's log, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

from durable_runtime.actions.masking import Masks
from durable_runtime.actions.outcome import Fatal
from durable_runtime.actions.printing import Stream
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import encode
from durable_runtime.store.progress import Progress
from durable_runtime.store.seen import LogLine
from durable_runtime.store.streams import Written

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


MAX_ITEM = 64 * 1024
"""Bytes of one thing that is written into a stream, as JSON."""

MAX_ITEMS = 100_000
MAX_WRITTEN = 16 * 1024 * 1024
"""Things, and bytes of them all, that one attempt may write into streams."""


class StreamFull(Fatal):
    """An attempt has written more into its streams than one may."""


class Notes:
    """Gathers lines, progress and what goes into streams of one attempt, from any thread, until they are written.

    `wake` is called when there is something to write and nothing was there before.
    """

    def __init__(
        self, path: str, attempt: int, now: Callable[[], datetime], wake: Callable[[], None], since: int = 0
    ) -> None:
        self._path = path
        self._attempt = attempt
        self._now = now
        self._wake = wake
        self._lines: list[LogLine] = []
        self._count = 0
        self._progress: Progress | None = None
        self._has_told = False
        self._at = _BEFORE
        self._since = since
        self._written: list[Written] = []
        self._numbers: Counter[tuple[str, str, int]] = Counter()
        self._bytes = 0
        self.masks: Masks | None = None

    def log(self, message: object, level: str, path: str | None = None) -> None:
        """Adds a line. Raises `ValueError` for a level that there is not."""
        if level not in LEVELS:
            raise ValueError(f"{level!r} is no level of the log; it is one of: {', '.join(LEVELS)}")
        self._add(message, level, path)

    def printed(self, line: str, stream: Stream, path: str | None = None) -> None:
        """Adds a line that was printed, under the name of its stream; it counts as one that was logged."""
        self._add(line, stream, path)

    def _add(self, message: object, level: str, path: str | None) -> None:
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

    def write(self, name: str, value: Json, path: str, again: int, *, is_stored: bool) -> None:
        """Adds something to a stream; what `is_stored` is counted only.

        Raises `NotStorable` for what is not JSON, or too large, and `StreamFull`.
        """
        encoded = encode(value if self.masks is None else self.masks.value(value), max_bytes=MAX_ITEM)[0]
        self._bytes += len(encoded)
        self._numbers[name, path, again] = number = self._numbers[name, path, again] + 1
        if self._bytes > MAX_WRITTEN or self._numbers.total() > MAX_ITEMS:
            raise StreamFull(
                f"one attempt writes at most {MAX_ITEMS:,} things and {MAX_WRITTEN:,} bytes into streams: write "
                "several at once, or references to what is stored elsewhere"
            )
        if is_stored:
            return
        written = Written(
            name=name,
            path=path,
            since=self._since,
            attempt=self._attempt,
            again=again,
            number=number,
            value=encoded,
            at=self._now(),
        )
        self._written.append(written)
        self._wake()

    def take_written(self) -> list[Written]:
        """Gives what was written into streams since."""
        written = self._written[:]
        del self._written[: len(written)]
        return written

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
