"""What a worker asks the database while it has little to do, and that it hears what comes while it asks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest

from durable_runtime.store.protocol import Claimed, Lease, Look, WorkerStore
from durable_runtime.testing import FakeClock, MemoryStore, VirtualTimeLoop
from durable_runtime.worker.claims import Claims
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.maintenance import Maintenance

LEASE = Lease(1, (1, 1, 1))


class Counting(MemoryStore):
    """Counts its statements by name."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.statements: Counter[str] = Counter()

    @contextmanager
    def _statement(self, method: str) -> Iterator[None]:
        self.statements[method] += 1
        with super()._statement(method):
            yield


class Idle:
    """As much of an executor as claims need; nothing runs."""

    def __init__(self) -> None:
        self.runs: dict[int, Any] = {}
        self.running: Counter[str] = Counter()
        self.taken = self.running
        self.changed = asyncio.Event()
        self.performer = self
        self.exhausted = False
        self.begun: list[int] = []

    def uniform(self) -> float:
        return 0.5

    async def take(self, claimed: list[Any]) -> None:
        self.begun += claimed


@pytest.mark.parametrize(("hears", "looks"), [(False, 600), (True, 240)])
def test_a_worker_with_nothing_to_do_asks_once_a_second_and_less_than_half_as_often_while_it_hears_hints(
    hears: bool, looks: int
) -> None:
    async def scenario() -> Counter[str]:
        store = Counting(clock)
        ownership = Ownership(await store.register("idle", {}, 2, timedelta(hours=1)))
        claims = Claims(cast(WorkerStore, store), ownership, cast(Executor, Idle()), queues=None, concurrency=10)
        maintenance = Maintenance(cast(WorkerStore, store), store, ownership, claims.see, hears=lambda: hears)
        store.statements.clear()
        tasks = [asyncio.create_task(claims.serve()), asyncio.create_task(maintenance.serve())]
        await asyncio.sleep(600)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return store.statements

    clock = FakeClock()
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner:
        statements = runner.run(scenario())

    assert statements.pop("drop_events") <= 2
    sweeps = statements.pop("sweep")  # each of two statements
    assert sweeps <= 20
    assert set(statements) == {"look"}
    assert statements["look"] <= looks
    if hears:
        assert (statements["look"] + 2 * sweeps + 2) / 600 <= 0.5


class Claiming:
    """A store whose claims are answered by the test; `asked` are the queues they were for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: asyncio.Queue[list[Claimed]] = asyncio.Queue()

    async def claim(self, _lease: Lease, queue: str, _limit: int, **_which: object) -> list[Claimed]:
        self.asked.append(queue)
        return await self.answers.get()

    def forget_low_water(self) -> None:
        pass


async def until_asked(store: Claiming, queues: list[str]) -> None:
    while store.asked != queues:
        await asyncio.sleep(0)


@pytest.mark.usefixtures("runner")
async def test_a_hint_that_comes_while_a_claim_is_under_way_is_followed_by_another_claim() -> None:
    store = Claiming()
    claims = Claims(cast(WorkerStore, store), Ownership(LEASE), cast(Executor, Idle()), queues=None, concurrency=10)
    serving = asyncio.create_task(claims.serve())
    try:
        claims.hear("mails")
        await until_asked(store, ["mails"])
        claims.hear("mails")  # what was started now is not in the snapshot of the claim
        store.answers.put_nowait([])
        await until_asked(store, ["mails", "mails"])
    finally:
        serving.cancel()


@pytest.mark.usefixtures("runner")
async def test_a_queue_is_claimed_from_without_a_look_until_a_claim_finds_less_than_it_wanted() -> None:
    store, executor = Claiming(), Idle()
    claims = Claims(cast(WorkerStore, store), Ownership(LEASE), cast(Executor, executor), queues=None, concurrency=2)
    claims.see(Look(ready=("mails", "orders")))
    store.answers.put_nowait(cast(Any, [1, 2]))
    store.answers.put_nowait(cast(Any, [3]))
    store.answers.put_nowait([])

    assert await claims.claim() == 3
    assert await claims.claim() == 0
    assert await claims.claim() == 0

    assert store.asked == ["mails", "orders", "mails"]


@pytest.mark.usefixtures("runner")
async def test_a_worker_for_some_queues_claims_from_no_others() -> None:
    store = Claiming()
    claims = Claims(
        cast(WorkerStore, store), Ownership(LEASE), cast(Executor, Idle()), queues={"mails": 1}, concurrency=10
    )
    claims.see(Look(ready=("orders",), lonely=("orders",)))
    claims.hear("orders")

    assert await claims.claim() == 0
    assert store.asked == []
