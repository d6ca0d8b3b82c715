"""A worker that leaves, whose answers get lost, or whose row is touched from outside: nothing hangs, nothing is written
behind someone's back."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from durable_runtime.errors import LeaseLost
from durable_runtime.store.heartbeat import Heartbeat
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import NoAnswer, Outcome
from durable_runtime.worker import Worker
from durable_runtime.worker.lease import Ownership
from tests.faults import worker_steps as steps
from tests.faults.proxy import Fault, proxied
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.faults.working import call, running, start, status, until, value
from tests.store.building import LEASE, checkpoint, claim, get, goes_on, register
from tests.store.building import start as start_rows
from tests.store.postgres import PostgresUnderTest


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="durable-proxy-") as folder:
        yield Path(folder)


@EITHER_WAY
async def test_a_worker_that_leaves_waits_for_a_statement_that_was_cut_off(
    stores: PostgresUnderTest, observer: Observer, gate: Callable[[str, str, str], Gate], guarded: bool
) -> None:
    # The ghost is the connection that this worker had before it broke; its batch still runs on the server.
    ghost = PostgresWorkerStore(stores.url)
    if not guarded:
        take_out(ghost, "append_one", "for share")
    (key,) = await start_rows(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "insert", "checkpoint")
    lost = asyncio.create_task(ghost.commit(lease, 0, [goes_on(key, checkpoint(1))]))
    await in_flight.reached()
    leaving = asyncio.create_task(Worker(stores.url)._leave(stores.worker, Ownership(lease)))

    if guarded:
        await observer.until_waiting("durable chores")
        assert (await get(stores, 1)).status == "running"
        in_flight.open()
        await leaving
    else:
        await leaving
        assert (await get(stores, 1)).status == "pending"  # anyone may claim it now, and here comes our checkpoint
        in_flight.open()
    assert await lost == [Outcome.COMMITTED]
    assert (await get(stores, 1)).status == "pending"
    await ghost.close()


@pytest.mark.parametrize("remembered", [True, False], ids=["guarded", "guard taken out"])
def test_an_epoch_that_was_raised_without_an_answer_is_found_again(
    database_url: str, socket_folder: Path, remembered: bool
) -> None:
    async def scenario() -> tuple[int, ...]:
        async with AsyncExitStack() as stack:
            proxy, through = await stack.enter_async_context(proxied(database_url, socket_folder))
            store = PostgresWorkerStore(through, lanes=1)
            stack.push_async_callback(store.close)
            if not remembered:
                take_out(store, "raised_epoch", "epoch > %(epoch)s", "epoch = %(epoch)s")
            lease = await store.register("worker", {}, 1, LEASE)
            await store.commit(lease, 0, [])  # the connection of the lane is open before anything goes wrong
            proxy.arm("durable lane 0", Fault.NO_ANSWER)
            with pytest.raises(NoAnswer):
                await store.raise_own_epoch(lease, 0)
            return (await store.raise_own_epoch(lease, 0)).epochs

    if remembered:
        assert asyncio.run(scenario()) == (2, 1)
    else:
        with pytest.raises(LeaseLost):
            asyncio.run(scenario())


def test_a_heartbeat_goes_on_whatever_goes_wrong_with_one_beat(database_url: str) -> None:
    failures = 0
    heard = threading.Event()

    def lag() -> float:
        nonlocal failures
        failures += 1
        if failures <= 3:
            raise RuntimeError("this is no error of the database")
        return 0.0

    def hear(_now: datetime) -> None:
        heard.set()

    async def register_worker() -> int:
        store = PostgresWorkerStore(database_url)
        try:
            return (await store.register("worker", {}, 1, LEASE)).worker_id
        finally:
            await store.close()

    worker_id = asyncio.run(register_worker())
    heartbeat = Heartbeat(
        database_url,
        worker_id,
        lost=lambda: None,
        heard=hear,
        loop_lag=lag,
        interval=timedelta(milliseconds=10),
    )
    heartbeat.start()
    try:
        assert heard.wait(20), f"no beat after {failures} tries"
    finally:
        heartbeat.stop()
    assert failures > 3


def test_an_execution_that_someone_took_away_by_hand_is_let_go_and_the_worker_goes_on(
    database_url: str, observe: Callable[[str], None]
) -> None:
    async def scenario() -> int:
        [taken] = await start(database_url, call("held"), [{"tag": "taken"}])
        async with running(Worker(database_url)) as task:
            await until(lambda: steps.begun["taken"], "its step begins")
            # Nobody but its owner writes to this row, except someone with a prompt.
            observe("update durable.execution set owner = null, status = 'cancelled' where status = 'running'")
            steps.let_go("taken")
            [beside] = await start(database_url, call("note"), [{"tag": "beside"}])
            await until(lambda: status(database_url, beside) == "completed", "the next one runs")
            await until(lambda: value(database_url, "select count(*) from durable.checkpoint") == 1, "one checkpoint")
            assert status(database_url, taken) == "cancelled"
        return int((await task).lost)

    assert asyncio.run(scenario()) == 1
