"""Waiting for executions to end: by hints of the workers, and by looking now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from durable_runtime.client.session import Session
from durable_runtime.errors import DurableError
from durable_runtime.pausing import wait_at_most
from durable_runtime.store.hints import ENDS_WANTED, Listener, ends_channel
from durable_runtime.store.protocol import NoAnswer, TryAgain

FIRST_LOOK, FIRST_LOOK_WHILE_HEARING, LONGEST_LOOK = 0.005, 0.1, 0.5
"""Seconds between two looks: short for executions of milliseconds, where no hints come through, and cheap for those
of hours."""

TOO_EARLY = 0.001
"""Seconds after its start in which nobody looks whether an execution has ended."""

SAY_EVERY = 20.0
"""Seconds after which workers are told again that somebody waits; they forget it after three times as long."""


class Awaiting:
    """The executions whose ends are waited for, through one session; it listens from the first wait on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: dict[str, list[asyncio.Event]] = {}
        self._listener: Listener | None = None
        self._listening: asyncio.Task[None] | None = None
        self._said_at = float("-inf")
        self._started = ("", 0.0)

    def started(self, public_id: str) -> None:
        """Takes what was started here a moment ago."""
        self._started = (public_id, time.monotonic())

    def has_just_started(self, public_id: str) -> bool:
        """Tells whether an execution cannot well have ended yet, so that a look would be one too many."""
        started, at = self._started
        return started == public_id and time.monotonic() - at < TOO_EARLY

    @contextmanager
    def watched(self, public_id: str) -> Iterator[Watch]:
        """Watches an execution from here on: what ends between two looks is not missed."""
        watch = Watch(self, public_id)
        self._told.setdefault(public_id, []).append(watch.told)
        try:
            yield watch
        finally:
            self._told[public_id].remove(watch.told)
            if not self._told[public_id]:
                del self._told[public_id]

    @property
    def hears(self) -> bool:
        """Tells whether hints are known to come through."""
        return self._listener is not None and self._listener.hears

    async def listen(self) -> None:
        """Sees to it that hints come; whoever waits for a hint calls this first."""
        if self._listening is None or self._listening.done():
            store = await self._session.get_store()
            self._listener = self._session.make_listener(ends_channel(store.schema), self._hear, store.tell_ends)
            self._listening = asyncio.create_task(self._listener.serve())
        if time.monotonic() - self._said_at > SAY_EVERY:
            self._said_at = time.monotonic()
            with suppress(DurableError, NoAnswer, TryAgain):
                await (await self._session.get_store()).wake_workers(ENDS_WANTED)

    def _hear(self, ended: str) -> None:
        for told in [self._told.get(public_id, []) for public_id in ended.split()] if ended else self._told.values():
            for event in told:
                event.set()

    async def close(self) -> None:
        """Stops listening; the next wait begins again."""
        listening, self._listening, self._said_at = self._listening, None, float("-inf")
        if listening is not None and listening.get_loop() is asyncio.get_running_loop():
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


class Watch:
    """One wait for one execution: how long to rest between two looks."""

    def __init__(self, awaiting: Awaiting, public_id: str) -> None:
        self.told = asyncio.Event()
        self._awaiting = awaiting
        self._public_id = public_id
        self._pause = FIRST_LOOK

    async def rest_at_first(self) -> None:
        """Waits for a moment before the first look, if this client has just started the execution."""
        if self._awaiting.has_just_started(self._public_id):
            await self._awaiting.listen()
            if await wait_at_most(self.told, FIRST_LOOK):
                self.told.clear()

    async def rest(self, seconds: float | None) -> None:
        """Waits for a hint that it ended, but no longer than until the next look, or for `seconds`."""
        await self._awaiting.listen()
        if self._awaiting.hears:
            self._pause = max(self._pause, FIRST_LOOK_WHILE_HEARING)
        if await wait_at_most(self.told, self._pause if seconds is None else min(self._pause, seconds)):
            self.told.clear()
        self._pause = min(self._pause * 1.5, LONGEST_LOOK)
