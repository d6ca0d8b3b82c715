"""What one execution waits for from outside: what is stored of it, and which events were looked for.

Whoever waits for an event of a key is found by it only once that is stored; and what came before is found only by a
look. So the order is: store, then look, and rest only after that. Of a wait and an event whoever is stored second sees
the other, whoever crashes in between: after every claim there is a look.
"""

from __future__ import annotations

from durable_runtime.core.open_waits import OpenWait, Place
from durable_runtime.core.state import State
from durable_runtime.core.waits import open_waits_of
from durable_runtime.store.messages import Sought


class OpenWaits:
    """Compares what is stored with a state.

    After a claim everything is stored once more with the next commit: that changes nothing, unless rows are missing.
    """

    def __init__(self, state: State) -> None:
        self._stored: dict[Place, OpenWait] = open_waits_of(state)
        self._sent = self._stored
        self._certain = False
        self._looked: set[Place] = set()

    def differ(self, state: State) -> bool:
        """Tells whether anything is to be stored before the execution goes on: others must know what it waits for."""
        if not state.has_awaited:
            return False
        now = open_waits_of(state)
        return now.keys() != self._stored.keys() or (not self._certain and any(map(_keyed, now.values())))

    def must_look(self, state: State) -> bool:
        """Tells whether there are events to look for, once everything is stored."""
        return state.has_awaited and any(
            _keyed(wait) and place not in self._looked for place, wait in open_waits_of(state).items()
        )

    def to_look_for(self, key: int, state: State) -> list[Sought]:
        """Gives what to look for now; from then on it counts as looked for."""
        new = {place: wait for place, wait in self._stored.items() if _keyed(wait) and place not in self._looked}
        self._looked |= new.keys()
        known = tuple(sorted(state.mailbox.broadcasts))
        return [
            Sought(execution=key, name=wait.name, key=wait.key, known=known)
            for wait in {(wait.name, wait.key): wait for wait in new.values()}.values()
            if wait.name is not None and wait.key is not None
        ]

    def changes(self, state: State, *, ends: bool) -> tuple[tuple[OpenWait, ...], tuple[Place, ...]]:
        """Gives what the next commit opens and closes; an execution that ends waits for nothing."""
        now = {} if ends else open_waits_of(state)
        self._sent = now
        opens = tuple(wait for place, wait in now.items() if not self._certain or place not in self._stored)
        return opens, tuple(place for place in self._stored if place not in now)

    def committed(self) -> None:
        """Notes that what was last given is stored."""
        self._stored, self._certain = self._sent, True


def _keyed(wait: OpenWait) -> bool:
    return wait.key is not None
