"""An execution that begins with the history of another."""

from __future__ import annotations

from typing import Any

import pytest

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue
from durable_runtime.store.protocol import NewExecution, StatementRefused
from tests.store.building import (
    AT,
    checkpoint,
    claim,
    completes,
    get,
    goes_on,
    public_id,
    register,
    save_definition,
    start,
)
from tests.store.stores import Leftovers, Stores

FORKED = {"source": public_id(1), "node": "ship", "without": [2]}
HISTORY = [
    checkpoint(1, "price", result={"z": 1.0, "a": [None]}),
    checkpoint(2, "charge", "retrying", error=ErrorValue(type="Declined", message="no", node="charge")),
    checkpoint(3, "charge", result="paid"),
    checkpoint(4, "ship", result="sent"),
]


async def source(stores: Stores) -> int:
    """An execution that has run to its end."""
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(key, *HISTORY[:3])])
    await stores.worker.commit(lease, 0, [completes(key, HISTORY[3])])
    return key


async def fork(stores: Stores, of: int, number: int, *, upto: int = 3, **more: Any) -> None:
    new = NewExecution(
        public_id=public_id(number),
        definition_id=await save_definition(stores),
        workflow="order",
        input=b'{"n": 2}',
        **more,
    )
    forked = Checkpoint(seq=upto + 1, path="", kind="forked", result=FORKED, finished_at=AT)
    await stores.client.fork_execution(of, new, upto, forked)


async def test_it_has_the_first_checkpoints_as_they_are_and_one_that_says_where_they_come_from(stores: Stores) -> None:
    key = await source(stores)
    await fork(stores, key, 2)
    row = await get(stores, 2)
    *copied, last = await stores.client.list_checkpoints(row.key)
    assert copied == (await stores.client.list_checkpoints(key))[:3]
    assert (last.seq, last.path, last.kind, last.attempt) == (4, "", "forked", 1)
    assert (last.result, last.finished_at) == (FORKED, AT)


async def test_the_other_one_stays_as_it_was(stores: Stores) -> None:
    key = await source(stores)
    before = await get(stores, 1), await stores.client.list_checkpoints(key)
    await fork(stores, key, 2)
    assert (await get(stores, 1), await stores.client.list_checkpoints(key)) == before
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)


async def test_it_is_claimed_with_what_it_begins_with_and_goes_on_behind_it(stores: Stores) -> None:
    await fork(stores, await source(stores), 2, headers=b'{"tenant":"a"}')
    row = await get(stores, 2)
    assert (row.status, row.input, row.headers, row.started_at is None) == ("pending", {"n": 2}, {"tenant": "a"}, False)
    lease = await register(stores)
    (claimed,) = await claim(stores, lease)
    assert (claimed.id, claimed.fresh, claimed.signal, claimed.recoveries) == (public_id(2), False, 0, 0)
    loaded = (await stores.worker.load_checkpoints([claimed.key]))[claimed.key]
    assert [one.kind for one in loaded] == ["completed", "retrying", "completed", "forked"]
    await stores.worker.commit(lease, 0, [completes(claimed.key, checkpoint(5, "ship"))])
    assert (await get(stores, 2)).status == "completed"


async def test_one_from_before_the_first_checkpoint_has_none_of_them(stores: Stores) -> None:
    await fork(stores, await source(stores), 2, upto=0)
    kinds = [one.kind for one in await stores.client.list_checkpoints((await get(stores, 2)).key)]
    assert kinds == ["forked"]


async def test_it_waits_in_its_own_queue_by_its_own_priority(stores: Stores) -> None:
    key = await source(stores)
    await fork(stores, key, 2, queue="slow")
    await fork(stores, key, 3)
    await fork(stores, key, 4, priority=5)
    lease = await register(stores)
    stores.worker.forget_low_water()  # someone told the worker that there is something new
    assert [one.id for one in await claim(stores, lease)] == [public_id(4), public_id(3)]
    assert [one.id for one in await stores.worker.claim(lease, "slow", 10)] == [public_id(2)]


async def test_an_id_or_a_key_that_is_taken_is_refused_and_nothing_is_stored(stores: Stores) -> None:
    key = await source(stores)
    await fork(stores, key, 2, key="order-17")
    with pytest.raises(StatementRefused):
        await fork(stores, key, 2)
    with pytest.raises(StatementRefused):
        await fork(stores, key, 3, key="order-17")
    assert await stores.client.find_execution(public_id(3)) is None
    assert len(await stores.client.list_checkpoints((await get(stores, 2)).key)) == 4
