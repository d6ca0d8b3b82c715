"""The function that `nightly_report.yaml` calls."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TypedDict

from durable_runtime import StepContext
from examples.workflows.desk import name_paper
from examples.workflows.ledger import record
from examples.workflows.output import write_whole


class Figure(TypedDict):
    """How many executions of a workflow ended in a status."""

    workflow: str
    status: str
    executions: int


def mail_report(to: str, since: str, until: str, figures: list[Figure], ctx: StepContext) -> str:
    """Mails the figures and gives the file of the mail. Tried again, it is the same mail."""
    record(ctx)
    rows = [f"{row['workflow']:<24} {row['status']:<20} {row['executions']:>8}" for row in figures]
    mail = EmailMessage()
    mail["From"] = "reports@example.org"
    mail["To"] = to
    mail["Subject"] = f"{sum(row['executions'] for row in figures)} executions ended"
    mail["Message-ID"] = f"<{ctx.idempotency_key}@reports.example>"
    mail.set_content("\n".join([f"From {since}", f"to   {until}", "", *(rows or ["nothing ended"])]) + "\n")
    return write_whole(f"reports/{name_paper(ctx)}.eml", mail.as_string())
