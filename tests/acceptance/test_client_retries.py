"""Failed executions that go on: retried in place, or with the result of a node set by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from durable_runtime import AsyncDurable, ExecutionFailed, InvalidOption, StepContext, UnknownExecution, WrongStatus
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import NoAnswer
from tests.acceptance.clients import REST, graph, run, work

begun: Counter[str] = Counter()
fails: set[str] = set()


async def step(name: str) -> str:
    """Fails while its name is among those that fail."""
    begun[name] += 1
    if name in fails:
        raise RuntimeError(f"{name} is not well")
    return name


async def several(ctx: StepContext) -> dict[str, Any]:
    """Makes three calls of its own."""
    return {name: await ctx.step(name, step, name) for name in ("one", "two", "three")}


@pytest.fixture(autouse=True)
def _forget() -> None:
    begun.clear()
    fails.clear()


def _step(name: str) -> str:
    return f"{{step: {name}, call: tests.acceptance.test_client_retries.step, with: {{name: {name}}}, save: {name}}}"


FLOW = graph(f"workflow: flow\nsteps: [{_step('one')}, {_step('two')}, {_step('three')}]")


async def failed(durable: AsyncDurable) -> str:
    fails.add("two")
    id = await durable.start(FLOW)
    await work(durable)
    assert (await durable.get_execution(id)).status == "failed"
    return id


def test_a_retry_goes_on_from_the_step_that_failed(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await failed(durable)
            fails.clear()
            await durable.retry(id, "two is well again", by="ann")
            assert (await durable.get_execution(id)).error is None
            await work(durable)
            assert await durable.result(id) == {"one": "one", "two": "two", "three": "three"}
            assert begun == {"one": 1, "two": 2, "three": 1}
            steps = (await durable.get_execution(id, include_steps=True)).steps or ()
            assert [(one.path, one.kind) for one in steps] == [
                ("one", "completed"), ("two", "failed"), ("", "rewound"), ("two", "completed"), ("three", "completed")
            ]  # fmt: skip
            assert steps[2].result["reason"] == "two is well again"
            assert (steps[2].result["by"], steps[2].result["without"]) == ("ann", [2])
            states = await durable.node_states(id)
            assert {state.status.value for state in states.values()} == {"completed"}

    run(story())


def test_it_may_fail_again_and_be_retried_again(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await failed(durable)
            for _ in range(2):
                await durable.retry(id)
                await work(durable)
                with pytest.raises(ExecutionFailed, match="two is not well"):
                    await durable.result(id)
            fails.clear()
            await durable.retry(id)
            await work(durable)
            assert begun == {"one": 1, "two": 4, "three": 1}

    run(story())


def test_only_a_failed_one_is_retried_and_of_many_retries_one_is_taken(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await failed(durable)
            answers = await asyncio.gather(*(durable.retry(id) for _ in range(5)), return_exceptions=True)
            assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["WrongStatus"] * 4
            fails.clear()
            await work(durable)
            with pytest.raises(WrongStatus, match=f"the execution {id} is completed; only a failed one can be retried"):
                await durable.retry(id)
            waiting = await durable.start(REST)
            with pytest.raises(WrongStatus, match="is pending"):
                await durable.retry(waiting)
            with pytest.raises(UnknownExecution):
                await durable.retry("42")

    run(story())


def test_a_retry_whose_answer_was_lost_is_taken_once_and_told_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await failed(durable)
            real, lost = PostgresClientStore.retry, [True]

            async def retry(store: PostgresClientStore, public_id: str, payload: Any) -> Any:
                found = await real(store, public_id, payload)
                if lost:
                    lost.clear()
                    raise NoAnswer("cut off")
                return found

            monkeypatch.setattr(PostgresClientStore, "retry", retry)
            fails.clear()
            await durable.retry(id)
            await work(durable)
            assert begun["two"] == 2

    run(story())


def test_a_failed_node_is_given_a_result_and_the_execution_goes_on(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await failed(durable)
            await durable.set_result(id, "two", "by hand", "the shop is closed", by="ann")
            await work(durable)
            assert await durable.result(id) == {"one": "one", "two": "by hand", "three": "three"}
            assert begun == {"one": 1, "two": 1, "three": 1}

    run(story())


def test_a_wait_is_given_a_result_in_place_of_its_time(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            working = asyncio.create_task((worker := durable.worker()).run())
            while (await durable.get_execution(id)).status != "waiting":
                await asyncio.sleep(0.01)
            await durable.set_result(id, "nap", None, "slept enough", by="ann")
            await durable.result(id, timeout=30)
            worker.stop()
            await working
            steps = (await durable.get_execution(id, include_steps=True)).steps or ()
            edited = next(one for one in steps if one.kind == "edited")
            assert edited.result == {"reason": "slept enough", "by": "ann", "edit": {"node": "nap", "value": None}}

    run(story())


def test_what_cannot_be_set_is_refused_before_anything_is_stored(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await failed(durable)
            with pytest.raises(InvalidOption, match="has no node 'twoo'; did you mean 'two'"):
                await durable.set_result(id, "twoo", 1)
            with pytest.raises(InvalidOption, match="the result of 'two'"):
                await durable.set_result(id, "two", float("nan"))
            for closed in ("one", "three"):
                with pytest.raises(WrongStatus, match=f"the node '{closed}' of the execution {id} is not open"):
                    await durable.set_result(id, closed, 1)
            assert (await durable.get_execution(id)).status == "failed"
            fresh = await durable.start(REST)
            with pytest.raises(InvalidOption, match="the result of a 'set' is a mapping"):
                await durable.set_result(fresh, "before", 1)
            fails.clear()
            await durable.retry(id)
            await durable.worker(only=[id]).run(until_idle=True)
            with pytest.raises(WrongStatus, match="is completed; a node gets its result while that one is open"):
                await durable.set_result(id, "two", 1)

    run(story())


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_function_that_failed_finds_its_calls_done_but_the_one_that_failed(database_url: str, attempts: int) -> None:
    flow = graph(f"""
workflow: flow
steps:
  - step: all
    call: tests.acceptance.test_client_retries.several
    retry: {{max_attempts: {attempts}, delay: 1ms}}
""")

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            fails.add("two")
            id = await durable.start(flow)
            for tries in (1, 2):
                await work(durable)
                assert (await durable.get_execution(id)).status == "failed"
                assert begun == {"one": 1, "two": tries * attempts}
                await durable.retry(id)
            fails.clear()
            await work(durable)
            assert await durable.result(id) == {"one": "one", "two": "two", "three": "three"}
            assert begun == {"one": 1, "two": 2 * attempts + 1, "three": 1}

    run(story())
