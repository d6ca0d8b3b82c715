"""What every part of the client begins with: an execution's row by its id, the filter of those that are meant."""

from __future__ import annotations

from typing import Any

from durable_runtime.client import options
from durable_runtime.client.filters import Filters
from durable_runtime.client.ids import find_id, unknown
from durable_runtime.client.insight import Insight
from durable_runtime.client.session import Session
from durable_runtime.store.filters import Filter
from durable_runtime.store.protocol import ExecutionRow


class Reading:
    """Reads rows; `_session` and `_insight` are those of the client."""

    _session: Session
    _insight: Insight

    async def _find_row(self, id: str) -> ExecutionRow | None:
        public_id = find_id(id)
        if public_id is None:
            return None
        return await self._session.ask(lambda store: store.find_execution(public_id))

    async def _get_row(self, id: str) -> ExecutionRow:
        row = await self._find_row(id)
        if row is None:
            raise unknown(id)
        return row

    async def _check_filters(self, filters: Filters) -> Filter:
        """Gives the filter that was asked for; raises `UnknownExecution` for its `parent`."""
        parent = filters.get("parent")
        rest: dict[str, Any] = {**filters, "parent": None if parent is None else (await self._get_row(parent)).id}
        return options.check_filter(**rest)
