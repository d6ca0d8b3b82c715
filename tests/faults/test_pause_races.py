"""A pause that meets the end of an execution, or a resume: whoever is first decides, and the flag tells the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from durable_runtime.store.protocol import Outcome
from durable_runtime.worker import Worker
from tests.faults import worker_steps as steps
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.faults.working import call, executions, running, start, until, value
from tests.store.building import checkpoint, claim, completes, get, public_id, register
from tests.store.building import start as start_stored
from tests.store.postgres import PostgresUnderTest

Gates = Callable[[str, str, str], Gate]


@pytest.fixture(autouse=True)
def _forget() -> None:
    steps.forget()


@EITHER_WAY
async def test_the_end_is_first_and_the_pause_learns_that_it_came_too_late(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.client, "send_request", "for no key update")
    (key,) = await start_stored(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable lane 0", "update", "execution")

    batch = asyncio.create_task(stores.worker.commit(lease, 0, [completes(key, checkpoint(1))]))
    await in_flight.reached()
    pause = asyncio.create_task(stores.client.send_request(public_id(1), "pause", None))
    await observer.until_waiting("durable client")
    in_flight.open()

    assert await batch == [Outcome.COMMITTED]
    assert await pause == ("completed" if guarded else "running")
    assert (await get(stores, 1)).paused == (not guarded)


@EITHER_WAY
async def test_the_pause_is_first_and_no_end_commits_after_it(
    stores: PostgresUnderTest, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.worker, "append_and_move", "and e.signal = m.seen")
    (key,) = await start_stored(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    in_flight = gate("durable client", "insert", "request")

    pause = asyncio.create_task(stores.client.send_request(public_id(1), "pause", None))
    await in_flight.reached()
    assert await stores.worker.commit(lease, 0, [completes(key, checkpoint(1))]) == [Outcome.BUSY]
    in_flight.open()
    assert await pause == "running"

    outcome = Outcome.REFUSED if guarded else Outcome.COMMITTED
    assert await stores.worker.commit(lease, 0, [completes(key, checkpoint(1))]) == [outcome]
    assert (await get(stores, 1)).status == ("running" if guarded else "completed")


@pytest.mark.parametrize("first", ["pause", "resume"])
async def test_of_a_pause_and_a_resume_the_later_one_holds(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, first: str
) -> None:
    (key,) = await start_stored(stores, 1)
    second = {"pause": "resume", "resume": "pause"}[first]
    in_flight = gate("durable client", "insert", "request")

    one = asyncio.create_task(stores.client.send_request(public_id(1), first, None))
    await in_flight.reached()
    other = asyncio.create_task(stores.client.send_request(public_id(1), second, None))
    await observer.until_waiting("durable client")
    in_flight.open()
    await asyncio.gather(one, other)

    inbox = (await stores.worker.read_inboxes([key]))[key]
    assert [kind for _id, kind, _payload in inbox.requests] == [first, second]
    assert (await get(stores, 1)).paused == (second == "pause")


async def test_what_runs_when_it_is_paused_may_end_and_then_it_rests_at_no_cost(
    stores: PostgresUnderTest, database_url: str
) -> None:
    [id] = await start(database_url, call("held"), [{"tag": "a"}])
    worker = Worker(database_url)
    async with running(worker):
        await until(lambda: steps.begun["a"], "the step runs")
        assert await stores.client.send_request(id, "pause", {"by": "ann"}) == "running"
        await until(lambda: value(database_url, "select count(*) from durable.checkpoint"), "the worker saw the pause")
        steps.let_go("a")
        await until(lambda: value(database_url, "select owner is null from durable.execution"), "it is given up")
        row = await asyncio.to_thread(lambda: executions(database_url)[id])
        assert (row.status, row.paused, row.recoveries) == ("waiting", True, 0)
        history = await stores.client.list_checkpoints(row.key)
        assert [(one.path, one.kind) for one in history] == [("", "paused"), ("work", "completed")]
        # Nothing is left that anyone would look at again.
        left = await stores.leftovers(row.key)
        assert (left.hints, left.waits, left.requests) == (0, 0, 0)
        assert (await stores.worker.wake_due())[:2] == (0, None)

        assert await stores.client.send_request(id, "resume", {"by": "ben"}) == "waiting"
        await until(lambda: value(database_url, "select status = 'completed' from durable.execution"), "it completes")
    assert steps.begun == {"a": 1}


async def test_what_was_paused_before_it_began_begins_when_it_is_resumed(
    stores: PostgresUnderTest, database_url: str
) -> None:
    [id] = await start(database_url, call("note"), [{"tag": "z"}])
    await stores.client.send_request(id, "pause", None)
    await Worker(database_url).run(until_idle=True)
    row = (await asyncio.to_thread(lambda: executions(database_url)))[id]
    assert (row.status, row.paused) == ("waiting", True)
    assert (await stores.worker.wake_due())[:2] == (0, None)
    await stores.client.send_request(id, "resume", None)
    await Worker(database_url).run(until_idle=True)
    assert steps.begun == {"z": 1}
