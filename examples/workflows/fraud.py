"""The functions that `fraud.yaml` calls; a real shop would ask services of others."""

from __future__ import annotations

from typing import Any

from durable_runtime import StepContext
from examples.workflows.ledger import record

HOME = ("AT", "CH", "DE")


class Unavailable(Exception):
    """A service does not answer."""


def check_address(payment: dict[str, Any], ctx: StepContext) -> dict[str, Any]:
    """Looks where the payment comes from."""
    record(ctx)
    return {"risk": 10 if payment["country"] in HOME else 60}


def check_amount(payment: dict[str, Any], ctx: StepContext) -> dict[str, Any]:
    """Looks how much it is."""
    record(ctx)
    if payment.get("offline"):
        raise Unavailable("the bank does not answer")
    return {"risk": min(90, payment["cents"] // 2000)}


def check_device(payment: dict[str, Any], ctx: StepContext) -> dict[str, Any]:
    """Looks at the device, if anything is known of it."""
    record(ctx)
    if "device" not in payment:
        raise Unavailable("nothing is known of this device")
    return {"risk": 0 if payment["device"] == "known" else 40}


def is_suspicious(data: dict[str, Any]) -> bool:
    """Adds the votes up."""
    return bool(sum(vote["risk"] for vote in data["votes"].values()) > 60)
