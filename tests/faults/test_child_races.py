"""An execution and one that it started, both at the same moment: whoever commits second sees the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from durable_runtime.store.messages import Send
from durable_runtime.store.protocol import Commit, Outcome
from tests.faults.racing import EITHER_WAY, Gate, Observer, take_out
from tests.store.building import (
    checkpoint,
    child_of,
    claim,
    completes,
    goes_on,
    public_id,
    register,
    start,
    statuses,
    suspends,
)
from tests.store.postgres import PostgresUnderTest
from tests.store.stores import Leftovers

Gates = Callable[[str, str, str], Gate]


async def begin_family(stores: PostgresUnderTest) -> tuple[Any, int, int]:
    """A worker that holds a parent, 1, and its child, 2."""
    (parent,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    commit = goes_on(parent, checkpoint(1, "pay", "waiting"))
    commit.starts = (await child_of(stores, 2),)
    await stores.worker.commit(lease, 0, [commit])
    (child,) = await claim(stores, lease)
    return lease, parent, child.key


def ends(key: int) -> Commit:
    """The child's end, which tells the parent."""
    commit = completes(key, checkpoint(1))
    commit.sends = (Send(to=public_id(1), kind="child", payload=b'{"id": 2}'),)
    return commit


@EITHER_WAY
async def test_a_child_that_ends_while_its_parent_lies_down_wakes_it(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    lease, parent, child = await begin_family(stores)
    await stores.worker.commit(lease, 1, [ends(child)])
    if not guarded:
        take_out(stores.worker, "route", "for no key update skip locked")
        take_out(stores.worker, "route", "for update of r skip locked")
    in_flight = gate("durable lane 0", "update", "execution")

    lies_down = asyncio.create_task(stores.worker.commit(lease, 0, [suspends(parent)]))
    await in_flight.reached()
    # Its row is locked. The router passes it by, and finds it at the next look.
    routing = asyncio.create_task(stores.worker.route())
    if guarded:
        assert (await routing).requests == 0
    else:
        await observer.until_waiting("durable chores")
    in_flight.open()
    assert await lies_down == [Outcome.COMMITTED]

    if guarded:
        assert (await stores.worker.route()).claimable == (parent,)
        assert await statuses(stores, 1) == ["pending"]
        assert (await stores.leftovers(parent)).hints == 1
    else:
        # It took the parent for one that somebody owns, so nobody is told to claim it.
        assert (await routing).claimable == ()
        assert (await stores.leftovers(parent)).hints == 0


async def test_a_parent_that_lies_down_while_its_child_is_routed_is_refused(
    stores: PostgresUnderTest, gate: Gates
) -> None:
    lease, parent, child = await begin_family(stores)
    await stores.worker.commit(lease, 1, [ends(child)])
    in_flight = gate("durable chores", "update", "execution")

    routing = asyncio.create_task(stores.worker.route())
    await in_flight.reached()
    assert await stores.worker.commit(lease, 0, [suspends(parent)]) == [Outcome.BUSY]
    in_flight.open()
    assert (await routing).owned == {parent: lease.worker_id}
    assert await stores.worker.commit(lease, 0, [suspends(parent)]) == [Outcome.REFUSED]


async def test_a_parent_is_cancelled_while_its_childs_end_is_on_its_way(stores: PostgresUnderTest, gate: Gates) -> None:
    lease, parent, child = await begin_family(stores)
    in_flight = gate("durable lane 1", "insert", "request")

    end = asyncio.create_task(stores.worker.commit(lease, 1, [ends(child)]))
    await in_flight.reached()
    # The child has ended in a transaction that nobody sees yet.
    cancelled = completes(parent, checkpoint(2))
    cancelled.sends = (Send(to=None, kind="cancel", payload=b"{}"),)
    assert await stores.worker.commit(lease, 0, [cancelled]) == [Outcome.COMMITTED]
    assert (await stores.worker.route()).owned == {}
    in_flight.open()
    assert await end == [Outcome.COMMITTED]
    while (await stores.worker.route()).requests:
        pass

    # Neither hears of the other: both are over, and nothing is left.
    for key in (parent, child):
        assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)


async def test_a_childs_end_that_comes_before_the_cancel_of_its_parent_is_the_only_one(
    stores: PostgresUnderTest,
) -> None:
    lease, parent, child = await begin_family(stores)
    assert await stores.worker.commit(lease, 1, [ends(child)]) == [Outcome.COMMITTED]
    cancelled = completes(parent, checkpoint(2))
    cancelled.sends = (Send(to=None, kind="cancel", payload=b"{}"),)
    # The child's word is there, but not routed: it does not hold the parent up.
    assert await stores.worker.commit(lease, 0, [cancelled]) == [Outcome.COMMITTED]
    while (await stores.worker.route()).requests:
        pass
    for key in (parent, child):
        assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)
    assert await statuses(stores, 2) == ["completed"]
