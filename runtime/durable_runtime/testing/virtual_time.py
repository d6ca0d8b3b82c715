"""An event loop whose time is a fake clock's: where others wait, it moves the clock on."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from durable_runtime.testing.clock import FakeClock


class NothingLeft(Exception):
    """Everything waits for something that nobody will do: no callback is ready, no timer is set, no file is open."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs callbacks in the order in which they became ready, and timers at their time on `clock`.

    When nothing is ready the clock jumps to the next timer, so an hour's sleep takes no time and two runs of the same
    coroutines do the same things in the same order. Functions for threads (`asyncio.to_thread`) are called on the spot,
    since a thread would end at a moment of its own. While a socket is open, time passes as it does outside. Raises
    `NothingLeft` where an ordinary loop would wait for ever.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._fake_clock = clock
        self._began_at = clock.now()
        super().__init__(_JumpingSelector(self._pass))
        # A timer is due within a microsecond, the finest step of the clock.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Gives the seconds that the clock has moved since the loop was made."""
        return (self._fake_clock.now() - self._began_at).total_seconds()

    def _pass(self, seconds: float) -> None:
        # Whole microseconds; a thousandth of one is only what adding up fractions has left.
        self._fake_clock.advance(timedelta(microseconds=math.ceil(seconds * 1_000_000 - 0.001)))

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Calls the function now and gives a future that is done."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _JumpingSelector(selectors.DefaultSelector):
    """Does not wait for files unless the loop has opened any beside the pipe it wakes itself up with."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if len(self.get_map()) > 1:
            began_at = time.monotonic()
            ready = super().select(timeout)
            self._pass_time(time.monotonic() - began_at)
            return ready
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingLeft("nothing is left that could happen")
        self._pass_time(timeout)
        return ready
