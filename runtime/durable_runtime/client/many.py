"""Control of many executions at once, chosen by a filter, batch by batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, Unpack

from durable_runtime.client.control import Control, Reopening
from durable_runtime.client.filters import Filters
from durable_runtime.errors import InvalidOption
from durable_runtime.store.filters import Filter
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import ExecutionRow

Json: TypeAlias = Any

BATCH = 200
"""Executions in one statement: its locks are held for some milliseconds."""

OPEN = ("pending", "running", "waiting", "paused")


class Page:
    """One batch of those that are meant, behind the last one of the batch before."""

    def __init__(self, chosen: Filter, last: str | None) -> None:
        self._chosen = chosen
        self._last = last

    async def __call__(self, store: PostgresClientStore) -> list[ExecutionRow]:
        return await store.list_executions(self._chosen, order="oldest", before=self._last, limit=BATCH, brief=True)


class Many(Control):
    """The part of `AsyncDurable` that controls executions by filter."""

    async def cancel_many(
        self, *, reason: str | None = None, by: str | None = None, compensate: bool = False, **filters: Unpack[Filters]
    ) -> int:
        """Cancels every execution that the filters let through and that has not ended; gives how many took it.

        `filters` are those of `list_executions`, at least one. It goes batch by batch, oldest first, so what starts
        meanwhile may be reached or not, and what was cancelled before something went wrong stays cancelled.
        """
        payload: Json = {"reason": reason, "by": by, **({"compensate": True} if compensate else {})}
        return await self._send_many("cancel", payload, OPEN, filters)

    async def pause_many(self, *, reason: str | None = None, by: str | None = None, **filters: Unpack[Filters]) -> int:
        """Pauses every execution that the filters let through and that runs, waits or is queued; as `cancel_many`."""
        return await self._send_many("pause", {"reason": reason, "by": by}, OPEN[:3], filters)

    async def resume_many(self, *, reason: str | None = None, by: str | None = None, **filters: Unpack[Filters]) -> int:
        """Resumes every paused execution that the filters let through; as `cancel_many`."""
        return await self._send_many("resume", {"reason": reason, "by": by}, ("paused",), filters)

    async def retry_many(self, *, reason: str | None = None, by: str | None = None, **filters: Unpack[Filters]) -> int:
        """Retries every failed execution that the filters let through; as `cancel_many`."""
        payload = {"reason": reason, "by": by}

        async def retry(ids: list[str]) -> int:
            found = [await self._session.ask(Reopening(id, payload)) for id in ids]
            return found.count("failed")

        return await self._each(retry, ("failed",), filters)

    async def _send_many(self, kind: str, payload: Json, statuses: tuple[str, ...], filters: Filters) -> int:
        async def send(ids: list[str]) -> int:
            return await self._session.ask(lambda store: store.send_requests(ids, kind, payload))

        return await self._each(send, statuses, filters)

    async def _each(
        self, ask: Callable[[list[str]], Awaitable[int]], statuses: tuple[str, ...], filters: Filters
    ) -> int:
        """Asks of every execution that is meant, and gives the sum of the answers."""
        chosen = await self._narrowed(statuses, filters)
        total, last = 0, None
        while True:
            page = await self._session.ask(Page(chosen, last))
            if not page:
                return total
            last = page[-1].id
            total += await ask([row.id for row in page])
            self._session.hint()

    async def _narrowed(self, statuses: tuple[str, ...], filters: Filters) -> Filter:
        """Gives the filter, narrowed to the statuses that this can be asked of."""
        if not any(value not in (None, False) for value in filters.values()):
            raise InvalidOption(
                "say which executions are meant: at least one filter; for all, every status by its name"
            )
        found = await self._check_filters(filters)
        asked = statuses if found.statuses is None else tuple(each for each in found.statuses if each in statuses)
        if found.statuses is not None and set(found.statuses) - set(statuses):
            wrong = next(each for each in found.statuses if each not in statuses)
            raise InvalidOption(f"this cannot be asked of executions that are {wrong}; it can of {', '.join(statuses)}")
        return Filter(
            **{name: getattr(found, name) for name in found.__struct_fields__ if name != "statuses"}, statuses=asked
        )
