"""Waiting for an event, for a while."""

from __future__ import annotations

import asyncio


async def wait_at_most(event: asyncio.Event, seconds: float) -> bool:
    """Waits until the event is set, but no longer than this; tells whether it was set.

    Not with `asyncio.wait_for`, which until Python 3.12 loses a cancellation that comes in the moment the event is set:
    a task that serves in a loop then never ends, and whoever waits for its end waits for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
