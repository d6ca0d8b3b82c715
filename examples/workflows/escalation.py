"""The functions that `escalation.yaml` calls."""

from __future__ import annotations

from durable_runtime import StepContext
from examples.workflows.desk import file_paper


def page(incident: str, whom: str, ctx: StepContext) -> str:
    """Wakes somebody up."""
    return file_paper(ctx, "pages", incident=incident, whom=whom)


def assign(incident: str, whom: str, ctx: StepContext) -> str:
    """Writes down whose incident it is."""
    return file_paper(ctx, "pages", incident=incident, assigned=whom)
