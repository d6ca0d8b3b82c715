"""A clock whose time is a parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2030, 1, 1, tzinfo=UTC)


class FakeClock:
    """Stands still until it is advanced, so a test decides what has fallen due."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, span: timedelta) -> datetime:
        """Moves the time on and gives the new one. Raises `ValueError` for a negative span: it never goes back."""
        if span < timedelta():
            raise ValueError(f"time cannot go back by {-span}")
        self._now += span
        return self._now
