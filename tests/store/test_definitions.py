"""Definitions: stored once, pinned by their version, given back to the byte."""

from __future__ import annotations

import pytest

from tests.store.building import GRAPH
from tests.store.stores import Stores


async def test_the_same_graph_is_stored_once(stores: Stores) -> None:
    first = await stores.client.save_definition("order", "v1", "1.0", GRAPH)
    again = await stores.client.save_definition("order", "v1", "1.0", GRAPH)
    assert again == first


async def test_another_version_and_another_workflow_are_stored_beside_it(stores: Stores) -> None:
    first = await stores.client.save_definition("order", "v1", None, GRAPH)
    newer = await stores.client.save_definition("order", "v2", None, b'{"steps":[1]}')
    other = await stores.client.save_definition("invoice", "v1", None, GRAPH)
    assert len({first, newer, other}) == 3


async def test_the_latest_definition_is_the_one_stored_last(stores: Stores) -> None:
    await stores.client.save_definition("order", "v2", None, b'{"steps":[1]}')
    last = await stores.client.save_definition("order", "v1", None, GRAPH)
    await stores.client.save_definition("invoice", "v9", None, b"{}")
    assert await stores.client.latest_definition("order") == (last, GRAPH)


async def test_a_workflow_that_was_never_stored_has_no_latest_definition(stores: Stores) -> None:
    assert await stores.client.latest_definition("order") is None


async def test_clients_and_workers_read_the_very_text_that_was_stored(stores: Stores) -> None:
    text = '{"z": 1e16, "a": -0.0,  "ü": "→"}'.encode()
    definition_id = await stores.client.save_definition("order", "v1", None, text)
    assert await stores.client.get_definition(definition_id) == text
    assert await stores.worker.load_graph(definition_id) == text


async def test_another_graph_under_a_known_version_is_refused(stores: Stores) -> None:
    await stores.client.save_definition("order", "v1", None, GRAPH)
    with pytest.raises(ValueError, match="two graphs of 'order' have the version v1"):
        await stores.client.save_definition("order", "v1", None, b"{}")
    assert await stores.client.latest_definition("order") == (1, GRAPH)
