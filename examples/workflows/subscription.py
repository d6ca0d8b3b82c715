"""The function that is the workflow of `subscription.yaml`, and what it has done step by step."""

from __future__ import annotations

from durable_dsl import Retry
from durable_runtime import StepContext, StepFailed
from examples.workflows import gateway
from examples.workflows.desk import file_paper

NETWORK = Retry(max_attempts=5, delay="50ms", except_=["CardDeclined"])


async def subscribe(
    reader: str, card: str, price_cents: int, month: str, months: int, ctx: StepContext
) -> dict[str, object]:
    """Charges every month until the reader stops or the time is over; gives how many were paid, and why it ended."""
    paid = 0
    while paid < months:
        try:
            await ctx.step("charge", charge, card, price_cents, retry=NETWORK)
        except StepFailed as error:
            if not error.is_a("CardDeclined"):
                raise
            question = f"The card ending in {card[-4:]} was declined. Which other one?"
            other = await ctx.ask("card", "text", question, assignees=[reader], timeout=month, default=None)
            if other is None:
                return await end(ctx, reader, paid, "not paid")
            card = other
            continue
        paid += 1
        ctx.emit("subscription.paid", reader, {"month": paid})
        stopped = await ctx.wait_event("stop", "subscription.stopped", key=reader, timeout=month, default=None)
        if stopped is not None:
            return await end(ctx, reader, paid, stopped["because"])
    return await end(ctx, reader, paid, "over")


async def end(ctx: StepContext, reader: str, paid: int, because: str) -> dict[str, object]:
    """Says good-bye."""
    await ctx.step("farewell", write_farewell, reader, paid, because)
    return {"paid": paid, "because": because}


def charge(card: str, price_cents: int, ctx: StepContext) -> str:
    """Takes the money for a month: once, for every month has an idempotency key of its own."""
    return gateway.charge(card, price_cents, ctx.idempotency_key)


def write_farewell(reader: str, paid: int, because: str, ctx: StepContext) -> str:
    """Writes a letter to a reader who leaves."""
    return file_paper(ctx, "farewells", reader=reader, months=paid, because=because)
