"""What a start may be given beside its input: a key, headers, the caller's own transaction."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from durable_runtime import AsyncDurable, Durable, InvalidOption, KeyConflict, SchemaMismatch
from tests.acceptance.clients import GREET, query, run, work
from tests.faults.racing import Gate, Observer

ADA = {"name": "Ada"}


def test_of_many_starts_with_a_key_one_starts(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ids = await asyncio.gather(*(durable.start(GREET, ADA, key="order 17") for _ in range(10)))
            assert len(set(ids)) == 1
            assert await durable.start(GREET, {"name": "Eve"}, key="order 17") == ids[0]
            await work(durable)
            assert await durable.start(GREET, ADA, key="order 17") == ids[0]
            found = await durable.get_execution(ids[0])
            assert (found.key, found.input["name"]) == ("order 17", "Ada")
            assert found.to_json()["key"] == "order 17"
            assert await durable.start(GREET, ADA, key="order 18") != ids[0]

    run(story())
    assert query(database_url, "select count(*) from durable.execution") == 2


def test_a_start_that_rejects_names_who_has_the_key(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            first = await durable.start(GREET, ADA, key="17", on_conflict="reject")
            with pytest.raises(KeyConflict, match=f"the key '17' is that of the execution {first}") as raised:
                await durable.start(GREET, ADA, key="17", on_conflict="reject")
            assert raised.value.ids == (first,)

    run(story())
    assert query(database_url, "select count(*) from durable.ready") == 1


def test_a_start_waits_for_another_that_has_just_taken_its_key(database_url: str) -> None:
    async def story(observer: Observer, gate: Gate) -> list[str]:
        async with AsyncDurable(database_url) as durable:
            starts = [asyncio.create_task(durable.start(GREET, ADA, key="17")) for _ in range(2)]
            await gate.reached()
            await observer.until_waiting("durable client")
            gate.open()
            return await asyncio.gather(*starts)

    Durable(database_url).migrate()
    with Observer(database_url) as observer, Gate(database_url, observer, "durable client", "insert", "ready") as gate:
        first, second = run(story(observer, gate))
    assert first == second


@pytest.mark.parametrize("key", ["", "x" * 501, "a\x00b", "\ud800", 17])
def test_what_cannot_be_a_key_is_refused(database_url: str, key: Any) -> None:
    with Durable(database_url) as durable, pytest.raises(InvalidOption, match="a key is a text of 1 to 500"):
        durable.start(GREET, ADA, key=key)


@pytest.mark.parametrize(
    "headers", [{"a": 1}, {1: "a"}, {"": "a"}, {"a": "\x00"}, {"a": "x" * 9000}], ids=lambda value: repr(value)[:20]
)
def test_what_cannot_be_headers_is_refused(database_url: str, headers: Any) -> None:
    with Durable(database_url) as durable, pytest.raises(InvalidOption, match="headers"):
        durable.start(GREET, ADA, headers=headers)


def test_a_choice_that_there_is_not_is_refused(database_url: str) -> None:
    with Durable(database_url) as durable, pytest.raises(InvalidOption, match="'return' or 'reject', not 'ignore'"):
        durable.start(GREET, ADA, key="a", on_conflict="ignore")  # type: ignore[arg-type]


def test_headers_stay_with_the_execution(database_url: str) -> None:
    with Durable(database_url) as durable:
        id = durable.start(GREET, ADA, headers={"traceparent": "00-ab-cd-01", "tenant": "a"})
        assert durable.get_execution(id).headers == {"traceparent": "00-ab-cd-01", "tenant": "a"}
        assert durable.get_execution(durable.start(GREET, ADA, headers={})).headers == {}


def test_a_start_in_a_transaction_is_there_when_that_commits(database_url: str) -> None:
    async def story() -> None:
        async with (
            AsyncDurable(database_url) as durable,
            await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as own,
        ):
            await own.execute("create table public.orders (id int)")
            await own.commit()
            await own.execute("insert into public.orders values (1)")
            id = await durable.start(GREET, ADA, connection=own)
            several = await durable.start_many(GREET, [ADA, ADA], connection=own)
            assert await durable.find_execution(id) is None
            await own.commit()
            assert (await durable.get_execution(id)).status == "pending"
            await own.execute("insert into public.orders values (2)")
            gone = await durable.start(GREET, ADA, connection=own)
            await own.rollback()
            assert await durable.find_execution(gone) is None
            await work(durable)
            assert [await durable.result(each) for each in (id, *several)] == ["hello Ada!"] * 3

    run(story())
    assert query(database_url, "select count(*) from public.orders") == 1


def test_a_plain_connection_and_one_in_autocommit_serve_as_well(database_url: str) -> None:
    with Durable(database_url) as durable:
        durable.migrate()
        with psycopg.connect(database_url) as own:
            id = durable.start(GREET, ADA, connection=own)
            assert durable.find_execution(id) is None
        assert durable.get_execution(id).status == "pending"
        with psycopg.connect(database_url, autocommit=True) as own:
            id = durable.start(GREET, ADA, connection=own)
            assert durable.get_execution(id).status == "pending"


def test_a_rejected_key_leaves_the_callers_transaction_usable(database_url: str) -> None:
    with Durable(database_url) as durable:
        first = durable.start(GREET, ADA, key="17")
        with psycopg.connect(database_url) as own:
            with pytest.raises(KeyConflict):
                durable.start(GREET, ADA, key="17", on_conflict="reject", connection=own)
            assert durable.start(GREET, ADA, key="17", connection=own) == first
            second = durable.start(GREET, ADA, key="18", connection=own)
        assert durable.get_execution(second).key == "18"


def test_a_connection_to_elsewhere_is_refused(database_url: str) -> None:
    with Durable(database_url) as durable:
        elsewhere = psycopg.conninfo.make_conninfo(database_url, dbname="postgres")
        with psycopg.connect(elsewhere) as own, pytest.raises((InvalidOption, SchemaMismatch)):
            durable.start(GREET, ADA, connection=own)
        with pytest.raises(InvalidOption, match="connection is one of psycopg, not a str"):
            durable.start(GREET, ADA, connection=database_url)
        durable.migrate()
        with psycopg.connect(database_url) as own:
            own.execute("delete from durable.definition")
            with pytest.raises(InvalidOption, match="leads to another database"):
                durable.start(GREET, ADA, connection=own)
