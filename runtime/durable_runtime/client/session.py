"""A client's connections to its database: opened at first use, asked again after they broke."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from durable_runtime.client.database import Database
from durable_runtime.errors import DatabaseUnavailable, DurableError
from durable_runtime.pausing import wait_at_most
from durable_runtime.store.hints import Listener
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import NoAnswer, TryAgain

Answer = TypeVar("Answer")

PATIENCE = 10.0
"""Seconds for which a database that was there and went away may stay away; a restart of PostgreSQL takes less."""

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5

HINT_INTERVAL = 0.002
"""Seconds between two hints to the workers: NOTIFY in every start would serialise all commits of the server."""


class Session:
    """Asks the store, from one event loop. What is asked may be asked twice, so asking again must change nothing.

    `hints_at_commit` tells whether what happens in a caller's transaction is to hint at it.
    """

    def __init__(self, database: Database, *, hints_at_commit: bool = True) -> None:
        self.hints_at_commit = hints_at_commit
        self._database = database
        self._store: PostgresClientStore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._closing = asyncio.Event()
        self._hinting: asyncio.Task[None] | None = None
        self._hints: set[str] = set()
        self._hinted_at = float("-inf")

    @property
    def is_open(self) -> bool:
        """Tells whether there is something to close."""
        return self._store is not None

    async def get_store(self) -> PostgresClientStore:
        """Gives the store itself, for what must not be asked twice."""
        return await self._opened()

    def make_listener(
        self, channel: str, on_hint: Callable[[str], None], say: Callable[[str], Awaitable[None]]
    ) -> Listener:
        """Gives what listens on a channel of the database that is open."""
        return Listener(self._database.open(), channel, on_hint, say)

    async def ask(self, question: Callable[[PostgresClientStore], Awaitable[Answer]]) -> Answer:
        """Gives the store's answer; asks again for as long as `PATIENCE` while the database is away.

        Raises `DatabaseUnavailable`, and at once when the database could not be reached in the first place.
        """
        store = await self._opened()
        gives_up_at, pause = time.monotonic() + PATIENCE, FIRST_PAUSE
        while True:
            try:
                return await question(store)
            except (NoAnswer, TryAgain, DatabaseUnavailable) as error:
                if time.monotonic() > gives_up_at:
                    raise DatabaseUnavailable(str(error)) from error
            await asyncio.to_thread(self._database.revive)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def hint(self, queue: str = "") -> None:
        """Tells the workers soon that a queue has work, or to look for themselves; once for all of the meantime."""
        self._hints.add(queue)
        if self._hinting is None or self._hinting.done():
            self._hinting = asyncio.create_task(self._give_hints())

    async def _give_hints(self) -> None:
        while self._hints and self._store is not None:
            too_early = self._hinted_at + HINT_INTERVAL - time.monotonic()
            if too_early > 0:
                await wait_at_most(self._closing, too_early)
            # Before the hint: what is started from here on is not seen by whoever hears this one.
            hints, self._hints, self._hinted_at = self._hints, set(), time.monotonic()
            # Workers look for themselves as well, so a hint that is lost delays and harms nothing.
            with suppress(DurableError, NoAnswer, TryAgain):
                await self._store.wake_workers(hints.pop() if len(hints) == 1 else "")

    async def close(self) -> None:
        """Gives the last hint, and closes the connections."""
        store = self._store
        if store is not None and self._loop is asyncio.get_running_loop():
            self._closing.set()
            if self._hinting is not None:
                await self._hinting
            await store.close()
        self._store = None

    async def _opened(self) -> PostgresClientStore:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._store is not None and self._loop is not None and not self._loop.is_closed():
                raise RuntimeError(
                    "this AsyncDurable is in use by another event loop: make one for each, or use Durable from anywhere"
                )
            # Connections of a loop that has ended, as between two calls of asyncio.run, can only be forgotten.
            self._loop, self._store, self._hinting, self._opening = loop, None, None, asyncio.Lock()
        if self._store is None:
            async with self._opening:
                if self._store is None:
                    url = await asyncio.to_thread(self._database.open)
                    self._closing = asyncio.Event()
                    self._store = PostgresClientStore(url, schema=self._database.schema)
        return self._store
