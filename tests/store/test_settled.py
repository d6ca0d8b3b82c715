"""What of the events of a key can never come again, so that nobody has to know their ids any more."""

from __future__ import annotations

from durable_runtime.core.checkpoints import Json
from durable_runtime.store.messages import Sought
from tests.store.building import start
from tests.store.stores import Stores


async def emit(stores: Stores, number: int, key: str = "a") -> None:
    await stores.client.emit_event("paid", key, str(number).encode(), f"00000000-0000-7000-8000-{number:012}")


async def look(stores: Stores, sought: Sought) -> list[Json]:
    return (await stores.worker.find_events([sought])).get(sought.execution, [])


async def test_what_a_look_has_given_is_settled_and_is_not_found_again(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    for number in (1, 2, 3):
        await emit(stores, number)
    await emit(stores, 4, "b")
    found = await look(stores, Sought(execution=key, name="paid", key="a"))
    (other,) = await look(stores, Sought(execution=key, name="paid", key="b"))
    ids = tuple(event["event"] for event in found)
    known = Sought(execution=key, name="paid", key="a", known=(*ids, other["event"]))
    settled = await stores.worker.settle_events(known)
    assert (settled["name"], settled["key"], settled["upto"]) == ("paid", "a", ids[-1])
    # That of the other key is still known: nobody has looked for all of these.
    assert tuple(settled["gone"]) == ids
    assert all(event["xid"] < settled["before"] for event in found)
    after = Sought(execution=key, name="paid", key="a", before=settled["before"], upto=settled["upto"])
    assert await look(stores, after) == []
    await emit(stores, 5)
    assert [event["payload"] for event in await look(stores, after)] == [5]


async def test_neither_the_transaction_nor_the_id_alone_settles_an_event(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    await emit(stores, 1)
    (event,) = await look(stores, Sought(execution=key, name="paid", key="a"))
    before, upto = event["xid"] + 1, event["event"]
    for only in ({"before": before, "upto": upto - 1}, {"before": before - 1, "upto": upto}):
        assert len(await look(stores, Sought(execution=key, name="paid", key="a", **only))) == 1
    assert await look(stores, Sought(execution=key, name="paid", key="a", before=before, upto=upto)) == []


async def test_a_database_that_counts_transactions_anew_settles_nothing(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    await emit(stores, 1)
    (event,) = await look(stores, Sought(execution=key, name="paid", key="a"))
    known = Sought(execution=key, name="paid", key="a", known=(event["event"],), before=2**60, upto=1)
    assert (await stores.worker.settle_events(known))["gone"] == []


async def test_an_event_that_is_not_kept_any_more_need_not_be_known(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    known = Sought(execution=key, name="paid", key="a", known=(12345,))
    assert (await stores.worker.settle_events(known))["gone"] == [12345]
