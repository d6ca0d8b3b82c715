"""What clients ask of executions that are there: requests, which their owner applies and keeps in the history."""

from __future__ import annotations

from typing import Any, TypeAlias

from durable_runtime.client.ids import known, unknown
from durable_runtime.client.session import Session
from durable_runtime.errors import WrongStatus
from durable_runtime.store.protocol import TERMINAL, Status

Json: TypeAlias = Any


class Control:
    """The part of `AsyncDurable` that changes how executions go on."""

    _session: Session

    async def pause(self, id: str, reason: str | None = None, *, by: str | None = None) -> Status:
        """Pauses an execution and gives the status it was found in.

        Once this returns it cannot complete, and once its worker has seen the request nothing more of it begins: no
        step, no retry, no timeout. Attempts that run may end, and what they came to is kept. Times go on, and what is
        due waits for `resume`. Pausing what is paused changes nothing. Raises `UnknownExecution`, and `WrongStatus`
        for one that has ended.
        """
        return await self._request(id, "pause", {"reason": reason, "by": by}, "paused")

    async def resume(self, id: str, reason: str | None = None, *, by: str | None = None) -> Status:
        """Lets a paused execution go on where it stood; what fell due meanwhile is done at once.

        Gives the status it was found in, and changes nothing of one that is not paused. Raises `UnknownExecution`, and
        `WrongStatus` for one that has ended.
        """
        return await self._request(id, "resume", {"reason": reason, "by": by}, "resumed")

    async def _request(self, id: str, kind: str, payload: Json, participle: str) -> Status:
        """Sends a request that only an execution which has not ended can take."""
        public_id = known(id)
        status = await self._session.ask(lambda store: store.send_request(public_id, kind, payload))
        if status is None:
            raise unknown(id)
        if status in TERMINAL:
            raise WrongStatus(f"the execution {id} is {status}; only one that has not ended can be {participle}")
        self._session.hint()
        return status
