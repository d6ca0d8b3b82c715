"""Keys: one execution of a workflow for each, whoever starts it and however often."""

from __future__ import annotations

import pytest

from durable_runtime.store.protocol import KeyTaken, NewExecution
from tests.store.building import claim, get, ids_of, public_id, register, save_definition
from tests.store.stores import Stores


async def insert(stores: Stores, *executions: NewExecution, reject: bool = False) -> list[str]:
    return await stores.client.insert_executions(executions, reject=reject)


async def new(stores: Stores, number: int, key: str | None, workflow: str = "order") -> NewExecution:
    definition_id = await save_definition(stores, workflow)
    return NewExecution(
        public_id=public_id(number), definition_id=definition_id, workflow=workflow, input=b"{}", key=key
    )


async def test_a_key_is_taken_once_and_every_start_gives_whose_it_is(stores: Stores) -> None:
    assert await insert(stores, await new(stores, 1, "order-17")) == [public_id(1)]
    assert await insert(stores, await new(stores, 2, "order-17")) == [public_id(1)]
    assert await stores.client.find_execution(public_id(2)) is None
    assert (await get(stores, 1)).user_key == "order-17"
    assert ids_of(await claim(stores, await register(stores))) == [public_id(1)]


async def test_another_workflow_may_have_the_same_key(stores: Stores) -> None:
    await insert(stores, await new(stores, 1, "17"))
    assert await insert(stores, await new(stores, 2, "17", "invoice")) == [public_id(2)]


async def test_those_without_a_key_and_with_a_free_one_start_beside_one_whose_key_is_taken(stores: Stores) -> None:
    await insert(stores, await new(stores, 1, "a"))
    several = [await new(stores, 2, None), await new(stores, 3, "a"), await new(stores, 4, "b")]
    assert await insert(stores, *several) == [public_id(2), public_id(1), public_id(4)]


async def test_a_start_that_rejects_starts_nothing_when_a_key_is_taken(stores: Stores) -> None:
    await insert(stores, await new(stores, 1, "a"))
    with pytest.raises(KeyTaken) as raised:
        await insert(stores, await new(stores, 2, "b"), await new(stores, 3, "a"), reject=True)
    assert (raised.value.keys, raised.value.ids) == (["a"], [public_id(1)])
    assert await stores.client.find_execution(public_id(2)) is None
    assert await insert(stores, await new(stores, 4, "b"), reject=True) == [public_id(4)]


async def test_the_same_start_sent_again_is_no_conflict(stores: Stores) -> None:
    await insert(stores, await new(stores, 1, "a"), reject=True)
    assert await insert(stores, await new(stores, 1, "a")) == [public_id(1)]


async def test_headers_are_stored_with_the_execution(stores: Stores) -> None:
    definition_id = await save_definition(stores)
    plain = NewExecution(public_id=public_id(1), definition_id=definition_id, workflow="order", input=b"{}")
    traced = NewExecution(
        public_id=public_id(2), definition_id=definition_id, workflow="order", input=b"{}", headers=b'{"tenant":"a"}'
    )
    await insert(stores, plain, traced)
    assert (await get(stores, 1)).headers == {}
    assert (await get(stores, 2)).headers == {"tenant": "a"}
