"""Looking for events that came before their wait could be found: one question for all that ask at the same time."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.mailbox import MOST_BROADCASTS
from durable_runtime.core.state import State
from durable_runtime.store.messages import Sought
from durable_runtime.store.protocol import Commit, Inbox
from durable_runtime.worker.asked import Asked
from durable_runtime.worker.attempts import Attempts
from durable_runtime.worker.guarding import guarded
from durable_runtime.worker.surroundings import Surroundings
from durable_runtime.worker.unsent import Unsent

_FAR = 2**62


class Looking:
    """Asks the store for events; `ask` gives them by execution."""

    def __init__(self, ask: Callable[[Sequence[Sought]], Awaitable[dict[int, list[Json]]]]) -> None:
        self._ask_store = ask
        self._wanted: list[Sought] = []
        self._answer: asyncio.Future[dict[int, list[Json]]] | None = None

    async def find(self, execution: int, wanted: Sequence[Sought]) -> list[Json]:
        """Gives the events of an execution, in the order of their ids."""
        self._wanted.extend(wanted)
        if self._answer is None:
            self._answer = asyncio.ensure_future(self._ask())
        return (await asyncio.shield(self._answer)).get(execution, [])

    async def _ask(self) -> dict[int, list[Json]]:
        await asyncio.sleep(0)
        wanted, self._wanted, self._answer = self._wanted, [], None
        return await self._ask_store(wanted)


class LooksForEvents(ABC):
    """The part of a run that looks for events which came before it could be found."""

    key: int
    is_over: bool
    _around: Surroundings
    _asked: Asked
    _broken: Exception | None
    _in_flight: Commit | None
    _inbox_waits: bool
    _unsent: Unsent

    @abstractmethod
    def apply(self, inbox: Inbox) -> None: ...

    @abstractmethod
    def break_off(self, error: Exception) -> None: ...

    @abstractmethod
    def _take_in(self) -> None: ...

    @abstractmethod
    def _submit(self, commit: Commit) -> None: ...

    def _looks_first(self, state: State, attempts: Attempts) -> bool:
        """Stores what is needed for a look before anything begins, if an event may have cancelled it in the queue."""
        looks = bool(state.cancel_keys) and self._unsent.open_waits.must_look(state)
        if looks:
            self._submit(self._unsent.commit(self.key, self._asked.seen, None, attempts, state))
        return looks

    def _looks(self, state: State) -> bool:
        """Begins to look if there is anything to look for; nothing is committed meanwhile."""
        sought = self._unsent.open_waits.to_look_for(self.key, state)
        if sought:
            self._in_flight = Commit(key=self.key, seen=self._asked.seen, checkpoints=[])
            self._around.spawn(self._look(sought))
        return bool(sought)

    async def _look(self, sought: list[Sought]) -> None:
        # Before the look: it has to see everything that is settled.
        asked = [await self._around.settle_events(one) for one in sought if len(one.known) >= MOST_BROADCASTS]
        self._looked(await self._around.find_events(self.key, sought), [one for one in asked if one["gone"]])

    @guarded
    def _looked(self, events: list[Json], settled: list[Json]) -> None:
        self._in_flight = None
        if self.is_over:
            return
        if events or settled:
            # As if they stood in the inbox, under numbers that no request has.
            found = [(-event["event"], "event", event) for event in events]
            found += [(-_FAR - number, "looked", one) for number, one in enumerate(settled)]
            self.apply(Inbox(self._asked.seen, tuple(found)))
        elif self._inbox_waits or self._broken is not None:
            self._inbox_waits = False
            self._around.read_inbox(self.key)
        else:
            self._take_in()
