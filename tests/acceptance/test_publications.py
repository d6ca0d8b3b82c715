"""What executions show while they run, on a real database: values by name that clients wait for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import AsyncDurable, Durable, ExecutionFailed, ResultTimeout, UnknownExecution, UnknownValue
from tests.acceptance import shown_steps
from tests.acceptance.clients import graph, run, work
from tests.acceptance.command import Inside
from tests.acceptance.test_waits import NOBODY, told, until_open


@pytest.fixture(autouse=True)
def _not_told() -> None:
    shown_steps.go_on.clear()


def calling(function: str) -> Any:
    return graph(f"""
    workflow: shown
    steps:
      - {{step: main, call: tests.acceptance.shown_steps.{function}, with: {{}}}}
    """)


FLOW = graph("""
workflow: flow
steps:
  - {step: show, publish: {page: "a ${ input.n }", state: waiting}}
  - {wait: paid, event: paid}
  - {step: again, publish: {state: paid, n: "${ input.n }"}}
""")


@pytest.mark.parametrize("function", ["shows", "shows_plainly"])
def test_a_client_waits_for_a_value_and_gets_it_while_the_step_runs(database_url: str, function: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(calling(function))
        value = await durable.get_value(id, "state", 30)
        assert (await durable.get_execution(id)).status == "running"
        shown_steps.go_on.set()
        await durable.result(id, 30)
        return value, await durable.get_value(id, "state")

    expected = {"shows": ({"at": "begun"}, {"at": "over"}), "shows_plainly": (1, 1)}[function]
    assert told(database_url, story) == expected


def test_a_step_that_publishes_does_not_wait_for_the_end_of_what_comes_after_it(database_url: str) -> None:
    slow = graph("""
    workflow: slow
    steps:
      - {step: show, publish: {state: begun}}
      - {step: main, call: tests.acceptance.shown_steps.rests, with: {}}
    """)

    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(slow)
        value = await durable.get_value(id, "state", 20)
        assert (await durable.get_execution(id)).status == "running"
        shown_steps.go_on.set()
        await durable.result(id, 30)
        return value

    assert told(database_url, story) == "begun"


def test_values_are_read_at_any_time_and_the_newest_counts(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(FLOW, {"n": 5})
        await until_open(durable, id)
        first = await durable.get_value(id, "state", 0)
        with pytest.raises(ResultTimeout, match="has not published 'n'"):
            await durable.get_value(id, "n", 0)
        waiting = asyncio.create_task(durable.get_value(id, "n", 30))
        await durable.send_event(id, "paid")
        late = await waiting
        await durable.result(id, 30)
        with pytest.raises(UnknownValue, match="is completed and has published no 'other'"):
            await durable.get_value(id, "other")
        for nobody in (NOBODY, "42"):
            with pytest.raises(UnknownExecution):
                await durable.get_value(nobody, "state")
            with pytest.raises(UnknownExecution):
                await durable.list_values(nobody)
        return first, late, {each.name: (each.value, each.path) for each in await durable.list_values(id)}

    first, late, values = told(database_url, story)
    assert (first, late) == ("waiting", 5)
    assert values == {"n": (5, "again"), "page": ("a 5", "show"), "state": ("paid", "again")}


def test_whoever_waits_learns_that_it_ended_without_one(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(FLOW, {"n": 5})
        waiting = asyncio.create_task(durable.get_value(id, "n"))
        await until_open(durable, id)
        await durable.cancel(id)
        with pytest.raises(UnknownValue, match="cancelled"):
            await waiting

    told(database_url, story)


def test_a_program_without_an_event_loop_reads_values_too(database_url: str) -> None:
    with Durable(database_url) as durable:
        id = durable.start(FLOW, {"n": 1})
        asyncio.run(durable.worker().run(until_idle=True))
        assert durable.get_value(id, "page") == "a 1"
        assert [each.name for each in durable.list_values(id)] == ["page", "state"]


async def taken(durable: AsyncDurable, id: str, name: str, **options: Any) -> list[Any]:
    return [item.value async for item in durable.read_stream(id, name, **options)]


def test_a_stream_is_read_while_the_step_writes_and_ends_with_the_execution(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(calling("writes"))
        seen = []
        async for item in durable.read_stream(id, "lines"):
            seen.append(item.value)
            if item.value == {"n": 2}:
                assert (await durable.get_execution(id)).status == "running"
                shown_steps.go_on.set()
        return seen, await taken(durable, id, "other"), await taken(durable, id, "nothing")

    assert told(database_url, story) == ([{"n": 0}, {"n": 1}, {"n": 2}, "last"], ["x"], [])


def test_a_long_stream_is_read_whole_in_its_order_and_from_any_item_on(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(calling("writes_plainly"))
        whole = [item async for item in durable.read_stream(id, "lines")]
        for nobody in (NOBODY, "42"):
            with pytest.raises(UnknownExecution):
                await taken(durable, nobody, "lines")
        rest = await taken(durable, id, "lines", follow=False, after=whole[2400].id)
        return [item.value for item in whole], rest

    assert told(database_url, story) == (list(range(2500)), list(range(2401, 2500)))


def test_without_following_a_stream_gives_what_is_there(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(calling("writes"))
            return await taken(durable, id, "lines", follow=False)

    assert run(story()) == []


def test_what_a_failed_attempt_wrote_stays_and_says_whose_it_is(database_url: str) -> None:
    again = graph("""
    workflow: again
    steps:
      - step: main
        call: tests.acceptance.shown_steps.fails_once
        with: {}
        retry: {max_attempts: 2, delay: 1ms}
    """)

    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(again)
        return [(item.value, item.attempt, item.path) async for item in durable.read_stream(id, "lines")]

    assert told(database_url, story) == [("attempt 1", 1, "main"), ("attempt 2", 2, "main")]


def test_what_is_retried_by_hand_writes_anew(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(calling("fails_once"))
        assert await taken(durable, id, "lines") == ["attempt 1"]
        await durable.retry(id)
        with pytest.raises(ExecutionFailed):
            await durable.result(id, 30)
        return await taken(durable, id, "lines")

    assert told(database_url, story) == ["attempt 1", "attempt 1"]


def test_a_program_without_an_event_loop_reads_streams_too(database_url: str) -> None:
    with Durable(database_url) as durable:
        id = durable.start(calling("writes_plainly"))
        asyncio.run(durable.worker().run(until_idle=True))
        stream = durable.read_stream(id, "lines")
        assert [next(stream).value, next(stream).value] == [0, 1]
        stream.close()  # type: ignore[attr-defined]
        assert [item.value for item in durable.read_stream(id, "lines", follow=False)] == list(range(2500))


def test_the_command_prints_a_stream(inside: Inside, database_url: str) -> None:
    shown_steps.go_on.set()

    async def begin() -> str:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(calling("writes"))
            await work(durable)
            return id

    id = run(begin())
    assert inside("stream", id, "lines", "--follow").out == '{"n": 0}\n{"n": 1}\n{"n": 2}\nlast\n'
    items = inside("stream", id, "lines", "--json").json["items"]
    assert [(item["value"], item["path"], item["attempt"]) for item in items][-1] == ("last", "main", 1)
    assert inside("stream", id, "nothing", "--json").json["items"] == []
    assert inside("stream", NOBODY, "lines").code == 4


def test_the_command_prints_a_value(inside: Inside, database_url: str) -> None:
    Path("flow.yaml").write_text(
        "workflow: flow\nsteps:\n  - {step: show, publish: {page: 'a\\e[2J', list: [1, {a: null}]}}\n"
    )
    id = inside("start", "flow.yaml", "--json").json["id"]
    assert inside("get-value", id, "page", "--timeout", "1ms").code == 6
    run(finish(database_url))
    assert inside("get-value", id, "page").out == "a\\e[2J\n"
    assert inside("get-value", id, "list", "--json").json["value"] == [1, {"a": None}]
    assert inside("get-value", id, "nothing").code == 4
    assert inside("get-value", NOBODY, "page").code == 4
    assert inside("inspect", id, "--json").json["values"] == {"page": "a\\e[2J", "list": [1, {"a": None}]}
    assert 'list: [ 1, { "a": null } ]' in inside("inspect", id).out


async def finish(url: str) -> None:
    async with AsyncDurable(url) as durable:
        await work(durable)
