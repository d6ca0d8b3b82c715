"""The way between a worker and the store, with everything that happens to statements on real ones."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from durable_runtime.errors import DatabaseUnavailable, LeaseLost
from durable_runtime.store.protocol import Commit, NoAnswer, StatementRefused, TryAgain
from durable_runtime.testing import MemoryStore
from tests.simulation.ledger import UNSTORABLE


class Weather:
    """How often things go wrong. `stormy` says whether they do at all now; a seed fixes every draw."""

    def __init__(self, seed: int, *, stormy: bool) -> None:
        self.random = random.Random(seed)
        self.stormy = stormy
        self.trouble = self.random.choice((0.0, 0.02, 0.08, 0.2))
        self.slowness = self.random.choice((0.001, 0.01, 0.1))

    def travel(self) -> float:
        """Draws the seconds that a message is under way."""
        if not self.stormy:
            return 0.0005
        return self.random.random() * self.slowness

    def fate(self) -> str:
        """Draws what becomes of a statement."""
        if not self.stormy or self.random.random() >= self.trouble:
            return "well"
        return self.random.choice(("lost before", "lost after", "lost meanwhile", "try again", "unavailable"))


class Wire:
    """Looks like the store and passes every call on, in time; calls of a worker that is `dead` go nowhere.

    A statement that was sent runs on the server whatever becomes of the worker. Its answer can get lost before it
    began, after it ended, or while it is still running: then it ends later, or never because of its fence.
    """

    def __init__(self, store: MemoryStore, weather: Weather, after: Callable[[], None]) -> None:
        self.dead = False
        self._store = store
        self._weather = weather
        self._after = after
        self._sent: set[asyncio.Task[Any]] = set()

    def forget_low_water(self) -> None:
        self._store.forget_low_water()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*arguments: Any, **keywords: Any) -> Any:
            return await self._call(name, method, arguments, keywords)

        return call

    async def commit(self, lease: Any, lane: int, commits: Sequence[Commit]) -> Any:
        """Refuses what the real server refuses; the store in memory takes any JSON."""
        # What was sent cannot be changed any more by whoever sent it.
        return await self._call("commit", self._commit, (lease, lane, list(commits)), {})

    async def _commit(self, lease: Any, lane: int, commits: Sequence[Commit]) -> Any:
        for commit in commits:
            for checkpoint in commit.checkpoints:
                if UNSTORABLE in str(checkpoint.result):
                    raise StatementRefused("22P05")
        return await self._store.commit(lease, lane, commits)

    async def find_unstorable(self, values: Sequence[tuple[str, bytes]]) -> Any:
        async def find(values: Sequence[tuple[str, bytes]]) -> dict[str, str]:
            return {path: "22P05" for path, text in values if UNSTORABLE.encode() in text}

        return await self._call("find_unstorable", find, (values,), {})

    async def _call(self, name: str, method: Any, arguments: Any, keywords: Any) -> Any:
        weather = self._weather
        fate = weather.fate()
        if self.dead:
            raise asyncio.CancelledError
        if fate in ("lost before", "try again", "unavailable"):
            await asyncio.sleep(weather.travel())
            raise {"lost before": NoAnswer, "try again": TryAgain, "unavailable": DatabaseUnavailable}[fate](name)
        late = fate == "lost meanwhile"
        delay = weather.travel() + (weather.random.random() * 3 if late else 0.0)
        sent = asyncio.get_running_loop().create_task(self._serve(delay, method, arguments, keywords))
        self._sent.add(sent)
        sent.add_done_callback(self._sent.discard)
        if late:
            sent.add_done_callback(_forget)
            await asyncio.sleep(weather.travel())
            raise NoAnswer(name)
        try:
            answer = await asyncio.shield(sent)
        except asyncio.CancelledError:
            sent.add_done_callback(_forget)
            raise
        await asyncio.sleep(weather.travel())
        if fate == "lost after":
            raise NoAnswer(name)
        return answer

    async def _serve(self, delay: float, method: Any, arguments: Any, keywords: Any) -> Any:
        await asyncio.sleep(delay)
        try:
            return await method(*arguments, **keywords)
        finally:
            self._after()


def _forget(task: asyncio.Task[Any]) -> None:
    """Nobody waits for this statement any more: what it says is heard by no one."""
    if not task.cancelled():
        error = task.exception()
        assert error is None or isinstance(error, LeaseLost | TryAgain | StatementRefused), error
