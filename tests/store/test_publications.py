"""What executions publish: stored with the checkpoint that says so, the newest of a name counting."""

from __future__ import annotations

import json

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.store.protocol import NewExecution, Outcome
from tests.store.building import AT, checkpoint, completes, get, goes_on, public_id, register, save_definition
from tests.store.stores import Stores
from tests.store.test_messages import begin


def shows(seq: int, **values: Json) -> Checkpoint:
    """A checkpoint of a step that publishes."""
    return msgspec.structs.replace(checkpoint(seq, "show"), published=values)


async def found(stores: Stores, number: int, name: str) -> tuple[str, Json]:
    """The status, and the value or `nothing`."""
    answer = await stores.client.find_value(public_id(number), name)
    assert answer is not None
    return answer[0], "nothing" if answer[1] is None else json.loads(answer[1])


async def test_the_newest_value_of_each_name_counts(stores: Stores) -> None:
    lease, (one, other) = await begin(stores, 1, 2)
    batch = [goes_on(one.key, shows(1, a=1, b=[1]), shows(2, a=2)), goes_on(other.key, shows(1, a="other"))]
    assert await stores.worker.commit(lease, 0, batch) == [Outcome.COMMITTED] * 2
    assert await found(stores, 1, "a") == ("running", 2)
    assert await found(stores, 1, "c") == ("running", "nothing")
    await stores.worker.commit(lease, 0, [completes(one.key, shows(3, b=None))])
    assert await found(stores, 1, "b") == ("completed", None)
    values = await stores.client.list_values(one.key)
    assert [(each.name, each.value, each.path, each.at) for each in values] == [
        ("a", 2, "show", AT),
        ("b", None, "show", AT),
    ]
    assert await found(stores, 2, "a") == ("running", "other")
    assert await stores.client.find_value(public_id(99), "a") is None


async def test_what_is_refused_publishes_nothing(stores: Stores) -> None:
    lease, (one,) = await begin(stores, 1)
    await stores.client.send_request(public_id(1), "cancel", None)
    assert await stores.worker.commit(lease, 0, [completes(one.key, shows(1, a=1))]) == [Outcome.REFUSED]
    assert await stores.client.list_values(one.key) == []


async def test_a_fork_has_what_was_published_before(stores: Stores) -> None:
    lease, (one,) = await begin(stores, 1)
    await stores.worker.commit(lease, 0, [goes_on(one.key, shows(1, a=1), shows(2, a=2, b=2), shows(3, a=3))])
    new = NewExecution(
        public_id=public_id(2), definition_id=await save_definition(stores), workflow="order", input=b"{}"
    )
    await stores.client.fork_execution(one.key, new, 2, checkpoint(3, "", "forked"))
    key = (await get(stores, 2)).key
    assert [(each.name, each.value) for each in await stores.client.list_values(key)] == [("a", 2), ("b", 2)]
    assert await register(stores) is not None
