"""Steps that show something while they run, and wait to be told to go on."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from durable_runtime import StepContext

go_on = threading.Event()


async def until_told() -> None:
    while not go_on.is_set():
        await asyncio.sleep(0.01)


async def shows(ctx: StepContext) -> str:
    await ctx.publish("state", {"at": "begun"})
    await until_told()
    await ctx.publish("state", {"at": "over"})
    return "done"


def rests() -> str:
    go_on.wait(30)
    return "done"


def shows_plainly(ctx: StepContext) -> Any:
    ctx.publish("state", 1)
    go_on.wait(30)
    return "done"
