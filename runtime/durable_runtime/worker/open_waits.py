"""What one execution waits for from outside: what is stored of it, and which events were looked for.

Whoever waits for an event of a key is found by it only once that is stored; and what came before is found only by a
look. So the order is: store, then look, and rest only after that. Of a wait and an event whoever is stored second sees
the other, whoever crashes in between: after every claim there is a look.
"""

from __future__ import annotations

from datetime import datetime

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
        self._looked: set[tuple[Place, datetime]] = set()

    @property
    def any_stored(self) -> bool:
        """True while rows of waits are stored, or on their way."""
        return bool(self._stored or self._sent)

    def differ(self, state: State) -> bool:
        """Tells whether anything is to be stored before the execution goes on: others must know what it waits for."""
        if not state.has_awaited:
            return False
        now = open_waits_of(state)
        return now != self._stored or (not self._certain and any(map(_keyed, now.values())))

    def must_look(self, state: State) -> bool:
        """Tells whether there are events to look for, once everything is stored."""
        return state.has_awaited and any(map(self._is_to_look_for, open_waits_of(state).values()))

    def _is_to_look_for(self, wait: OpenWait) -> bool:
        return _keyed(wait) and (wait.place, wait.opened_at) not in self._looked

    def to_look_for(self, key: int, state: State) -> list[Sought]:
        """Gives what to look for now; from then on it counts as looked for."""
        if not self._stored:
            return []
        new = [wait for wait in self._stored.values() if self._is_to_look_for(wait)]
        self._looked |= {(wait.place, wait.opened_at) for wait in new}
        known = tuple(sorted(state.mailbox.broadcasts))
        found = []
        for name, event_key in {(wait.name, wait.key): None for wait in new}:
            if name is not None and event_key is not None:
                settled = state.mailbox.find_settled(name, event_key)
                before, upto = (settled.before, settled.upto) if settled is not None else (0, 0)
                found.append(Sought(execution=key, name=name, key=event_key, known=known, before=before, upto=upto))
        return found

    def changes(self, state: State, *, ends: bool) -> tuple[tuple[OpenWait, ...], tuple[Place, ...]]:
        """Gives what the next commit opens and closes; an execution that ends waits for nothing.

        A wait that closed and opened again since, in another attempt of its function, is another one: the answer to the
        last is none to this.
        """
        now = {} if ends else open_waits_of(state)
        self._sent = now
        opens = tuple(wait for place, wait in now.items() if not self._certain or self._stored.get(place) != wait)
        return opens, tuple(place for place, wait in self._stored.items() if now.get(place) != wait)

    def committed(self) -> None:
        """Notes that what was last given is stored."""
        self._stored, self._certain = self._sent, True


def _keyed(wait: OpenWait) -> bool:
    return wait.key is not None
