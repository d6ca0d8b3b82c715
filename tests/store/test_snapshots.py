"""Snapshots: written with the commit that they are part of, and read instead of what they stand for."""

from __future__ import annotations

from durable_runtime.core.checkpoints import Snapshot
from durable_runtime.store.histories import History, SnapshotChange
from durable_runtime.store.protocol import Commit, End, Outcome
from tests.store.building import AT, checkpoint, claim, completes, goes_on, public_id, register, start, suspends
from tests.store.stores import Stores

STATE = b'{"root":{"b":1e16,"a":-0.0}}'


def snapshot(seq: int) -> Snapshot:
    return Snapshot(seq, "1-abc", "v1", STATE)


def taking(commit: Commit, seq: int) -> Commit:
    """The same commit, with a snapshot in the place of all before it."""
    commit.snapshots = SnapshotChange(snapshot=snapshot(seq))
    return commit


async def test_a_history_is_the_newest_snapshot_and_what_came_after_it(stores: Stores) -> None:
    first, second, none = await start(stores, 1, 2, 3)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(first, checkpoint(1), checkpoint(2)), goes_on(second, checkpoint(1))])
    assert await stores.worker.load_histories([first, second, none]) == {
        first: History(None, [checkpoint(1), checkpoint(2)]),
        second: History(None, [checkpoint(1)]),
        none: History(None, []),
    }
    await stores.worker.commit(lease, 0, [taking(goes_on(first, checkpoint(3)), 3)])
    await stores.worker.commit(lease, 0, [goes_on(first, checkpoint(4)), goes_on(second, checkpoint(2))])
    assert await stores.worker.load_histories([first, second]) == {
        first: History(snapshot(3), [checkpoint(4)]),
        second: History(None, [checkpoint(1), checkpoint(2)]),
    }
    await stores.worker.commit(lease, 0, [taking(goes_on(first, checkpoint(5)), 5)])
    assert await stores.worker.load_histories([first]) == {first: History(snapshot(5), [])}
    assert len((await stores.worker.load_checkpoints([first]))[first]) == 5


async def test_a_commit_that_is_refused_leaves_no_snapshot(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    refused = taking(suspends(key, checkpoint(1), seen=7), 1)
    assert await stores.worker.commit(lease, 0, [refused]) == [Outcome.REFUSED]
    assert await stores.worker.load_histories([key]) == {key: History(None, [])}


async def test_what_has_ended_needs_no_snapshot(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [taking(goes_on(key, checkpoint(1)), 1)])
    end = completes(key, checkpoint(2))
    end.snapshots = SnapshotChange()
    assert await stores.worker.commit(lease, 0, [end]) == [Outcome.COMMITTED]
    assert await stores.worker.load_histories([key]) == {key: History(None, [checkpoint(1), checkpoint(2)])}


async def test_what_is_retried_goes_back_to_before_its_snapshot(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [taking(goes_on(key, checkpoint(1)), 1)])
    failed = Commit(key=key, seen=0, checkpoints=[checkpoint(2)], move=End(status="failed", at=AT))
    await stores.worker.commit(lease, 0, [failed])
    assert await stores.client.retry(public_id(1), {"reason": None}) == "failed"
    assert await stores.worker.load_histories([key]) == {key: History(None, [checkpoint(1), checkpoint(2)])}
