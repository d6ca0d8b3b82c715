"""Runs an example on a real worker, while a test does what people, services and time would do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from durable_runtime import AsyncDurable, ExecutionFailed
from durable_runtime.client import Execution

FOLDER = Path(__file__).parents[2] / "examples" / "workflows"

Drive = Callable[[AsyncDurable, str], Awaitable[None]]


async def _nothing(_durable: AsyncDurable, _id: str) -> None:
    """Lets it run."""


def run(url: str, name: str, input: Any, drive: Drive = _nothing) -> Execution:
    """Starts an example, does what people and services would do, and waits for its end."""

    async def story() -> Execution:
        async with AsyncDurable(url) as durable:
            id = await durable.start(FOLDER / name, input)
            worker = durable.worker()
            work = asyncio.ensure_future(worker.run())
            try:
                await drive(durable, id)
                with suppress(ExecutionFailed):
                    await durable.result(id, timeout=60)
                return await durable.get_execution(id, include_steps=True)
            finally:
                worker.stop()
                await work

    return asyncio.run(story())
