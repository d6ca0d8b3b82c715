"""What executions show to clients while they run: values by name, and streams."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

from durable_runtime.client import options
from durable_runtime.client.awaiting import Awaiting
from durable_runtime.client.ids import known, unknown
from durable_runtime.client.reading import Reading
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import decode
from durable_runtime.errors import ResultTimeout, UnknownValue
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import TERMINAL, Status
from durable_runtime.store.seen import PublishedValue
from durable_runtime.store.streams import StreamItem

PAGE = 1000
"""Items of a stream that are read at once."""


async def _page(
    public_id: str, name: str, after: int, store: PostgresClientStore
) -> tuple[Status, list[StreamItem]] | None:
    return await store.read_stream(public_id, name, after, PAGE)


class Publications(Reading):
    """The part of a client that reads what executions show."""

    _awaiting: Awaiting

    async def get_value(self, id: str, name: str, timeout: timedelta | float | None = None) -> Json:
        """Waits until an execution has published a value of this name, and gives the newest one.

        Raises `UnknownExecution`, `UnknownValue` when it has ended without one, and `ResultTimeout` when there is none
        within `timeout` (a timedelta or seconds; None waits for ever, 0 looks once).
        """
        seconds = options.seconds_of(timeout)
        ends_at = None if seconds is None else time.monotonic() + seconds
        public_id = known(id)
        with self._awaiting.watched(public_id) as watch:
            while True:
                found = await self._session.ask(lambda store: store.find_value(public_id, name))
                if found is None:
                    raise unknown(id)
                status, encoded = found
                if encoded is not None:
                    return decode(encoded)
                if status in TERMINAL:
                    raise UnknownValue(f"the execution {id} is {status} and has published no {name!r}")
                left = None if ends_at is None else ends_at - time.monotonic()
                if left is not None and left <= 0:
                    raise ResultTimeout(f"the execution {id} has not published {name!r} in {seconds:g} s")
                await watch.rest(left)

    async def list_values(self, id: str) -> list[PublishedValue]:
        """Gives the newest value of each name that an execution has published, by name; raises `UnknownExecution`."""
        row = await self._get_row(id)
        return await self._session.ask(lambda store: store.list_values(row.key))

    async def read_stream(
        self, id: str, name: str, *, follow: bool = True, after: int = 0
    ) -> AsyncIterator[StreamItem]:
        """Gives what an execution writes into a stream, in order and as it comes, until the execution has ended.

        Without `follow` it ends with what is there now. `after` is the `id` of the last item that is known. A stream
        that nothing was written into is empty. Raises `UnknownExecution`.
        """
        public_id = known(id)
        with self._awaiting.watched(public_id) as watch:
            while True:
                found = await self._session.ask(partial(_page, public_id, name, after))
                if found is None:
                    raise unknown(id)
                status, items = found
                for item in items:
                    after = item.id
                    yield item
                if len(items) < PAGE:
                    if status in TERMINAL or not follow:
                        return
                    await watch.rest(None)
