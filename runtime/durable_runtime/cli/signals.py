"""Ctrl-C and SIGTERM: the first asks for an end in good order, the second Ctrl-C does not wait for it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Calls `stop` at the first signal while the block runs; what it gives tells whether there was one.

    Afterwards, and at a second Ctrl-C, the signals do what they always do.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    seen = False

    def interrupted() -> None:
        nonlocal seen
        seen = True
        release()
        stop()

    def release() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    try:
        yield lambda: seen
    finally:
        release()
