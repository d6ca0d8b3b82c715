"""What every part of the client begins with: an execution's row by its id."""

from __future__ import annotations

from durable_runtime.client.ids import find_id, unknown
from durable_runtime.client.insight import Insight
from durable_runtime.client.session import Session
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
