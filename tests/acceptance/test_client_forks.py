"""Forks: new executions that have done what another had, and go on from there in their own way."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from durable_runtime import AsyncDurable, Durable, InvalidInput, InvalidOption, UnknownExecution, WrongStatus
from tests.acceptance.clients import graph, query, run, work

begun: Counter[str] = Counter()
fails: set[str] = set()


async def step(name: str) -> str:
    begun[name] += 1
    if name in fails:
        raise RuntimeError(f"{name} is not well")
    return f"{name} {begun[name]}"


@pytest.fixture(autouse=True)
def _forget() -> None:
    begun.clear()
    fails.clear()


def _step(name: str) -> str:
    return f"{{step: {name}, call: tests.acceptance.test_client_forks.step, with: {{name: {name}}}, save: {name}}}"


FLOW = graph(f"""
workflow: flow
input: {{type: object, properties: {{n: {{type: integer}}}}}}
output: {{one: "${{ data.one }}", two: "${{ data.two }}", three: "${{ data.three }}", n: "${{ input.n }}"}}
steps: [{_step("one")}, {_step("two")}, {_step("three")}]
""")


def test_a_fork_runs_from_its_node_on_and_leaves_the_other_alone(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            first = await durable.start(FLOW, {"n": 1}, headers={"tenant": "a"})
            await work(durable)
            before = await durable.get_execution(first, include_steps=True)
            second = await durable.fork(first, "two", reason="what if", by="ann")
            await work(durable)
            assert await durable.result(second) == {"one": "one 1", "two": "two 2", "three": "three 2", "n": 1}
            assert await durable.get_execution(first, include_steps=True) == before
            forked = await durable.get_execution(second, include_steps=True)
            assert forked.headers == {"tenant": "a"}
            told = [one.result for one in forked.steps or () if one.kind == "forked"]
            assert told == [{"from": first, "node": "two", "reason": "what if", "by": "ann", "without": []}]
            assert {state.status.value for state in (await durable.node_states(second)).values()} == {"completed"}

    run(story())


def test_a_fork_with_a_result_and_another_input(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            first = await durable.start(FLOW, {"n": 1})
            await work(durable)
            second = await durable.fork(first, "two", {"n": 5}, with_output="by hand")
            await work(durable)
            assert await durable.result(second) == {"one": "one 1", "two": "by hand", "three": "three 2", "n": 5}
            assert begun == {"one": 1, "two": 1, "three": 2}

    run(story())


def test_a_failed_one_that_was_retried_is_forked_as_it_went_in_the_end(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            fails.add("two")
            first = await durable.start(FLOW, {"n": 1})
            await work(durable)
            second = await durable.fork(first, "two", with_output="by hand")
            fails.clear()
            await durable.retry(first)
            await work(durable)
            assert (await durable.result(second))["two"] == "by hand"
            third = await durable.fork(first, "three")
            await work(durable)
            assert (await durable.result(third))["two"] == "two 2"
            assert begun["two"] == 2

    run(story())


def test_an_item_of_a_foreach_is_forked_with_the_items_before_it(database_url: str) -> None:
    flow = graph("""
workflow: flow
steps:
  - foreach: each
    in: "[1, 2, 3]"
    concurrency: 1
    save: found
    steps:
      - step: s
        call: tests.acceptance.test_client_forks.step
        with: {name: "item"}
""")

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            first = await durable.start(flow)
            await work(durable)
            second = await durable.fork(first, "each[1]/s", with_output="by hand")
            await work(durable)
            assert await durable.result(first) == {"found": ["item 1", "item 2", "item 3"]}
            assert await durable.result(second) == {"found": ["item 1", "by hand", "item 4"]}

    run(story())


def test_timeouts_begin_anew_and_other_branches_wait_anew(database_url: str) -> None:
    flow = graph(f"""
workflow: flow
steps:
  - parallel: both
    timeout: 1h
    branches:
      left: [{_step("one")}]
      right: [{{wait: paid, event: payment}}]
""")

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            fails.add("one")
            first = await durable.start(flow)
            await work(durable)
            older = "set finished_at = finished_at - interval '2h', due_at = due_at - interval '2h'"
            query(database_url, f"with a as (update durable.checkpoint {older} returning 1) select count(*) from a")
            fails.clear()
            second = await durable.fork(first, "both/one")
            working = asyncio.create_task((worker := durable.worker()).run())
            await durable.send_event(second, "payment", {"sum": 1})
            await durable.result(second, timeout=30)
            worker.stop()
            await working

    run(story())


def test_what_cannot_be_forked_is_refused_before_anything_is_stored(database_url: str) -> None:
    with Durable(database_url) as durable:
        first = durable.start(FLOW)
        refusals: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (InvalidOption, "has no node 'twoo'; did you mean 'two'", {"from_node": "twoo"}),
            (WrongStatus, "was never about to begin the node 'two'", {"from_node": "two"}),
            (InvalidInput, "input.n must be", {"from_node": "one", "input": {"n": "x"}}),
            (InvalidOption, "the result of 'one'", {"from_node": "one", "with_output": float("nan")}),
            (InvalidOption, "already", {"from_node": "one", "new_id": first}),
        ]
        for error, message, asked in refusals:
            with pytest.raises(error, match=message):
                durable.fork(first, **asked)
        with pytest.raises(UnknownExecution):
            durable.fork("42", "one")
    assert query(database_url, "select count(*) from durable.execution") == 1
