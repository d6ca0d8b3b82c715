"""When a client that waits looks for the first time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.client import awaiting
from durable_runtime.client.awaiting import Awaiting
from durable_runtime.store.postgres_client import PostgresClientStore
from tests.faults.working import graph, running

QUICK = graph("workflow: quick\noutput: done\nsteps: [{step: note, log: here}]")


@pytest.mark.parametrize(("too_early", "first"), [(60.0, "listens"), (0.0, "looks")])
def test_what_was_started_a_moment_ago_is_not_looked_for_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch, too_early: float, first: str
) -> None:
    did: list[str] = []
    listen, look = Awaiting.listen, PostgresClientStore.find_outcome

    async def listens(self: Awaiting) -> None:
        did.append("listens")
        await listen(self)

    async def looks(self: PostgresClientStore, *asked: Any) -> Any:
        did.append("looks")
        return await look(self, *asked)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            assert await durable.result(await durable.start(QUICK)) == "done"
            other = await durable.start(QUICK)
            await durable.start(QUICK)
            did.append("and now another")
            assert await durable.result(other) == "done"

    monkeypatch.setattr(awaiting, "TOO_EARLY", too_early)
    monkeypatch.setattr(Awaiting, "listen", listens)
    monkeypatch.setattr(PostgresClientStore, "find_outcome", looks)
    asyncio.run(story())

    assert did[0] == first
    assert did[did.index("and now another") + 1] == "looks"  # it may have ended long ago
