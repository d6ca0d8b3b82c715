"""Group commit for starts: what is to be started while an insertion is under way goes into one with the rest of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from durable_runtime.errors import InvalidInput, InvalidOption
from durable_runtime.store.protocol import NewExecution

MAX_ROWS = 1000
MAX_BYTES = 8 * 1024 * 1024
"""What one insertion holds at most, unless one start has more."""


Part: TypeAlias = tuple[Sequence[NewExecution], asyncio.Future[None]]
"""What one caller starts, and what it waits for."""


class Gathering:
    """Inserts executions by `insert`, one insertion at a time; one caller alone waits for nobody.

    Each start is stored whole or not at all. One that the database refuses does not harm those that were sent with it.
    """

    def __init__(self, insert: Callable[[Sequence[NewExecution]], Awaitable[object]]) -> None:
        self._insert = insert
        self._is_inserting = False
        self._waiting: deque[Part] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def add(self, executions: Sequence[NewExecution]) -> None:
        """Returns when these are stored; raises what `insert` does."""
        if self._is_inserting:
            stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((executions, stored))
            return await stored
        self._is_inserting = True
        try:
            await self._insert(executions)
        finally:
            if self._waiting:
                self._writing = asyncio.create_task(self._write())
            else:
                self._is_inserting = False

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._write_together(self._take())
        finally:
            self._is_inserting = False

    def _take(self) -> list[Part]:
        """Takes what has gathered, up to the limits of an insertion; whoever gave up in the meantime is left out."""
        taken: list[Part] = []
        rows = size = 0
        while self._waiting and (not taken or (rows < MAX_ROWS and size < MAX_BYTES)):
            executions, stored = self._waiting.popleft()
            if not stored.done():
                taken.append((executions, stored))
                rows += len(executions)
                size += sum(len(execution.input) for execution in executions)
        return taken

    async def _write_together(self, taken: list[Part]) -> None:
        try:
            if taken:
                await self._insert([execution for executions, _stored in taken for execution in executions])
        except (InvalidInput, InvalidOption) as error:
            if len(taken) > 1:
                for one in taken:
                    await self._write_together([one])
                return
            _settle(taken, error)
        except BaseException as error:
            _settle(taken, error)
            if not isinstance(error, Exception):
                raise
        else:
            _settle(taken, None)


def _settle(taken: list[Part], error: BaseException | None) -> None:
    for _executions, stored in taken:
        if stored.done():
            continue
        if error is None:
            stored.set_result(None)
        elif isinstance(error, asyncio.CancelledError):
            stored.cancel()
        else:
            stored.set_exception(error)
