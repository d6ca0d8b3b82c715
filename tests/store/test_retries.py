"""A failed execution that is opened again."""

from __future__ import annotations

from durable_runtime.store.protocol import Commit, End
from tests.store.building import AT, checkpoint, claim, get, ids_of, public_id, register, start
from tests.store.stores import Leftovers, Stores


async def fail(stores: Stores) -> int:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    move = End(status="failed", at=AT, error=b'{"type":"Oops"}')
    await stores.worker.commit(lease, 0, [Commit(key=key, seen=0, checkpoints=[checkpoint(1)], move=move)])
    return key


async def test_it_can_be_claimed_with_its_history_and_the_request(stores: Stores) -> None:
    key = await fail(stores)
    assert await stores.client.retry(public_id(1), {"by": "ann"}) == "failed"
    row = await get(stores, 1)
    assert (row.status, row.error, row.finished_at) == ("pending", None, None)
    lease = await register(stores)
    (claimed,) = await claim(stores, lease)
    assert (claimed.signal, claimed.fresh) == (1, False)
    inbox = (await stores.worker.read_inboxes([key]))[key]
    assert [(kind, payload) for _id, kind, payload in inbox.requests] == [("retry", {"by": "ann"})]
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=1)


async def test_only_what_has_failed_is_opened(stores: Stores) -> None:
    await start(stores, 1)
    assert await stores.client.retry(public_id(1), {}) == "pending"
    assert await stores.client.retry(public_id(2), {}) is None
    assert await stores.client.retry("nonsense", {}) is None
    lease = await register(stores)
    assert ids_of(await claim(stores, lease)) == [public_id(1)]
    assert await stores.client.retry(public_id(1), {}) == "running"
    assert (await get(stores, 1)).status == "running"
