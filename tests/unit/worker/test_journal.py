"""What the journal puts into one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import cast

import pytest

from durable_runtime.store.protocol import Commit, Lease, Outcome, WorkerStore
from durable_runtime.worker.journal import Journal
from durable_runtime.worker.lease import Ownership


class HeldStore:
    """Writes nothing; each batch is answered by the test."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.lanes: list[int] = []
        self._held: list[asyncio.Future[None]] = []

    async def commit(self, _lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        self.lanes.append(lane)
        self.batches.append([commit.key for commit in commits])
        self._held.append(asyncio.get_running_loop().create_future())
        await self._held[-1]
        return [Outcome.COMMITTED] * len(commits)

    async def answer(self) -> None:
        """Answers the batch that is under way."""
        self._held.pop(0).set_result(None)
        await turns()


async def turns() -> None:
    """Gives everything that is ready its turns."""
    for _turn in range(20):
        await asyncio.sleep(0)


class Executions:
    """Executions that commit by their numbers, again once that is answered: `at_once`, or another `soon`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.at_once: set[int] = set()
        self.soon: dict[int, int] = {}

    def commit(self, *keys: int) -> None:
        for key in keys:
            done = partial(self._go_on, key)
            self._journal.submit(Commit(key=key, seen=0, checkpoints=[], move=None), done)

    def _go_on(self, key: int, _outcome: Outcome, _reason: str) -> None:
        if key in self.at_once:
            self.at_once.discard(key)
            self.commit(key)
        if key in self.soon:
            asyncio.get_running_loop().call_soon(self.commit, self.soon.pop(key))


def batches_after(
    *, waiting: tuple[int, ...] = (), at_once: tuple[int, ...] = (), soon: dict[int, int]
) -> list[list[int]]:
    """Gives the batches when 1 and 2 are answered, while others wait or none."""

    async def scenario() -> list[list[int]]:
        store = HeldStore()
        journal = Journal(cast(WorkerStore, store), Ownership(Lease(1, (1, 1))), 1)
        executions = Executions(journal)
        serving = asyncio.create_task(journal.serve(0))
        executions.commit(1, 2)
        await turns()
        executions.commit(*waiting)
        executions.at_once, executions.soon = set(at_once), soon
        await store.answer()
        serving.cancel()
        return store.batches

    return asyncio.run(scenario())


def test_what_waits_goes_together_with_what_follows_soon_from_the_batch_before() -> None:
    # Each for itself they would take turns for ever, in batches of half the size.
    assert batches_after(waiting=(3, 4), soon={1: 1, 2: 2}) == [[1, 2], [3, 4, 1, 2]]


@pytest.mark.parametrize(("spread", "lanes"), [(2, [(0, [2, 4]), (1, [1, 3])]), (1, [(0, [1, 2, 3, 4])])])
def test_executions_are_spread_over_the_lanes_or_not(spread: int, lanes: list[tuple[int, list[int]]]) -> None:
    async def scenario() -> list[tuple[int, list[int]]]:
        store = HeldStore()
        journal = Journal(cast(WorkerStore, store), Ownership(Lease(1, (1, 1, 1))), 2)
        journal.spread = spread
        serving = [asyncio.create_task(journal.serve(lane)) for lane in range(2)]
        Executions(journal).commit(1, 2, 3, 4)
        await turns()
        for task in serving:
            task.cancel()
        return sorted(zip(store.lanes, store.batches, strict=True))

    assert asyncio.run(scenario()) == lanes


def test_what_waits_is_sent_though_nothing_follows_from_the_batch_before() -> None:
    assert batches_after(waiting=(3, 4), soon={}) == [[1, 2], [3, 4]]


def test_what_follows_at_once_does_not_wait_for_a_turn() -> None:
    assert batches_after(at_once=(1, 2), soon={1: 3}) == [[1, 2], [1, 2]]
