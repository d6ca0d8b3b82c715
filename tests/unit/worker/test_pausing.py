"""A task that pauses in a loop ends when it is cancelled, in whatever moment that is."""

from __future__ import annotations

import asyncio

import pytest

from durable_runtime.pausing import wait_at_most


def test_a_pause_ends_when_its_event_is_set_and_when_its_time_is_over() -> None:
    async def pause() -> tuple[bool, bool]:
        event = asyncio.Event()
        before = await wait_at_most(event, 0.001)
        event.set()
        return before, await wait_at_most(event, 60)

    assert asyncio.run(pause()) == (False, True)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_cancellation_in_the_moment_the_event_is_set_is_not_lost(steps: int) -> None:
    async def cancel() -> bool:
        event = asyncio.Event()

        async def serve() -> None:
            while True:
                await wait_at_most(event, 60)
                event.clear()

        task = asyncio.create_task(serve())
        await asyncio.sleep(0.01)
        event.set()
        for _step in range(steps):
            await asyncio.sleep(0)  # each gets the news one task further
        task.cancel()
        done, _pending = await asyncio.wait([task], timeout=1)
        task.cancel()
        return bool(done)

    assert asyncio.run(cancel())
