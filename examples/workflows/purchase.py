"""The functions that `purchase.yaml` calls, and those that undo them."""

from __future__ import annotations

from typing import Any

from durable_runtime import Fatal, StepContext
from examples.workflows.desk import file_paper

SERVED = ("AT", "CH", "DE")


class NotServed(Fatal):
    """Nobody carries parcels to this country."""


def reserve(order_id: str, ctx: StepContext) -> dict[str, Any]:
    """Puts the goods aside."""
    file_paper(ctx, "purchases", reserved=order_id)
    return {"id": f"R-{order_id}"}


def release(reservation: str, ctx: StepContext) -> None:
    """Puts the goods back."""
    file_paper(ctx, "purchases", released=reservation)


def charge(order_id: str, total: float, ctx: StepContext) -> dict[str, Any]:
    """Takes the money."""
    file_paper(ctx, "purchases", charged=total)
    return {"id": f"C-{order_id}"}


def refund(charge: str, ctx: StepContext) -> None:
    """Gives the money back."""
    file_paper(ctx, "purchases", refunded=charge)


def ship(order_id: str, country: str, ctx: StepContext) -> str:
    """Hands the parcel over."""
    if country not in SERVED:
        raise NotServed(f"nobody carries parcels to {country}")
    file_paper(ctx, "purchases", shipped=order_id)
    return f"P-{order_id}"


def tell_customer(order_id: str, why: str, ctx: StepContext) -> None:
    """Apologises."""
    file_paper(ctx, "purchases", sorry=order_id, why=why)
