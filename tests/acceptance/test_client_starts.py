"""Starting executions: what is stored, what is refused, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durable_dsl import DslError, Graph
from durable_runtime import AsyncDurable, InvalidInput, InvalidOption, UnknownWorkflow
from durable_runtime.client import session
from durable_runtime.client.insertion import Insertion
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import NewExecution, NoAnswer
from tests.acceptance.clients import GREET, REST, graph, query, run


def test_a_start_stores_the_execution_pinned_to_its_definition(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            execution = await durable.get_execution(id)

            assert UUID(execution.id).version == 7
            assert execution.workflow == "greet"
            assert execution.version == GREET.version
            assert execution.label == "4"
            assert execution.status == "pending"
            assert execution.queue == "mails"
            assert execution.priority == 7
            assert execution.input == {"name": "Ada", "mark": "!"}
            assert (execution.output, execution.error, execution.started_at) == (None, None, None)
            assert await durable.get_graph(id) == GREET

    run(story())


def test_queue_priority_and_id_can_be_given(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(
                GREET, {"name": "Ada"}, queue="slow", priority=-3, id="0198C1A2-7D3E-7B11-9F00-3A5E8C2D4B6F"
            )
            execution = await durable.get_execution(id)

            assert (execution.queue, execution.priority) == ("slow", -3)
            assert execution.id == id == "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"

    run(story())


def test_an_id_is_used_once(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            with pytest.raises(InvalidOption, match=f"there is an execution with the id {id} already"):
                await durable.start(GREET, {"name": "Bob"}, id=id)

            assert (await durable.get_execution(id)).input["name"] == "Ada"

    run(story())


def test_a_file_starts_its_first_workflow_or_the_one_asked_for(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "flows.yaml"
    path.write_text(
        "workflow: one\nsteps: [{step: a, set: {n: 1}}]\n---\nworkflow: two\nsteps: [{step: a, set: {n: 2}}]\n"
    )

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            first = await durable.start(path)
            second = await durable.start(str(path), workflow="two")

            assert (await durable.get_execution(first)).workflow == "one"
            assert (await durable.get_execution(second)).workflow == "two"

    run(story())


def test_a_name_starts_the_latest_stored_definition(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    newer = graph("workflow: greet\ninput: {required: [who]}\nsteps: [{step: a, set: {n: 2}}]")

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start(GREET, {"name": "Ada"})
            await durable.start(newer, {"who": "Ada"})
        async with AsyncDurable(database_url) as another:
            id = await another.start("greet", {"who": "Bob"})
            assert (await another.get_execution(id)).version == newer.version
            with pytest.raises(InvalidInput, match=r"input\.who is required"):
                await another.start("greet", {"name": "Bob"})

    run(story())


def test_a_name_that_was_never_started_says_what_was_tried(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            with pytest.raises(UnknownWorkflow) as raised:
                await durable.start("greet")

            assert str(raised.value) == (
                f"there is no workflow 'greet': no file {tmp_path}/greet, and none of this name was ever started in "
                "this database; start it from its YAML file or module"
            )

    run(story())


def test_nothing_is_stored_of_a_start_that_is_refused(database_url: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("workflow: bad\nsteps: [{step: a, sett: {}}]\n")
    refused: list[tuple[type[Exception], Callable[[AsyncDurable], Awaitable[Any]]]] = [
        (DslError, lambda durable: durable.start(bad)),
        (UnknownWorkflow, lambda durable: durable.start(tmp_path / "none.yaml")),
        (InvalidInput, lambda durable: durable.start(GREET, {"name": 5})),
        (InvalidInput, lambda durable: durable.start(GREET, {"name": float("nan")})),
        (InvalidInput, lambda durable: durable.start(GREET, ["Ada"])),
        (InvalidOption, lambda durable: durable.start(GREET, {"name": "Ada"}, id="42")),
        (InvalidOption, lambda durable: durable.start(GREET, {"name": "Ada"}, queue="two words")),
        (InvalidOption, lambda durable: durable.start(GREET, {"name": "Ada"}, priority=2**40)),
        (InvalidOption, lambda durable: durable.start(GREET, {"name": "Ada"}, scheduled_at=timedelta.max)),
        (InvalidInput, lambda durable: durable.start_many(GREET, [{"name": "Ada"}, {}])),
    ]

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            for error, start in refused:
                with pytest.raises(error):
                    await start(durable)

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 0
    assert query(database_url, "select count(*) from durable.ready") == 0


def test_many_are_started_in_the_order_of_their_inputs(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ids = await durable.start_many(GREET, ({"name": f"n{number}"} for number in range(300)), queue="bulk")

            assert len(set(ids)) == 300
            assert (await durable.get_execution(ids[0])).input["name"] == "n0"
            last = await durable.get_execution(ids[299])
            assert (last.input["name"], last.queue) == ("n299", "bulk")
            assert await durable.start_many(GREET, []) == []

    run(story())
    assert query(database_url, "select count(*) from durable.ready where queue = 'bulk'") == 300


def test_many_with_a_bad_input_are_told_which_one_it_is(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            with pytest.raises(InvalidInput) as raised:
                await durable.start_many(GREET, [{"name": "Ada"}, {}, {"name": 1}])

            assert raised.value.problems == (
                "inputs[1]: input.name is required",
                "inputs[2]: input.name must be a text; it is 1",
            )

    run(story())


def test_a_span_is_counted_from_now_on_the_databases_clock(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            before = query(database_url, "select now()")
            id = await durable.start(GREET, {"name": "Ada"}, scheduled_at=timedelta(hours=1))
            after = query(database_url, "select now()")
            scheduled_at = (await durable.get_execution(id)).scheduled_at

            assert scheduled_at is not None
            assert before + timedelta(hours=1) <= scheduled_at <= after + timedelta(hours=1)

    run(story())
    assert query(database_url, "select count(*) from durable.ready") == 0
    assert query(database_url, "select count(*) from durable.wait where kind = 'start'") == 1


def test_an_instant_in_the_past_means_now(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start(GREET, {"name": "Ada"}, scheduled_at=datetime(2020, 1, 1, tzinfo=UTC))

    run(story())
    assert query(database_url, "select count(*) from durable.ready") == 1


def test_once_the_definition_is_stored_a_start_is_one_statement(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run_statement = PostgresClientStore._run

    async def noted(store: PostgresClientStore, name: str, parameters: Mapping[str, Any]) -> Any:
        asked.append(name)
        return await run_statement(store, name, parameters)

    monkeypatch.setattr(PostgresClientStore, "_run", noted)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start(GREET, {"name": "Ada"})
            asked.clear()
            for _ in range(20):
                await durable.start(GREET, {"name": "Ada"})

    run(story())
    hints = asked.count("tell")
    assert asked.count("insert_executions") == 20 == len(asked) - hints


def test_workers_are_told_at_once_and_of_the_rest_before_the_client_leaves(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "HINT_INTERVAL", 3600.0)

    async def story() -> list[str]:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
            await listener.execute("listen durable_ready")
            async with AsyncDurable(database_url) as durable:
                await asyncio.gather(*(durable.start(GREET, {"name": "Ada"}) for _ in range(50)))
            # What comes before this one is all that was said.
            await listener.execute("select pg_notify('durable_ready', 'end')")
            heard = []
            async for notice in listener.notifies(timeout=30):
                if notice.payload == "end":
                    break
                heard.append(notice.payload)
            return heard

    assert run(story()) == ["mails", "mails"]


class AnswerLost:
    """A store on which the first insertion is committed and its answer lost."""

    def __init__(self, store: PostgresClientStore) -> None:
        self._store = store
        self._lost = False

    async def insert_executions(self, executions: Sequence[NewExecution], *, reject: bool = False) -> list[str]:
        started = await self._store.insert_executions(executions, reject=reject)
        if not self._lost:
            self._lost = True
            raise NoAnswer("the connection is gone")
        return started

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_start_whose_answer_was_lost_is_not_doubled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stores: list[Any] = []
    insert = Insertion.__call__

    async def over_a_bad_line(insertion: Insertion, store: PostgresClientStore) -> list[str]:
        if not stores:
            stores.append(AnswerLost(store))
        return await insert(insertion, stores[0])

    monkeypatch.setattr(Insertion, "__call__", over_a_bad_line)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})

            assert [execution.id for execution in await durable.list_executions()] == [id]

    run(story())


def test_two_clients_store_a_definition_once(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as one, AsyncDurable(database_url) as two:
            await asyncio.gather(*(durable.start(REST) for durable in (one, two) * 5))

    run(story())
    assert query(database_url, "select count(*) from durable.definition") == 1
    assert query(database_url, "select count(*) from durable.execution") == 10


def test_each_schema_is_a_world_of_its_own(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as plain, AsyncDurable(database_url, schema="other") as other:
            await plain.start(GREET, {"name": "Ada"})

            assert await other.list_executions() == []
            assert len(await plain.list_executions()) == 1

    run(story())


def test_a_graph_read_back_is_the_graph_that_was_stored(database_url: str) -> None:
    deep: Graph = graph(
        "workflow: deep\nsteps:\n"
        "  - parallel: p\n    branches:\n"
        "      b: [{foreach: f, in: input.items, steps: [{step: s, call: m.f, retry: 3}]}]\n"
    )

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            assert await durable.get_graph(await durable.start(deep, {"items": []})) == deep

    run(story())
