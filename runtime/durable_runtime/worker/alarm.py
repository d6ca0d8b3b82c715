"""What calls a run later: at once but not now, or when something falls due while attempts of it run.

A suspended execution is woken by the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from datetime import datetime

from durable_runtime.core.checkpoints import Keys
from durable_runtime.core.state import State, timers_of
from durable_runtime.worker.clock import Clock


class Soon:
    """Calls something in the loop's next turn, once, however often it is asked to."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._is_asked = False

    def ask(self) -> None:
        if not self._is_asked:
            self._is_asked = True
            asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        self._is_asked = False
        self._call()


class Alarm:
    """Rings once at the first due time of a state, until it is set again."""

    def __init__(self, clock: Clock, ring: Callable[[], None], state: State) -> None:
        self.is_needed = state.deadline_at is not None
        self.look_at(state)
        self._clock = clock
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def look_at(self, state: State) -> None:
        """Sees whether anything falls due in a state; without that it need not be searched each time."""
        self.is_needed = self.is_needed or any(True for _timer in timers_of(state))

    def set(self, state: State, running: Container[str]) -> None:
        """Sets it to what is due first; a retry that runs already stays in the state, and would be due for ever."""
        self.cancel()
        if not self.is_needed:
            return
        due_at = min((at for at, _keys, path in timers_of(state) if path not in running), default=None)
        if due_at is not None:
            delay = max(0.0, (due_at - self._clock.now()).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(delay, self._rang)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rang(self) -> None:
        self._timer = None
        self._ring()


def due(state: State, running: Container[str], now: datetime) -> list[Keys]:
    """Gives the addresses of what has fallen due; nothing when the loop's clock runs a little ahead."""
    return [keys for at, keys, path in timers_of(state) if at <= now and path not in running]
