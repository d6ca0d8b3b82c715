"""The functions that `backfill.yaml` calls."""

from __future__ import annotations

from datetime import date, timedelta

from durable_runtime import StepContext
from examples.workflows.desk import file_paper
from examples.workflows.ledger import record


class Busy(Exception):
    """The archive is busy; on Mondays it always is at first."""


def list_days(first: str, days: int, ctx: StepContext) -> list[str]:
    """Gives the days of a range."""
    record(ctx)
    return [(date.fromisoformat(first) + timedelta(days=number)).isoformat() for number in range(days)]


def fetch_day(day: str, ctx: StepContext) -> int:
    """Fetches a day from the archive and gives how many rows it has."""
    if date.fromisoformat(day).weekday() == 0 and ctx.attempt == 1:
        raise Busy("it is Monday")
    rows = 100 + date.fromisoformat(day).day
    file_paper(ctx, "days", day=day, rows=rows)
    return rows
