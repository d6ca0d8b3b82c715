"""The function that `onboarding.yaml` calls."""

from __future__ import annotations

from durable_runtime import StepContext
from examples.workflows.desk import file_paper


def send(email: str, subject: str, ctx: StepContext, language: str = "en") -> str:
    """Sends a mail."""
    return file_paper(ctx, "mails", to=email, subject=subject, language=language)
