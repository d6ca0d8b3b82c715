"""Statements about many at once: requests to all of them, a family, the latest definitions."""

from __future__ import annotations

from tests.store.building import (
    child_of,
    claim,
    completes,
    get,
    goes_on,
    public_id,
    register,
    save_definition,
    start,
    statuses,
    suspends,
)
from tests.store.stores import Leftovers, Stores


async def test_each_that_is_open_gets_the_request_and_those_that_are_over_get_none(stores: Stores) -> None:
    running, waiting, over = await start(stores, 1, 2, 3)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [suspends(waiting), completes(over)])
    (pending,) = await start(stores, 4)
    ids = [public_id(number) for number in (4, 3, 2, 1, 9)]
    assert await stores.client.send_requests(ids, "pause", {"by": "ann"}) == 3
    assert await statuses(stores, 1, 2, 3, 4) == ["running", "pending", "completed", "pending"]
    assert [(await get(stores, number)).paused for number in (1, 2, 3, 4)] == [True, True, False, True]
    inboxes = await stores.worker.read_inboxes([running, waiting, pending])
    for inbox in inboxes.values():
        assert inbox.signal == 1
        assert [(kind, payload) for _id, kind, payload in inbox.requests] == [("pause", {"by": "ann"})]
    # Who runs is told by the signal; who waited can be claimed; who could be claimed already still can, once.
    assert [(await stores.leftovers(key)).hints for key in (running, waiting)] == [0, 1]
    assert await stores.leftovers(over) == Leftovers(hints=0, waits=0, requests=0)
    assert sorted(one.id for one in await claim(stores, lease)) == [public_id(2), public_id(4)]


async def test_a_resume_and_a_cancel_of_many_end_the_pause(stores: Stores) -> None:
    await start(stores, 1, 2)
    ids = [public_id(1), public_id(2)]
    await stores.client.send_requests(ids, "pause", None)
    assert await stores.client.send_requests(ids[:1], "resume", None) == 1
    assert await stores.client.send_requests(ids[1:], "cancel", {"reason": "enough"}) == 1
    assert [(await get(stores, number)).paused for number in (1, 2)] == [False, False]


async def test_requests_to_nobody_are_none(stores: Stores) -> None:
    assert await stores.client.send_requests([], "pause", None) == 0


async def test_a_family_is_the_same_from_each_of_its_members_in_the_order_of_their_starts(stores: Stores) -> None:
    first, _stranger = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    commit = goes_on(first)
    commit.starts = (await child_of(stores, 11), await child_of(stores, 12, path="send", attached=False, awaited=False))
    await stores.worker.commit(lease, 0, [commit])
    await claim(stores, lease)
    child = await get(stores, 11)
    commit = goes_on(child.key)
    commit.starts = (await child_of(stores, 111),)
    await stores.worker.commit(lease, 0, [commit])
    ids = [public_id(number) for number in (1, 11, 12, 111)]
    for number in (1, 11, 12, 111):
        family = await stores.client.family((await get(stores, number)).key)
        assert [one.id for one in family] == ids
        assert [one.depth for one in family] == [0, 1, 1, 2]
        assert [one.parent_id for one in family] == [None, public_id(1), public_id(1), public_id(11)]
        assert [one.attached for one in family[1:]] == [True, False, True]
    assert [one.id for one in await stores.client.family(first, 2)] == ids[:2]
    assert [one.id for one in await stores.client.family((await get(stores, 2)).key)] == [public_id(2)]


async def test_the_latest_definition_is_the_one_that_was_stored_last(stores: Stores) -> None:
    await save_definition(stores, "order")
    newer = await stores.client.save_definition("order", "v2", None, b"{}")
    payment = await save_definition(stores, "payment")
    found = await stores.worker.latest_definitions(["order", "payment", "nowhere"])
    assert found == {"order": newer, "payment": payment}
    assert await stores.worker.latest_definitions([]) == {}
