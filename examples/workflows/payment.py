"""The functions that `payment.yaml` calls."""

from __future__ import annotations

from durable_runtime import StepContext
from examples.workflows.desk import file_paper


def send_invoice(invoice: str, cents: int, ctx: StepContext) -> str:
    """Sends an invoice."""
    return file_paper(ctx, "payments", invoice=invoice, cents=cents)


def send_reminder(invoice: str, number: int, ctx: StepContext) -> str:
    """Reminds, less friendly each time."""
    return file_paper(ctx, "payments", reminder=number, invoice=invoice)


def book(invoice: str, cents: int, ctx: StepContext) -> str:
    """Enters the money into the books."""
    return file_paper(ctx, "payments", booked=cents, invoice=invoice)


def hand_over(invoice: str, ctx: StepContext) -> str:
    """Hands an invoice over to those who collect it."""
    return file_paper(ctx, "payments", handed_over=invoice)
