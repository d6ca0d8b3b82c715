"""The store in memory under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from durable_runtime.store.protocol import Lease
from durable_runtime.testing import FakeClock, MemoryStore
from tests.store.stores import Leftovers, Stores


class MemoryUnderTest(Stores):
    """One store in memory has all three faces."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.client = self.store
        self.worker = self.store
        self.recovery = self.store

    async def now(self) -> datetime:
        return self.clock.now()

    async def let_pass(self, span: timedelta) -> None:
        self.clock.advance(span)

    async def heartbeat(self, lease: Lease, span: timedelta) -> bool:
        return await self.store.heartbeat(lease, span) is not None

    @asynccontextmanager
    async def held(self, key: int) -> AsyncIterator[None]:
        with self.store.held(key):
            yield

    async def leftovers(self, key: int) -> Leftovers:
        rows = self.store.rows
        return Leftovers(
            hints=sum(hint.key == key for hint in rows.hints.values()),
            waits=sum(wait.key == key for wait in rows.waits.values()),
            requests=sum(request.key == key for request in rows.requests.values()),
        )

    async def drop_hints(self) -> None:
        self.store.rows.hints.clear()
