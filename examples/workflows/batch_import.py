"""The functions that `batch_import.yaml` calls."""

from __future__ import annotations

from typing import Any

from durable_runtime import Fatal, StepContext
from examples.workflows.desk import file_paper


class Busy(Exception):
    """The other side is busy; later it may not be."""


class Refused(Fatal):
    """The row can never be imported."""


def import_row(row: dict[str, Any], number: int, ctx: StepContext) -> str:
    """Imports one row. A `slow` one finds the other side busy at first."""
    if "@" not in row.get("email", ""):
        raise Refused(f"row {number} has no address")
    if row.get("slow") and ctx.attempt < 3:
        raise Busy("try again")
    return file_paper(ctx, "imported", email=row["email"])


def report(imported: int, refused: list[str], ctx: StepContext) -> str:
    """Tells what became of the rows."""
    return file_paper(ctx, "imports", imported=imported, refused=refused)
