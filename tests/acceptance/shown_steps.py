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


async def writes(ctx: StepContext) -> str:
    for number in range(3):
        ctx.write("lines", {"n": number})
    ctx.write("other", "x")
    await until_told()
    ctx.write("lines", "last")
    return "done"


def writes_plainly(ctx: StepContext) -> str:
    for number in range(2500):
        ctx.write("lines", number)
    return "done"


def fails_once(ctx: StepContext) -> str:
    ctx.write("lines", f"attempt {ctx.attempt}")
    if ctx.attempt == 1:
        raise OSError
    return "done"


def shows_plainly(ctx: StepContext) -> Any:
    ctx.publish("state", 1)
    go_on.wait(30)
    return "done"
