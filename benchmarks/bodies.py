"""The workloads as the functions that other engines run, told how a step is made there.

A step is made by `step(name, function, arguments...)`; names are unique within a body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from benchmarks import steps

Step: TypeAlias = Callable[..., Awaitable[Any]]

STEPS_OF_AN_ORDER = 10
"""check, carrier, five reservations, mail, invoice, close: those that call a function, here and in the document."""


async def in_sequence(step: Step, count: int) -> None:
    """So many steps that do nothing, one after the other."""
    for number in range(count):
        await step(f"step_{number}", steps.nothing, {})


async def for_each(step: Step, count: int, window: int = 100) -> int:
    """A step for each of so many items, some at once; gives how many results there are."""
    results: list[Any] = []
    for first in range(0, count, window):
        items = range(first, min(count, first + window))
        results += await asyncio.gather(*(step(f"item_{item}", steps.same, item) for item in items))
    return len(results)


async def order(step: Step, order: dict[str, Any]) -> dict[str, Any]:
    """What `documents.ORDER` says, in code."""
    checked = await step("check", steps.check_order, order)
    total = sum(line["quantity"] * line["cents"] for line in checked["lines"])
    if checked["express"]:
        shipping = await step("express", steps.choose_carrier, total * 2)
    else:
        shipping = await step("standard", steps.choose_carrier, total)
    reservations = await asyncio.gather(
        *(step(f"reserve_{index}", steps.reserve, line) for index, line in enumerate(checked["lines"]))
    )
    mail, invoice = await asyncio.gather(
        step("mail", steps.write_mail, checked["customer"]["name"], shipping["total"]),
        step("invoice", steps.write_invoice, checked["number"], list(reservations)),
    )
    closed = await step("close", steps.close_order, checked["number"], mail)
    return {"closed": closed, "invoice": invoice["number"]}
