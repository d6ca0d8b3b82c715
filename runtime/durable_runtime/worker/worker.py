"""A worker: one process's share of the work, from registering to leaving."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from durable_runtime.actions.functions import Functions
from durable_runtime.actions.performing import DEFAULT_THREADS, Performer
from durable_runtime.actions.printing import hearing
from durable_runtime.actions.secrets import SecretSource
from durable_runtime.errors import DatabaseUnavailable, LeaseLost
from durable_runtime.pausing import wait_at_most
from durable_runtime.store.heartbeat import LEASE, Heartbeat
from durable_runtime.store.hints import ENDS_WANTED, Listener, workers_channel
from durable_runtime.store.joined import StepConnections
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, Lease, Look, NoAnswer, TryAgain
from durable_runtime.store.queries import DEFAULT_SCHEMA
from durable_runtime.store.takeover import Takeover
from durable_runtime.worker.claims import Claims
from durable_runtime.worker.clock import ServerClock
from durable_runtime.worker.ends import Ends
from durable_runtime.worker.executor import Executor
from durable_runtime.worker.journal import Journal
from durable_runtime.worker.lease import Ownership
from durable_runtime.worker.maintenance import Maintenance
from durable_runtime.worker.readiness import Readiness, plan_claims
from durable_runtime.worker.router import Router

log = logging.getLogger("durable.worker")

DEFAULT_CONCURRENCY = 200
LANES = 2
GRACE = 30.0
"""Seconds that running attempts get to end when the worker stops."""


class WorkerReport(msgspec.Struct, frozen=True):
    """What became of the executions this worker held: how often each way of leaving it happened."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    waiting: int = 0
    deferred: int = 0
    lost: int = 0


class Worker:
    """Runs executions of a database until stopped.

    `queues` limits executions at once by queue name; None serves every queue. `concurrency` limits them all together.
    `only` restricts the worker to these executions. `allow` lists the packages whose functions steps may call; None
    allows any. With `capture_output` what steps print is a part of their log. `secrets` are the values of secrets by
    name, or a function of a name that gives one; by default they are variables of the environment.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = DEFAULT_SCHEMA,
        queues: Mapping[str, int] | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
        threads: int = DEFAULT_THREADS,
        name: str | None = None,
        only: Collection[str] | None = None,
        allow: Sequence[str] | None = None,
        allow_shell: bool = False,
        capture_output: bool = False,
        secrets: SecretSource | None = None,
        databases: Mapping[str, str] | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self._conninfo = conninfo
        self._schema = schema
        self._queues = queues
        self._concurrency = concurrency
        self._threads = threads
        self._only = only
        self._functions = Functions(allow)
        self._allow_shell = allow_shell
        self._capture_output = capture_output
        self._secrets = secrets
        self._databases = databases
        self._lease = lease
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: Counter[str] = Counter()
        self._lag = 0.0

    def stop(self) -> None:
        """Stops in good order, from any thread: nothing new begins, what runs may end, the rest is given back."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        else:
            self._stopping.set()

    async def run(self, *, until_idle: bool = False) -> WorkerReport:
        """Works until stopped, or with `until_idle` until nothing is left that will run by itself.

        After a lost lease it begins again as a new worker. Raises `DatabaseUnavailable` when the database cannot be
        reached at the start; later it waits for the database to come back.
        """
        self._loop = asyncio.get_running_loop()
        with hearing() if self._capture_output else contextlib.nullcontext():
            for life in itertools.count(1):
                if not await self._live(until_idle, first=life == 1):
                    break
                log.warning("worker %s lost its lease and begins again as a new worker", self.name)
        return WorkerReport(**{status: self._ended[status] for status in WorkerReport.__struct_fields__})

    async def _live(self, until_idle: bool, *, first: bool) -> bool:
        """One life, from registering to leaving; True when it ended because the lease was lost."""
        store = PostgresWorkerStore(self._conninfo, schema=self._schema, lanes=LANES)
        takeover = Takeover(self._conninfo, schema=self._schema)
        connections = StepConnections(self._conninfo, schema=self._schema)
        performer = Performer(
            self._functions,
            self._threads,
            allows_shell=self._allow_shell,
            captures=self._capture_output,
            secrets=self._secrets,
            databases=self._databases,
        )
        heartbeat: Heartbeat | None = None
        planning = asyncio.create_task(plan_claims(store) if self._only is None else _never())
        try:
            registered = await self._register(store, first)
            if registered is None:
                return False
            lease, clock = registered
            ownership = Ownership(lease)
            connections.belong_to(lease.worker_id)
            heartbeat = self._start_heartbeat(ownership, clock)
            journal = Journal(store, ownership, LANES)
            executor = Executor(store, ownership, journal, performer, clock, connections=connections)
            claims = Claims(
                store,
                ownership,
                executor,
                queues=self._queues,
                concurrency=self._concurrency,
                only=self._only,
            )

            readiness = Readiness(store, executor, journal, stays=not until_idle)

            def seen(look: Look) -> None:
                journal.see(look)
                claims.see(look)
                readiness.see(look)
                executor.read_signalled(look.signalled)
                if look.unrouted:
                    router.look()

            ends = Ends(store.tell_ends)

            def hear(queue: str) -> None:
                if queue == ENDS_WANTED:
                    ends.want()
                elif queue:
                    claims.hear(queue)
                else:
                    maintenance.wanted.set()

            hints = Listener(self._conninfo, workers_channel(self._schema), hear, store.wake_workers)
            maintenance = Maintenance(store, takeover, ownership, seen, lease=self._lease, hears=lambda: hints.hears)
            executor.look_wanted, executor.tell_end = maintenance.wanted, ends.tell
            router = Router(store, ownership, hear, executor.read_inboxes)

            def committed(commit: Commit) -> None:
                router.committed(commit)
                executor.committed(commit)

            journal.messages = committed
            tasks = [
                *(asyncio.create_task(journal.serve(lane), name=f"journal {lane}") for lane in range(LANES)),
                asyncio.create_task(claims.serve(), name="claims"),
                asyncio.create_task(maintenance.serve(), name="maintenance"),
                asyncio.create_task(router.serve(), name="router"),
                asyncio.create_task(hints.serve(), name="hints"),
                asyncio.create_task(readiness.serve(), name="readiness"),
                asyncio.create_task(ends.serve(), name="ends"),
                asyncio.create_task(self._measure_lag(), name="lag"),
            ]
            lost = await self._watch(until_idle, store, ownership, executor, claims, tasks)
            self._ended.update(executor.ended)
            await asyncio.to_thread(heartbeat.stop)
            heartbeat = None
            if not lost:
                await self._leave(store, ownership)
            return lost
        finally:
            if heartbeat is not None:
                heartbeat.stop()
            planning.cancel()
            await asyncio.gather(planning, return_exceptions=True)
            await performer.close()
            await connections.close()
            await takeover.close()
            await store.close()

    async def _register(self, store: PostgresWorkerStore, first: bool) -> tuple[Lease, ServerClock] | None:
        """Takes an id and reads the database's clock; None when the worker was stopped before that was possible."""
        while True:
            try:
                lease = await store.register(self.name, dict(self._queues or {}), LANES + 1, self._lease)
                return lease, ServerClock(await store.server_time())
            except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                if first:
                    raise DatabaseUnavailable(str(error)) from None
                log.warning("the database does not answer: %s", error)
                await wait_at_most(self._stopping, 1.0)
            if self._stopping.is_set():
                return None

    async def _leave(self, store: PostgresWorkerStore, ownership: Ownership) -> None:
        """Gives back what is still held (attempts that outlived the grace, a claim that came late) and unregisters."""
        try:
            # A statement that was cut off may still run. It ends first, or it would write to what is given back.
            ownership.lease = await store.raise_own_epochs(ownership.lease)
            owned = await store.owned(ownership.lease)
            if owned:
                await store.release(ownership.lease, ownership.claim_lane, owned)
            await store.unregister(ownership.lease)
        except LeaseLost:
            log.warning("worker %s was taken over before it left", self.name)
        except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
            log.warning("left without saying so, the lease will run out: %s", error)

    def _start_heartbeat(self, ownership: Ownership, clock: ServerClock) -> Heartbeat:
        loop = asyncio.get_running_loop()

        def heard(server_now: datetime) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(clock.hear, server_now, time.monotonic())

        def lost() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ownership.lost.set)

        heartbeat = Heartbeat(
            self._conninfo,
            ownership.lease.worker_id,
            lost=lost,
            heard=heard,
            loop_lag=lambda: self._lag,
            schema=self._schema,
            interval=self._lease / 5,
            lease=self._lease,
        )
        heartbeat.start()
        return heartbeat

    async def _watch(
        self,
        until_idle: bool,
        store: PostgresWorkerStore,
        ownership: Ownership,
        executor: Executor,
        claims: Claims,
        tasks: list[asyncio.Task[None]],
    ) -> bool:
        """Waits for the reason to end, then winds up; True when it is a lost lease."""
        stop = asyncio.create_task(self._stopping.wait())
        lost = asyncio.create_task(ownership.lost.wait())
        idle = asyncio.create_task(self._until_idle(store, executor) if until_idle else _never())
        try:
            done, _pending = await asyncio.wait({stop, lost, idle, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            if stop in done and not ownership.lost.is_set():
                tasks[LANES].cancel()  # nothing new is claimed
                await self._wind_up(executor, lost)
            broken = [task for task in tasks if task in done and not task.cancelled() and task.exception() is not None]
            if not ownership.lost.is_set():
                for task in broken:
                    if not isinstance(task.exception(), LeaseLost):
                        executor.drop_all()
                        raise task.exception() or RuntimeError(f"{task.get_name()} ended")
            return ownership.lost.is_set() or any(isinstance(task.exception(), LeaseLost) for task in broken)
        finally:
            executor.drop_all()
            everything: list[asyncio.Task[Any]] = [stop, lost, idle, *tasks]
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)

    async def _wind_up(self, executor: Executor, lost: asyncio.Task[bool]) -> None:
        """Lets running attempts end, for a while, and gives the executions back."""
        executor.release_all()
        deadline = time.monotonic() + GRACE
        while executor.runs and time.monotonic() < deadline and not lost.done():
            executor.changed.clear()
            changed = asyncio.ensure_future(executor.changed.wait())
            timeout = deadline - time.monotonic()
            await asyncio.wait({changed, lost}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()

    async def _until_idle(self, store: PostgresWorkerStore, executor: Executor) -> None:
        """Returns when nothing is left that will run by itself: no live lease of a dead worker, no timer, no retry.

        While it waits for others, or for a time, it looks less and less often. What is there at the start is claimed
        before it first asks.
        """
        pause = 0.05
        while True:
            await asyncio.sleep(pause)
            pause = 0.05 if executor.runs else min(1.0, pause * 1.5)
            if not executor.runs:
                try:
                    outlook = await store.outlook(only=self._only, queues=self._queues)
                    if not executor.runs and outlook.is_empty:
                        return
                except (NoAnswer, DatabaseUnavailable, TryAgain) as error:
                    log.warning("the database does not answer: %s", error)

    async def _measure_lag(self) -> None:
        """Publishes by how much the event loop is late: the sign of a step that blocks it."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.5)
            self._lag = max(0.0, time.monotonic() - before - 0.5)


async def _never() -> None:
    await asyncio.Event().wait()
