"""Ctrl-C and SIGTERM: the first asks for an end in good order, the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from durable_runtime.cli.exits import Exit
from durable_runtime.cli.output import complain

SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Calls `stop` at the first signal while the block runs; what it gives tells whether there was one."""
    import asyncio

    loop = asyncio.get_running_loop()
    seen = False

    def interrupted() -> None:
        nonlocal seen
        if seen:
            _end_at_once()
        seen = True
        complain("stopping: attempts under way may end, the rest is given back (again to end at once)")
        stop()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, interrupted)
    try:
        yield lambda: seen
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _end_at_once() -> None:
    """Ends as a kill would, which loses nothing: in good order the interpreter would wait for the threads of steps."""
    complain((SHOW_CURSOR if sys.stderr.isatty() else "") + "ended at once; `durable worker` goes on with what is left")
    sys.stdout.flush()
    os._exit(Exit.INTERRUPTED)
