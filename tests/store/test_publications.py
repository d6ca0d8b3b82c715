"""What executions publish: stored with the checkpoint that says so, the newest of a name counting."""

from __future__ import annotations

import json

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.store.protocol import Commit, NewExecution, Outcome
from durable_runtime.store.streams import StreamItem, Written
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


def written(number: int, value: Json, name: str = "out", attempt: int = 1, since: int = 0) -> Written:
    """What an attempt writes into a stream."""
    text = json.dumps(value).encode()
    return Written(name=name, path="show", since=since, attempt=attempt, again=0, number=number, value=text, at=AT)


def writes(commit: Commit, *items: Written) -> Commit:
    """The commit with these for streams."""
    commit.writes = items
    return commit


async def read(stores: Stores, number: int, name: str = "out", after: int = 0, limit: int = 100) -> list[StreamItem]:
    answer = await stores.client.read_stream(public_id(number), name, after, limit)
    assert answer is not None
    return answer[1]


async def test_a_stream_is_read_in_the_order_in_which_it_was_written(stores: Stores) -> None:
    lease, (one, other) = await begin(stores, 1, 2)
    batch = [
        writes(goes_on(one.key), written(1, "a"), written(1, "x", "more"), written(2, None)),
        writes(goes_on(other.key), written(1, "other")),
    ]
    assert await stores.worker.commit(lease, 0, batch) == [Outcome.COMMITTED] * 2
    await stores.worker.commit(lease, 0, [writes(completes(one.key, checkpoint(1)), written(3, [3]))])
    items = await read(stores, 1)
    assert [(each.value, each.path, each.attempt, each.at) for each in items] == [
        (value, "show", 1, AT) for value in ("a", None, [3])
    ]
    assert [each.value for each in await read(stores, 1, after=items[0].id, limit=1)] == [None]
    assert [each.value for each in await read(stores, 2)] == ["other"]
    assert await stores.client.read_stream(public_id(1), "nothing", 0, 10) == ("completed", [])
    assert await stores.client.read_stream(public_id(99), "out", 0, 10) is None


async def test_what_stands_at_a_position_stays(stores: Stores) -> None:
    lease, (one,) = await begin(stores, 1)
    for items in (
        [written(1, "a"), written(2, "b")],
        [written(1, "again"), written(2, "again"), written(3, "c")],
        [written(1, "second", attempt=2), written(1, "retried", since=7)],
    ):
        await stores.worker.commit(lease, 0, [writes(goes_on(one.key), *items)])
    assert [each.value for each in await read(stores, 1)] == ["a", "b", "c", "second", "retried"]


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
