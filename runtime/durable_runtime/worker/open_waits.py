"""What one execution waits for from outside: what is stored of it, and what the next commit has to change."""

from __future__ import annotations

from durable_runtime.core.open_waits import OpenWait, Place
from durable_runtime.core.state import State
from durable_runtime.core.waits import open_waits_of


class OpenWaits:
    """Compares what is stored with a state.

    After a claim everything is stored once more with the next commit: that changes nothing, unless rows are missing.
    """

    def __init__(self, state: State) -> None:
        self._stored: dict[Place, OpenWait] = open_waits_of(state)
        self._sent = self._stored
        self._certain = False

    def differ(self, state: State) -> bool:
        """Tells whether anything opened or closed that is not stored: others must know, so it is to be committed."""
        return state.has_awaited and open_waits_of(state).keys() != self._stored.keys()

    def changes(self, state: State, *, ends: bool) -> tuple[tuple[OpenWait, ...], tuple[Place, ...]]:
        """Gives what the next commit opens and closes; an execution that ends waits for nothing."""
        now = {} if ends else open_waits_of(state)
        self._sent = now
        opens = tuple(wait for place, wait in now.items() if not self._certain or place not in self._stored)
        return opens, tuple(place for place in self._stored if place not in now)

    def committed(self) -> None:
        """Notes that what was last given is stored."""
        self._stored, self._certain = self._sent, True
