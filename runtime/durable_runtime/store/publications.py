"""What executions show while they run, asked of PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_runtime.core.values import decode
from durable_runtime.store.protocol import Row, Status
from durable_runtime.store.rows import public_id_of
from durable_runtime.store.seen import PublishedValue
from durable_runtime.store.streams import StreamItem


class Publications:
    """The part of the client's store that reads what executions show."""

    async def _run(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        raise NotImplementedError

    async def find_value(self, public_id: str, name: str) -> tuple[Status, bytes | None] | None:
        """Gives the status of an execution and the JSON text of the newest value of a name, if there is one."""
        rows = await self._run("find_value", {"public_id": public_id_of(public_id), "name": name})
        return (rows[0][0], None if rows[0][1] is None else rows[0][1].encode()) if rows else None

    async def list_values(self, key: int) -> list[PublishedValue]:
        """Gives the newest value of each name, by name."""
        rows = await self._run("list_values", {"id": key})
        return [PublishedValue(name=row[0], value=decode(row[1]), path=row[2], at=row[3]) for row in rows]

    async def read_stream(
        self, public_id: str, name: str, after: int, limit: int
    ) -> tuple[Status, list[StreamItem]] | None:
        """Gives the status of an execution and what comes in a stream after the item with an id."""
        parameters = {"public_id": public_id_of(public_id), "name": name, "after": after, "limit": limit}
        rows = await self._run("read_stream", parameters)
        if not rows:
            return None
        found = [row for row in rows if row[1] is not None]
        return rows[0][0], [
            StreamItem(id=row[1], value=decode(row[2]), path=row[3], attempt=row[4], at=row[5]) for row in found
        ]
