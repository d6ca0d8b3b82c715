"""The functions that benchmarked workflows call: nothing or nearly so, so that only the engine is measured.

The same functions are the steps of every contender.
"""

from __future__ import annotations

import asyncio
from typing import Any

held: asyncio.Event | None = None
"""What `hold` waits for: set to an event by the process that is going to be killed."""

holding = 0
"""How many calls of `hold` wait."""


async def nothing(data: dict[str, Any]) -> None:
    """Takes the data and changes nothing."""


async def same(item: int) -> int:
    """Gives back what it was given."""
    return item


def numbers(count: int) -> list[int]:
    """Gives a list to go through."""
    return list(range(count))


async def hold() -> None:
    """Waits in the process that is going to be killed; does nothing in the one that comes after it."""
    global holding
    if held is not None:
        holding += 1
        await held.wait()


# --- an order ----------------------------------------------------------------------------------------------------


def make_order(number: int) -> dict[str, Any]:
    """Gives an order of five lines and about 2 kB of JSON; every second one is express."""
    text = (
        "A small wooden box with a lid, sanded and oiled by hand, in a bag of linen; keep it dry and out of the sun. "
    )
    return {
        "number": number,
        "express": number % 2 == 0,
        "customer": {"name": f"Customer {number}", "email": f"c{number}@example.org", "address": text},
        "lines": [
            {"sku": f"box-{number}-{line}", "quantity": line + 1, "cents": 1250 + line, "text": text * 3}
            for line in range(5)
        ],
    }


async def check_order(order: dict[str, Any]) -> dict[str, Any]:
    """Gives the order back as checked."""
    return {**order, "checked": True}


async def choose_carrier(total: int) -> dict[str, Any]:
    """Gives a carrier."""
    return {"carrier": "fast" if total > 15_000 else "cheap", "total": total}


async def reserve(line: dict[str, Any]) -> dict[str, Any]:
    """Gives a reservation of one line."""
    return {"sku": line["sku"], "shelf": line["quantity"] % 7, "cents": line["cents"] * line["quantity"]}


async def write_mail(name: str, total: int) -> str:
    """Gives the text of a mail."""
    return f"Dear {name}, your order of {total / 100:.2f} is on its way."


async def write_invoice(number: int, reservations: list[dict[str, Any]]) -> dict[str, Any]:
    """Gives an invoice."""
    return {"number": number, "positions": reservations}


async def close_order(number: int, mail: str) -> dict[str, Any]:
    """Gives the end of the story."""
    return {"number": number, "mail": mail}
