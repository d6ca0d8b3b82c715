"""A worker of a simulated installation: the real parts, wired as in production, on a wire that can break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from unittest import mock

from durable_runtime.actions.functions import Functions
from durable_runtime.actions.performing import Performer
from durable_runtime.errors import DatabaseUnavailable, LeaseLost
from durable_runtime.store.protocol import Claimed, Lease, Look, NoAnswer, TryAgain, WorkerStore
from durable_runtime.testing import FakeClock, MemoryStore
from durable_runtime.worker import run as run_module
from durable_runtime.worker.attempts import Attempts, Ended
from durable_runtime.worker.claims import Claims
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.journal import Journal
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.maintenance import Maintenance
from durable_runtime.worker.router import Router
from tests.simulation.ledger import WORKER, Ledger
from tests.simulation.wire import Weather, Wire

LEASE = timedelta(seconds=4)
LANES = 2
_TROUBLES = (NoAnswer, DatabaseUnavailable, TryAgain)


class SimulatedWorker:
    """Lives until it is killed; after a lost lease it begins again as a new worker, as the real one does.

    `lost` is told which executions it held whenever it lost them.
    """

    def __init__(
        self,
        store: MemoryStore,
        clock: FakeClock,
        ledger: Ledger,
        weather: Weather,
        *,
        after: Callable[[], None],
        lost: Callable[[set[str]], None],
    ) -> None:
        self.stalled = False
        self._store = store
        self._clock = clock
        self._ledger = ledger
        self._weather = weather
        self._wire = Wire(store, weather, after)
        self._after = after
        self._lost = lost
        self.held: set[str] = set()
        self._worker_id = 0
        self._executor: Executor | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._life = asyncio.ensure_future(self._live())

    async def _live(self) -> None:
        while True:
            await self._one_life()
            self._lost(self.held)
            self.held = set()

    async def _one_life(self) -> None:
        store = cast(WorkerStore, self._wire)
        lease = await _insist(lambda: store.register("simulated", {}, LANES, LEASE))
        WORKER.set((self._ledger, lease.worker_id))
        self._worker_id = lease.worker_id
        ownership = Ownership(lease)
        journal = Journal(store, ownership, LANES)
        performer = Performer(Functions())
        executor = self._executor = _WatchedExecutor(
            store, ownership, journal, performer, self._clock, self._weather.random.random
        )
        executor.held = self.held
        executor.snapshot_every = 1 + lease.worker_id % 3
        claims = Claims(store, ownership, executor, queues=None, concurrency=10)

        def seen(look: Look) -> None:
            journal.see(look)
            claims.see(look)
            executor.read_signalled(look.signalled)
            if look.unrouted:
                router.look()

        def hear(queue: str) -> None:
            if queue:
                claims.hear(queue)
            else:
                maintenance.wanted.set()

        maintenance = Maintenance(store, cast(Any, self._wire), ownership, seen)
        executor.look_wanted = maintenance.wanted
        router = Router(store, ownership, hear, executor.read_inboxes)
        journal.messages = router.committed
        self._tasks = [
            asyncio.create_task(work)
            for work in (
                *(journal.serve(lane) for lane in range(LANES)),
                claims.serve(),
                maintenance.serve(),
                router.serve(),
                self._beat(ownership),
                ownership.lost.wait(),
            )
        ]
        done, _pending = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        executor.drop_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await performer.close()
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, LeaseLost):
                raise error

    async def _beat(self, ownership: Ownership) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 5)
            if self.stalled:
                continue
            lease: Lease = ownership.lease
            with contextlib.suppress(*_TROUBLES):
                if await self._wire.heartbeat(lease, LEASE) is None:
                    ownership.lost.set()

    @property
    def id(self) -> int:
        """Its id in its present life."""
        return self._worker_id

    @property
    def was_taken_over(self) -> bool:
        """True once others have taken what it held, whether it noticed or not."""
        return self._worker_id > 0 and self._worker_id not in self._store.rows.workers

    async def kill(self) -> None:
        """Ends it as SIGKILL would: every task is dropped where it stands, and nothing is said to anybody."""
        self._wire.dead = True
        if self._executor is not None:
            self._executor.drop_all()
        everything = [self._life, *self._tasks]
        for task in everything:
            task.cancel()
        results = await asyncio.gather(*everything, return_exceptions=True)
        self._lost(self.held)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, LeaseLost):
                raise result

    def failure(self) -> BaseException | None:
        """Gives what ended it, if anything but `kill` did."""
        return self._life.exception() if self._life.done() and not self._life.cancelled() else None


class _WatchedExecutor(Executor):
    """Notes which executions a worker ever held, since each of them may run a step once more after it was lost."""

    held: set[str]

    async def take(self, claimed: Any) -> None:
        self.held.update(one.id for one in claimed)
        await super().take(claimed)


class _TwiceTold(Attempts):
    """Tells some outcomes a second time, at once or later."""

    weather: Weather

    def __init__(self, claimed: Claimed, around: Any, ended: Callable[[Ended], None], *rest: Any) -> None:
        def tell(outcome: Ended) -> None:
            ended(outcome)
            draw = self.weather.random.random()
            if self.weather.stormy and draw < 0.2:
                asyncio.get_running_loop().call_later(draw * 3 if draw > 0.1 else 0, ended, outcome)

        super().__init__(claimed, around, tell, *rest)


def duplicating(weather: Weather) -> Any:
    """While it is entered, the outcomes of attempts are told twice now and then."""
    return mock.patch.object(run_module, "Attempts", type("TwiceTold", (_TwiceTold,), {"weather": weather}))


async def _insist(ask: Callable[[], Any]) -> Any:
    while True:
        try:
            return await ask()
        except _TROUBLES:
            await asyncio.sleep(0.1)
