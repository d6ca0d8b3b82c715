"""A slot is free once the end of what was in it is on its way, and no more slots than twice as many are ever taken."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import psycopg
import pytest

from durable_runtime.store.migrations import migrate
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Lease, Outcome
from durable_runtime.store.queries import load_queries
from durable_runtime.worker import Worker, claims
from tests.faults import worker_steps
from tests.faults.working import call, running, start, statuses, until

CANCEL = load_queries("client")["send_request"]
LOCKED = "select from durable.execution where public_id = %s for update"


@pytest.mark.usefixtures("runner")
async def test_the_next_begins_while_an_end_is_on_its_way_and_no_third(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    commit = PostgresWorkerStore.commit

    async def counted(self: PostgresWorkerStore, lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        tried.append(len(commits))
        return await commit(self, lease, lane, commits)

    monkeypatch.setattr(PostgresWorkerStore, "commit", counted)
    worker_steps.forget()
    migrate(database_url)
    ids = await start(database_url, call("held"), [{"tag": tag} for tag in "abc"])
    with psycopg.connect(database_url) as stranger:
        async with running(Worker(database_url, concurrency=1)):
            for tag, id in zip("ab", ids, strict=False):
                await until(partial(worker_steps.begun.__getitem__, tag), f"{tag} runs")
                # Its end is skipped and tried again for as long as somebody else holds the row.
                stranger.execute(LOCKED, [id])
                worker_steps.let_go(tag)
            await until(lambda: worker_steps.ended["b"], "the second is over as well")
            before = len(tried)
            await until(lambda: len(tried) > before + 20, "both ends are tried again and again")
            assert not worker_steps.begun["c"]

            stranger.rollback()
            worker_steps.let_go("c")
            await until(lambda: statuses(database_url) == {"completed": 3}, "all are over")


@pytest.mark.usefixtures("runner")
async def test_whose_end_is_refused_takes_its_slot_back(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    room = claims._room

    def noted(slots: int, running: int, taken: int) -> int:
        asked.append((taken, room(slots, running, taken)))
        return asked[-1][1]

    monkeypatch.setattr(claims, "_room", noted)
    worker_steps.forget()
    migrate(database_url)
    first, *_others = await start(database_url, call("held"), [{"tag": tag} for tag in "abc"])
    with psycopg.connect(database_url) as stranger:
        async with running(Worker(database_url, concurrency=1)):
            await until(lambda: worker_steps.begun["a"], "the first runs")
            request = {"public_id": first, "kind": "cancel", "payload": '{"reason": null}', "alone_from": 3}
            stranger.execute(CANCEL, request)
            worker_steps.let_go("a")
            await until(lambda: worker_steps.begun["b"], "the second has its slot")
            asked.clear()
            stranger.commit()
            await until(lambda: statuses(database_url).get("cancelled"), "the request came before its end")
            await until(lambda: any(taken == 1 for taken, _room in asked), "the first is gone")
            assert all(free <= 0 for _taken, free in asked)

            worker_steps.let_go("b")
            await until(lambda: worker_steps.begun["c"], "the third has the second's slot")
            worker_steps.let_go("c")
            await until(lambda: statuses(database_url) == {"cancelled": 1, "completed": 2}, "all are over")
