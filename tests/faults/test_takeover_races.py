"""A takeover and a worker that is not as dead as it seemed: no zombie writes, no execution is orphaned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from durable_runtime.errors import LeaseLost
from durable_runtime.store.protocol import Commit, Lease, Outcome, StatementRefused
from durable_runtime.store.takeover import Takeover
from tests.faults.racing import EITHER_WAY, FENCE, NO_FENCE, Gate, Observer, take_out
from tests.store.building import (
    LEASE,
    checkpoint,
    claim,
    completes,
    goes_on,
    goes_on_by_two,
    ids_of,
    public_id,
    register,
    start,
    statuses,
)
from tests.store.postgres import PostgresUnderTest

Gates = Callable[[str, str, str], Gate]

WRITES = pytest.mark.parametrize(
    ("write", "statement", "status"),
    [
        (goes_on, "append_one", "pending"),
        (goes_on_by_two, "append", "pending"),
        (completes, "append_and_move", "completed"),
    ],
    ids=["going on", "going on by two", "finishing"],
)


async def owner_is_known(observer: Observer) -> bool:
    """Tells whether every running execution has a worker that somebody could find dead."""
    orphans = """
        select count(*) from durable.execution e
        where e.status = 'running' and not exists (select from durable.worker w where w.id = e.owner)
    """
    return await asyncio.to_thread(observer.value, orphans) == 0


async def worker_that_expired(stores: PostgresUnderTest, *, claims: int) -> Lease:
    """Registers a worker that claims so many, and lets its lease run out."""
    lease = await register(stores)
    assert len(await claim(stores, lease, claims) if claims else []) == claims
    await stores.let_pass(LEASE * 2)
    return lease


# -- a commit and a takeover -------------------------------------------------------------------------------------------


@EITHER_WAY
@WRITES
async def test_a_takeover_waits_for_the_commit_under_way_and_respects_it(
    stores: PostgresUnderTest,
    observer: Observer,
    gate: Gates,
    guarded: bool,
    write: Callable[..., Commit],
    statement: str,
    status: str,
) -> None:
    if not guarded:
        take_out(stores.worker, statement, "for share")
    key, _beside = await start(stores, 1, 2)
    lease = await worker_that_expired(stores, claims=2)
    in_flight = gate("durable lane 0", "insert", "checkpoint")
    commit = asyncio.create_task(stores.worker.commit(lease, 0, [write(key, checkpoint(1, result="zombie"))]))
    await in_flight.reached()
    takeover = asyncio.create_task(stores.recovery.take_over_expired())

    if guarded:
        await observer.until_waiting("durable takeover")
        in_flight.open()
        assert await commit == [Outcome.COMMITTED]
        assert await takeover == (2 if status == "pending" else 1)
        assert await statuses(stores, 1, 2) == [status, "pending"]
        assert await owner_is_known(observer)
    elif write is not completes:
        # Taken over, claimed and gone on by another, and then the dead one writes.
        assert await takeover == 2
        another = await register(stores)
        assert len(await claim(stores, another)) == 2
        assert await stores.worker.load_checkpoints([key]) == {key: []}
        in_flight.open()
        assert await commit == [Outcome.COMMITTED]
        with pytest.raises(StatementRefused):
            await stores.worker.commit(another, 1, [goes_on(key, checkpoint(1, result="owner"))])
    else:
        # The dead one ends an execution after it was declared dead.
        assert await takeover == 1
        assert not await owner_is_known(observer)
        in_flight.open()
        assert await commit == [Outcome.COMMITTED]


@EITHER_WAY
@pytest.mark.parametrize("beside", [goes_on, completes], ids=["going on", "beside one that finishes"])
async def test_a_commit_that_meets_a_takeover_under_way_learns_that_all_is_lost(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool, beside: Callable[..., Commit]
) -> None:
    if not guarded:
        take_out(stores.worker, "append" if beside is goes_on else "append_and_move", FENCE, NO_FENCE)
    keys = await start(stores, 1, 2)
    lease = await worker_that_expired(stores, claims=2)
    in_flight = gate("durable takeover", "update", "execution")
    takeover = asyncio.create_task(stores.recovery.take_over_expired())
    await in_flight.reached()

    def batch(seq: int) -> list[Commit]:
        return [goes_on(keys[0], checkpoint(seq)), beside(keys[1], checkpoint(seq))]

    commit = asyncio.create_task(stores.worker.commit(lease, 0, batch(1)))
    if guarded:
        await observer.until_waiting("durable lane 0")
        in_flight.open()
        assert await takeover == 2
        with pytest.raises(LeaseLost):
            await commit
        assert await stores.client.list_checkpoints(keys[0]) == []
        assert await statuses(stores, 2) == ["pending"]
    else:
        assert (await commit)[0] is Outcome.COMMITTED
        in_flight.open()
        assert await takeover > 0
        # It goes on writing for ever, as if nothing had happened.
        assert (await stores.worker.commit(lease, 0, batch(2)))[0] is Outcome.COMMITTED
        assert len(await stores.client.list_checkpoints(keys[0])) == 2
    assert await statuses(stores, 1) == ["pending"]


# -- a claim and a takeover --------------------------------------------------------------------------------------------


@EITHER_WAY
async def test_what_is_claimed_while_a_takeover_waits_is_put_back_too(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        # Epochs and executions in one statement, whose snapshot is older than the wait.
        raising = stores.recovery._sql["raise_epochs"].decode()
        take_out(stores.recovery, "raise_epochs", raising, "select %(dead_id)s")
        take_out(stores.recovery, "put_back", "with lost as (", f"with raised as ({raising} returning 1), lost as (")
        take_out(
            stores.recovery,
            "put_back",
            "where e.owner = %(dead_id)s",
            "where (select count(*) from raised) > 0 and e.owner = %(dead_id)s",
        )
    await start(stores, 1)
    lease = await worker_that_expired(stores, claims=0)
    in_flight = gate("durable claims", "update", "execution")
    claims = asyncio.create_task(claim(stores, lease))
    await in_flight.reached()
    takeover = asyncio.create_task(stores.recovery.take_over_expired())
    await observer.until_waiting("durable takeover")
    in_flight.open()

    assert ids_of(await claims) == [public_id(1)]
    if guarded:
        assert await takeover == 1
        assert await statuses(stores, 1) == ["pending"]
        assert await owner_is_known(observer)
    else:
        assert await takeover == 0
        assert await statuses(stores, 1) == ["running"]
        assert not await owner_is_known(observer)


@EITHER_WAY
async def test_a_stricter_isolation_as_the_databases_default_changes_nothing(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    name = observer.value("select current_database()")
    observer.execute(f"alter database {name} set default_transaction_isolation = 'repeatable read'")
    await start(stores, 1)
    lease = await worker_that_expired(stores, claims=0)
    if not guarded:
        async with stores.recovery._line.use() as connection:
            await connection.set_isolation_level(None)
    in_flight = gate("durable claims", "update", "execution")
    claims = asyncio.create_task(claim(stores, lease))
    await in_flight.reached()
    takeover = asyncio.create_task(stores.recovery.take_over_expired())
    await observer.until_waiting("durable takeover")
    in_flight.open()

    assert ids_of(await claims) == [public_id(1)]
    if guarded:
        assert await takeover == 1
        assert await statuses(stores, 1) == ["pending"]
    else:
        # All statements of the takeover have the snapshot of the first, from before the claim.
        assert await takeover == 0
        assert not await owner_is_known(observer)


@EITHER_WAY
async def test_a_claim_that_meets_a_takeover_under_way_takes_nothing(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.worker, "claim", "for share")
    await start(stores, 1)
    lease = await worker_that_expired(stores, claims=1)
    await start(stores, 2)
    in_flight = gate("durable takeover", "update", "execution")
    takeover = asyncio.create_task(stores.recovery.take_over_expired())
    await in_flight.reached()
    claims = asyncio.create_task(claim(stores, lease))

    if guarded:
        await observer.until_waiting("durable claims")
        in_flight.open()
        assert await takeover == 1
        with pytest.raises(LeaseLost):
            await claims
        assert await statuses(stores, 1, 2) == ["pending", "pending"]
    else:
        assert ids_of(await claims) == [public_id(2)]
        in_flight.open()
        assert await takeover == 1
        assert not await owner_is_known(observer)


@EITHER_WAY
@pytest.mark.parametrize("statement", ["claim", "claim_one"])
async def test_a_zombie_that_claims_after_the_takeover_claims_nothing(
    stores: PostgresUnderTest, observer: Observer, guarded: bool, statement: str
) -> None:
    if not guarded:
        take_out(stores.worker, statement, FENCE, NO_FENCE)
    await start(stores, 1)
    zombie = await worker_that_expired(stores, claims=1)
    assert await stores.recovery.take_over_expired() == 1
    only = [public_id(1)] if statement == "claim_one" else None
    stores.worker.forget_low_water()

    if guarded:
        with pytest.raises(LeaseLost):
            await stores.worker.claim(zombie, "default", 10, only=only)
        assert await statuses(stores, 1) == ["pending"]
    else:
        assert ids_of(await stores.worker.claim(zombie, "default", 10, only=only)) == [public_id(1)]
        assert not await owner_is_known(observer)


# -- two takeovers -----------------------------------------------------------------------------------------------------


@EITHER_WAY
async def test_two_takeovers_of_one_worker_pass_each_other_by(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    await start(stores, 1)
    await worker_that_expired(stores, claims=1)
    in_flight = gate("durable takeover", "update", "execution")
    first = asyncio.create_task(stores.recovery.take_over_expired())
    await in_flight.reached()
    other = Takeover(stores.url)
    if not guarded:
        take_out(other, "begin_takeover", "skip locked")
    second = asyncio.create_task(other.take_over_expired())

    if guarded:
        assert await second == 0
        in_flight.open()
    else:
        # After its patience it would end the first one, taking it for a frozen client.
        await observer.until_waiting("durable takeover")
        in_flight.open()
        assert await second == 0
    assert await first == 1
    await other.close()


@EITHER_WAY
async def test_a_heartbeat_cannot_revive_a_worker_that_is_being_taken_over(
    stores: PostgresUnderTest, observer: Observer, gate: Gates, guarded: bool
) -> None:
    if not guarded:
        take_out(stores.recovery, "begin_takeover", "for update skip locked")
    await start(stores, 1)
    zombie = await worker_that_expired(stores, claims=1)
    in_flight = gate("durable takeover", "update", "execution")
    takeover = asyncio.create_task(stores.recovery.take_over_expired())
    await in_flight.reached()
    beat = asyncio.create_task(stores.heartbeat(zombie, LEASE))

    if guarded:
        await observer.until_waiting("durable test")
        in_flight.open()
        assert await takeover == 1
        assert not await beat
    else:
        # It believes that it lives, and has lost everything.
        assert await beat
        in_flight.open()
        assert await takeover == 1
