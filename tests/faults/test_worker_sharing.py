"""Of a short queue a worker leaves something to the others, and takes the rest if they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

import durable_runtime
from durable_runtime.store.migrations import migrate
from durable_runtime.store.protocol import Claimed
from durable_runtime.testing import VirtualTimeLoop
from durable_runtime.worker import sharing
from durable_runtime.worker.claims import Claims
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.sharing import LEFT_FOR, MOST_ROUNDS, Sharing
from tests.faults import worker_steps
from tests.faults.test_worker_looks import Idle
from tests.faults.working import call, running, until, value
from tests.faults.working import start as start_all
from tests.store.building import start
from tests.store.memory import MemoryUnderTest

A_MOMENT = LEFT_FOR / 2


class Busy(Idle):
    """Keeps what it takes."""

    async def take(self, claimed: list[Claimed]) -> None:
        await super().take(claimed)
        self.runs |= {one.key: one for one in claimed}
        self.running.update(one.queue for one in claimed)


@dataclass
class Worker:
    """Claims for an executor that keeps what it takes."""

    stores: MemoryUnderTest
    claims: Claims
    executor: Busy
    ownership: Ownership

    async def hear(self) -> int:
        """Learns who else is there, hears that there is work, and claims once; gives how many."""
        self.claims.see(await self.stores.worker.look(self.ownership.lease))
        self.claims.hear("default")
        return await self.claims.claim()


async def worker(stores: MemoryUnderTest, *, slots: int = 10, queues: dict[str, int] | None = None) -> Worker:
    ownership = Ownership(await stores.worker.register("worker", queues or {}, 2, timedelta(hours=1)))
    executor = Busy()
    claims = Claims(stores.worker, ownership, cast(Executor, cast(Any, executor)), queues=queues, concurrency=slots)
    return Worker(stores, claims, executor, ownership)


def told(story: Callable[[MemoryUnderTest], Awaitable[list[int]]], executions: int) -> list[int]:
    """Runs a story in virtual time, with so many executions in the queue."""
    stores = MemoryUnderTest()

    async def whole() -> list[int]:
        await start(stores, *range(1, executions + 1))
        return await story(stores)

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(stores.clock)) as runner:
        return runner.run(whole())


def test_two_workers_share_what_both_could_take_alone() -> None:
    async def story(stores: MemoryUnderTest) -> list[int]:
        one, other = await worker(stores), await worker(stores)
        return [await one.hear(), await other.hear(), await one.hear()]

    assert told(story, 8) == [4, 2, 1]


def test_a_worker_takes_the_rest_if_nobody_else_does() -> None:
    async def story(stores: MemoryUnderTest) -> list[int]:
        one, _other = await worker(stores, slots=100), await worker(stores)
        taken = [await one.hear()]
        serving = asyncio.create_task(one.claims.serve())
        for _round in range(MOST_ROUNDS):
            await asyncio.sleep(LEFT_FOR)
            await asyncio.sleep(A_MOMENT / MOST_ROUNDS)
            taken.append(len(one.executor.runs))
        serving.cancel()
        return taken

    # A half of what is left at a time, and in the end all of it.
    assert told(story, 64) == [32, 48, 56, 60, 64]


def test_all_that_fits_is_taken_from_a_long_queue() -> None:
    async def story(stores: MemoryUnderTest) -> list[int]:
        one, other = await worker(stores), await worker(stores)
        return [await one.hear(), await other.hear()]

    assert told(story, 30) == [10, 10]


def test_the_last_of_a_queue_is_taken_at_once() -> None:
    async def story(stores: MemoryUnderTest) -> list[int]:
        one, other = await worker(stores), await worker(stores)
        return [await one.hear(), await other.hear()]

    assert told(story, 1) == [1, 0]


def test_nothing_is_left_to_those_who_serve_other_queues_or_are_gone() -> None:
    async def story(stores: MemoryUnderTest) -> list[int]:
        one = await worker(stores)
        await worker(stores, queues={"mails": 10})
        await stores.worker.unregister((await worker(stores)).ownership.lease)
        return [await one.hear()]

    assert told(story, 8) == [8]


def test_something_is_left_to_those_who_serve_this_queue_among_others() -> None:
    async def story(stores: MemoryUnderTest) -> list[int]:
        one = await worker(stores)
        await worker(stores, queues={"mails": 10, "default": 1})
        return [await one.hear()]

    assert told(story, 8) == [4]


OWNED = """
select case when count(*) = 2 then min(n) else 0 end
from (select count(*) as n from durable.execution where owner is not null group by owner) each
"""


@pytest.mark.usefixtures("runner")
async def test_a_burst_goes_to_two_idle_workers(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    knowing: set[Sharing] = set()
    see = Sharing.see

    def seen(self: Sharing, others: Sequence[Collection[str]]) -> None:
        see(self, others)
        knowing.update({self} if others else ())

    monkeypatch.setattr(Sharing, "see", seen)
    # Nobody takes what was left to the other before that one could.
    monkeypatch.setattr(sharing, "LEFT_FOR", 3600)
    worker_steps.forget()
    migrate(database_url)
    async with running(durable_runtime.Worker(database_url)), running(durable_runtime.Worker(database_url)):
        await until(lambda: len(knowing) == 2, "both know of the other")
        tags = [{"tag": str(number)} for number in range(20)]
        await start_all(database_url, call("held"), tags)
        # Who asks first takes a half, and the other at least a half of the rest.
        await until(lambda: value(database_url, OWNED) >= 5, "both have their part")
        worker_steps.let_go(*(each["tag"] for each in tags))
