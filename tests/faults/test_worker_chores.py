"""What a worker does beside running executions: making room for a lonely one, sparing the living, telling the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from durable_runtime.store.protocol import Lease, Look, NoAnswer, Woken
from durable_runtime.testing import FakeClock, VirtualTimeLoop
from durable_runtime.worker import Worker
from durable_runtime.worker.clock import ServerClock
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.maintenance import Maintenance
from tests.faults import worker_steps as steps
from tests.faults.working import call, graph, running, start, status, until


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


HELD = Ownership(Lease(1, (1,)))
LONELY = "update durable.ready set alone = true where queue = 'odd'"


async def until_completed(url: str, id: str) -> None:
    """Returns when the execution has its turn and ends."""
    await until(lambda: status(url, id) == "completed", "it has its turn and ends")


def test_a_lonely_execution_does_not_keep_a_worker_with_a_long_step_from_the_others(
    database_url: str, observe: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durable_runtime.worker.claims.PATIENCE", 0.05)
    monkeypatch.setattr("durable_runtime.worker.maintenance.LOOK_EVERY", 0.02)
    monkeypatch.setattr("durable_runtime.worker.maintenance.LOOK_EVERY_WHILE_HEARING", 0.02)

    async def scenario() -> None:
        await start(database_url, call("held"), [{"tag": "long"}])
        async with running(Worker(database_url)):
            await until(lambda: steps.begun["long"], "a step of hours begins")
            [lonely] = await start(database_url, call("note"), [{"tag": "lonely"}], queue="odd")
            observe(LONELY)
            for number in range(8):
                [beside] = await start(database_url, call("note"), [{"tag": f"beside {number}"}])
                await until_completed(database_url, beside)
            assert status(database_url, lonely) == "pending"
            steps.let_go("long")
            await until_completed(database_url, lonely)

    asyncio.run(scenario())


def test_a_lonely_execution_is_alone_until_it_has_a_new_checkpoint(
    database_url: str, observe: Callable[[str], None]
) -> None:
    two = graph("""
    {workflow: two, steps: [
      {step: first, call: tests.faults.worker_steps.held, with: {tag: first}, save: a},
      {step: second, call: tests.faults.worker_steps.held, with: {tag: second}, save: b}]}
    """)

    async def scenario() -> None:
        await start(database_url, two, [{}], queue="odd")
        observe(LONELY)
        async with running(Worker(database_url)):
            await until(lambda: steps.begun["first"], "the lonely one begins")
            [beside] = await start(database_url, call("note"), [{"tag": "beside"}])
            steps.let_go("first")
            await until(lambda: status(database_url, beside) == "completed", "another one begins beside it")
            assert steps.begun == {"first": 1, "second": 1, "beside": 1}
            steps.let_go("second")

    asyncio.run(scenario())


class Away:
    """A database that answers until 10 s and from 25 s on, and notes when dead workers are looked for."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self.looked: list[float] = []

    async def look(self, _lease: Lease) -> Look:
        if 10 <= self._time() < 25:
            raise NoAnswer("the server is gone")
        return Look(expired=True)

    async def take_over_expired(self) -> int:
        self.looked.append(self._time())
        return 0

    async def sweep(self) -> tuple[int, int]:
        return 0, 0

    async def drop_events(self, limit: int = 1000) -> int:
        return 0


def test_after_the_database_was_away_the_living_have_time_for_a_heartbeat_before_anyone_looks_for_dead() -> None:
    async def scenario() -> list[float]:
        loop = asyncio.get_running_loop()
        away = Away(loop.time)
        lease = timedelta(seconds=10)
        maintenance = Maintenance(cast(Any, away), cast(Any, away), HELD, lambda _look: None, lease=lease)
        task = asyncio.create_task(maintenance.serve())
        await asyncio.sleep(60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return away.looked

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(FakeClock())) as runner:
        looked = runner.run(scenario())

    assert [at for at in looked if at < 25][-1] < 10
    assert 30 <= min(at for at in looked if at >= 25) < 32
    assert len([at for at in looked if at >= 30]) > 20


class Timers:
    """A database in which something is due at 300 ms, though nobody knew at the first look; notes the looks."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self.looks: list[float] = []
        self.woken = False

    async def look(self, _lease: Lease) -> Look:
        now = self._time()
        self.looks.append(round(now, 3))
        return Look(due_in=0.3 - now if now > 0 and not self.woken else None)

    async def wake_due(self) -> Woken:
        self.woken = True
        return Woken(1, None)

    async def take_over_expired(self) -> int:
        return 0


def test_what_suspends_after_a_look_is_woken_when_it_is_due_and_not_at_the_next_look() -> None:
    async def scenario() -> tuple[list[float], bool]:
        loop = asyncio.get_running_loop()
        timers = Timers(loop.time)
        maintenance = Maintenance(cast(Any, timers), cast(Any, timers), HELD, lambda _look: None)
        task = asyncio.create_task(maintenance.serve())
        await asyncio.sleep(0.1)
        maintenance.wanted.set()
        maintenance.wanted.set()
        await asyncio.sleep(0.25)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return timers.looks, timers.woken

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(FakeClock())) as runner:
        looks, woken = runner.run(scenario())

    # The last one says where it can be claimed.
    assert looks == [0.0, 0.105, 0.3, 0.3]
    assert woken


def test_what_the_heartbeat_heard_is_not_older_for_having_come_late(monkeypatch: pytest.MonkeyPatch) -> None:
    gone_by = 100.0
    monkeypatch.setattr("durable_runtime.worker.clock.time.monotonic", lambda: gone_by)
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    clock = ServerClock(noon)

    gone_by = 160.0  # the loop was blocked for a minute; the beat of its 30th second is heard now
    clock.hear(noon + timedelta(seconds=30), 130.0)

    assert clock.now() == noon + timedelta(seconds=60)
