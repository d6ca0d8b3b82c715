"""Time as a worker tells it: the database's clock, carried on by this machine's monotonic one."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, in UTC."""

    def now(self) -> datetime: ...


class ServerClock:
    """The database's clock as last heard, plus the time gone by since.

    A worker whose own clock is wrong, or jumps, writes the same instants as every other worker.
    """

    def __init__(self, server_now: datetime) -> None:
        self._heard = server_now
        self._at = time.monotonic()

    def hear(self, server_now: datetime, at: float) -> None:
        """Takes over what the database said at `at`, in seconds of `time.monotonic()`.

        The news may come late, through an event loop that was blocked; the time gone by since is not lost.
        """
        self._heard, self._at = server_now, at

    def now(self) -> datetime:
        return self._heard + timedelta(0, time.monotonic() - self._at)
