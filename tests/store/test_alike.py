"""The same history, thrown by dice, on both stores: every answer and every row that is left has to agree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from durable_runtime.errors import LeaseLost
from durable_runtime.store.messages import Send
from durable_runtime.store.protocol import Commit, Lease, StatementRefused, TryAgain
from tests.store.building import (
    LEASE,
    checkpoint,
    child_of,
    claim,
    completes,
    get,
    goes_on,
    public_id,
    register,
    start,
    suspends,
)
from tests.store.memory import MemoryUnderTest
from tests.store.postgres import PostgresUnderTest
from tests.store.stores import Stores

STEPS = 120
HOUR = timedelta(hours=1)


class History:
    """One store going through a history; `step` gives what it answered."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.keys: list[int] = []
        self.leases: list[Lease] = []
        self.seqs: dict[int, int] = {}

    async def step(self, dice: random.Random) -> object:
        """Makes one random step; what is thrown depends on the dice and on earlier answers only."""
        steps: list[Callable[[random.Random], Coroutine[Any, Any, object]]] = [
            self.start,
            self.register,
            self.claim,
            self.claim,
            self.commit,
            self.commit,
            self.commit,
            self.request,
            self.release,
            self.pass_time,
            self.wake,
            self.route,
            self.take_over,
        ]
        chosen = dice.choice(steps)
        try:
            answer = await chosen(dice)
        except (LeaseLost, StatementRefused, TryAgain) as error:
            answer = type(error).__name__
        return chosen.__name__, answer

    async def start(self, dice: random.Random) -> object:
        number = len(self.keys) + 1
        scheduled_at = await self.stores.now() + HOUR if dice.random() < 0.3 else None
        self.keys += await start(self.stores, number, priority=dice.randrange(3), scheduled_at=scheduled_at)
        return self.keys[-1]

    async def register(self, dice: random.Random) -> object:
        self.leases.append(await register(self.stores))
        return self.leases[-1]

    async def claim(self, dice: random.Random) -> object:
        lease = await self.lease(dice)
        self.stores.worker.forget_low_water()
        claimed = await claim(self.stores, lease, dice.randrange(1, 4), alone=dice.random() < 0.2)
        return [(one.id, one.key, one.fresh, one.signal, one.recoveries) for one in claimed]

    async def lease(self, dice: random.Random) -> Lease:
        if not self.leases:
            await self.register(dice)
        return dice.choice(self.leases[-3:])

    async def commit(self, dice: random.Random) -> object:
        lease = await self.lease(dice)
        owned = await self.stores.worker.owned(lease)
        others = dice.sample(self.keys, min(len(self.keys), 1)) if dice.random() < 0.2 else []
        keys = sorted({*owned, *others})
        later = await self.stores.now() + HOUR
        inboxes = await self.stores.worker.read_inboxes(keys)
        batch: list[Commit] = []
        for key in keys:
            seen = inboxes[key].signal if dice.random() < 0.7 else 0
            self.seqs[key] = self.seqs.get(key, 0) + 1
            kind = dice.randrange(3) if key in owned else 1
            written = checkpoint(self.seqs[key], log="line" if dice.random() < 0.2 else None)
            if kind == 0:
                batch.append(goes_on(key, written, seen=seen))
            elif kind == 1:
                batch.append(completes(key, written, seen=seen))
            else:
                batch.append(suspends(key, written, seen=seen, until=[later] * dice.randrange(3)))
            batch[-1].requests = tuple(request[0] for request in inboxes[key].requests)
        for commit in batch:
            if dice.random() < 0.3:
                to = None if dice.random() < 0.3 else public_id(dice.randrange(1, len(self.keys) + 2))
                commit.sends = (Send(to=to, kind="nudge", payload=b'{"by": "another"}'),)
        number = len(self.keys) + 1
        if batch and dice.random() < 0.4:
            attached, awaited = dice.random() < 0.7, dice.random() < 0.7
            batch[0].starts = (await child_of(self.stores, number, attached=attached, awaited=awaited),)
        held = dice.choice(keys) if keys and dice.random() < 0.3 else None
        try:
            if held is None:
                return await self.stores.worker.commit(lease, dice.randrange(2), batch)
            async with self.stores.held(held):
                return await self.stores.worker.commit(lease, dice.randrange(2), batch)
        finally:
            started = await self.stores.client.find_execution(public_id(number))
            if started is not None:
                self.keys.append(started.key)

    async def request(self, dice: random.Random) -> object:
        return await self.stores.client.send_request(public_id(dice.randrange(1, len(self.keys) + 2)), "nudge", None)

    async def release(self, dice: random.Random) -> object:
        lease = await self.lease(dice)
        return sorted(await self.stores.worker.release(lease, 0, self.keys[-3:]))

    async def pass_time(self, dice: random.Random) -> object:
        await self.stores.let_pass(HOUR / 2)
        return [await self.stores.heartbeat(lease, LEASE) for lease in self.leases if dice.random() < 0.6]

    async def wake(self, dice: random.Random) -> object:
        woken, seconds, unrouted = await self.stores.worker.wake_due(limit=dice.randrange(1, 5))
        return woken, round(seconds / 600) if seconds is not None else None, unrouted

    async def route(self, dice: random.Random) -> object:
        return await self.stores.worker.route(limit=dice.randrange(1, 5))

    async def take_over(self, dice: random.Random) -> object:
        back = await self.stores.recovery.take_over_expired()
        swept = await self.stores.recovery.sweep() if dice.random() < 0.5 else None
        return back, swept, await self.stores.worker.outlook()

    async def rest(self) -> object:
        """Everything that is stored in the end."""
        rows = [await get(self.stores, number) for number in range(1, len(self.keys) + 1)]
        return [
            (
                (row.id, row.status, row.recoveries, row.output, row.error),
                (row.parent_id, row.parent_path, row.depth, row.attached),
                await self.stores.client.list_checkpoints(row.key),
                len(await self.stores.client.list_logs(row.key)),
                await self.stores.leftovers(row.key),
            )
            for row in rows
        ], await self.stores.worker.read_inboxes(self.keys)


@pytest.mark.parametrize("seed", range(6))
def test_both_stores_answer_alike(postgres: PostgresUnderTest, runner: asyncio.Runner, seed: int) -> None:
    async def both() -> None:
        memory = MemoryUnderTest()
        real, fake = History(postgres), History(memory)
        told: list[object] = []
        for number in range(STEPS):
            memory.clock.advance(timedelta(milliseconds=1))
            answers = [await history.step(random.Random(f"{seed}/{number}")) for history in (real, fake)]
            told.append(answers[0])
            assert answers[0] == answers[1], f"step {number} of seed {seed}, after {told[-8:]}"
        assert await real.rest() == await fake.rest()

    runner.run(both())
