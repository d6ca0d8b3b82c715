"""Spans of time by their names: `timeout=minutes(5)`."""

from __future__ import annotations

from datetime import timedelta


def seconds(count: float) -> timedelta:
    """Gives a span of so many seconds."""
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    """Gives a span of so many minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """Gives a span of so many hours."""
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    """Gives a span of so many days of 24 hours."""
    return timedelta(days=count)


def weeks(count: float) -> timedelta:
    """Gives a span of so many weeks of 7 days of 24 hours."""
    return timedelta(weeks=count)
