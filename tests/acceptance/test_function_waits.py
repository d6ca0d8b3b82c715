"""A function that waits for events and people, on a real database: listed, answered, paused, retried, forked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durable_dsl import Graph
from durable_runtime import AsyncDurable, ExecutionFailed, InvalidAnswer, StepContext, StepFailed, UnknownWait
from tests.acceptance.clients import graph, run, work
from tests.acceptance.test_waits import told, until_open

HERE = "tests.acceptance.test_function_waits"


async def purchase(n: int, ctx: StepContext) -> Any:
    """Asks twice, then waits to be paid."""
    try:
        first = await ctx.ask("approval", "approval", f"Spend {n}?", assignees=["role:boss"])
        second = await ctx.ask("approval", "approval", "Really?")
    except StepFailed as error:
        return f"{error.type}: {error}"
    paid = await ctx.wait_event("payment", "paid", key=n, where="event.amount >= least", values={"least": n})
    return [first["approved"], second["by"], paid["amount"]]


async def impatient(ctx: StepContext) -> Any:
    """Waits for no time, and fails when nothing is there."""
    await ctx.step("note", lambda: None)
    return await ctx.wait_event("word", "said", key="k", timeout="1s")


async def listens(ctx: StepContext) -> Any:
    return await ctx.wait_event("word", "said")


def calling(function: str, with_: str = "{}") -> Graph:
    return graph(f"""
        workflow: {function}
        steps: [{{step: main, call: {HERE}.{function}, with: {with_}, save: out}}]
    """)


BUY = calling("purchase", "{n: 7}")


def test_a_question_is_listed_answered_and_explained_by_the_path_of_its_call(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(BUY)
        await until_open(durable, id)
        [first] = await durable.list_pending(assignee="role:boss")
        assert (first.path, first.label, first.kind) == ("main/approval", "", "ask")
        assert first.detail == {"ask": "approval", "prompt": "Spend 7?", "assignees": ["role:boss"]}
        with pytest.raises(InvalidAnswer, match="an approval is true or false"):
            await durable.provide_input(id, "approval", "maybe")
        await durable.provide_input(id, "approval", True)
        while [one.path for one in await durable.list_pending(execution=id)] != ["main/approval#2"]:
            await asyncio.sleep(0.01)
        await until_open(durable, id)
        assert (await durable.explain(id))[0].startswith("'main/approval#2' waits for an answer (Really?) since ")
        state = (await durable.node_states(id))["main"]
        assert (state.status.value, state.detail) == ("waiting", "approval#2 for approval by people")
        await durable.provide_input(id, "main/approval#2", True, by="ann")
        while not [one for one in await durable.list_pending(execution=id) if one.kind == "event"]:
            await asyncio.sleep(0.01)
        [paid] = await durable.list_pending(execution=id)
        assert (paid.path, paid.name, paid.key) == ("main/payment", "paid", "7")
        await durable.emit("paid", 7, {"amount": 6})
        await durable.emit("paid", 7, {"amount": 8})
        assert await durable.result(id, timeout=30) == {"out": [True, "ann", 8]}
        assert await durable.list_pending() == []

    told(database_url, story)


def test_an_event_by_key_that_came_before_the_function_waits_is_found(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(BUY)
        await durable.emit("paid", "7", {"amount": 9})
        for path in ("main/approval", "main/approval#2"):
            while [one.path for one in await durable.list_pending(execution=id)] != [path]:
                await asyncio.sleep(0.01)
            await durable.provide_input(id, path, True, by="bob")
        assert await durable.result(id, timeout=30) == {"out": [True, "bob", 9]}

    told(database_url, story)


def test_a_wait_in_a_function_is_cancelled_and_the_function_told(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(BUY)
        await until_open(durable, id)
        with pytest.raises(UnknownWait, match="'main/approval'"):
            await durable.cancel_wait(id, "payment")
        await durable.cancel_wait(id, "approval", reason="nobody is there", by="ann")
        assert await durable.result(id, timeout=30) == {"out": "WaitCancelled: nobody is there"}

    told(database_url, story)


def test_a_cancelled_execution_waits_for_nothing(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(BUY)
        await until_open(durable, id)
        await durable.cancel(id)
        while (await durable.get_execution(id)).status != "cancelled":
            await asyncio.sleep(0.01)
        assert await durable.list_pending() == []

    told(database_url, story)


def test_what_comes_while_it_is_paused_is_kept_for_it(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(calling("listens"))
        await until_open(durable, id)
        await durable.pause(id)
        await durable.send_event(id, "said", "psst")
        while "it was paused" not in (await durable.explain(id))[0]:
            await asyncio.sleep(0.01)
        assert (await durable.get_execution(id)).status != "completed"
        await durable.resume(id)
        assert await durable.result(id, timeout=30) == {"out": "psst"}

    told(database_url, story)


def test_a_retry_waits_again_behind_what_is_done(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(calling("impatient"))
            await work(durable)
            with pytest.raises(ExecutionFailed, match="main/word took longer"):
                await durable.result(id)
            await durable.emit("said", "k", "late")
            await durable.retry(id)
            await work(durable)
            assert await durable.result(id) == {"out": "late"}
            steps = (await durable.get_execution(id, include_steps=True)).steps or ()
            assert [one.kind for one in steps if one.path == "main/note"] == ["completed"]

    run(story())


def test_a_fork_beside_a_function_that_waits_begins_that_wait_anew(database_url: str) -> None:
    flow = graph(f"""
        workflow: flow
        steps:
          - parallel: both
            save: out
            branches:
              hears: [{{step: main, call: {HERE}.listens, with: {{}}}}]
              goes: [{{wait: first, event: go}}, {{step: second, set: {{n: 1}}}}]
    """)

    async def story(durable: AsyncDurable) -> None:
        first = await durable.start(flow)
        await until_open(durable, first, 2)
        await durable.send_event(first, "go")
        await until_open(durable, first)
        second = await durable.fork(first, "both/second")
        await until_open(durable, second)
        for id, word in ((first, "one"), (second, "two")):
            await durable.send_event(id, "said", word)
            assert (await durable.result(id, timeout=30))["out"]["hears"] == word
        steps = (await durable.get_execution(second, include_steps=True)).steps or ()
        # The first is that of the execution it comes from, and counts no more.
        kinds = [one.kind for one in steps if one.path == "both/main/word"]
        assert kinds == ["waiting", "waiting", "arrived", "completed"]

    told(database_url, story)


def test_a_compensation_after_a_cancel_still_hears_events(database_url: str) -> None:
    flow = graph(f"""
        workflow: flow
        steps:
          - step: charge
            call: {HERE}.nothing
            with: {{}}
            compensate: {{call: {HERE}.listens, with: {{}}}}
          - wait: ever
            event: never
    """)

    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(flow)
        await until_open(durable, id)
        await durable.cancel(id, compensate=True)
        while [one.path for one in await durable.list_pending(execution=id)] != ["charge/compensate/word"]:
            await asyncio.sleep(0.01)
        await durable.send_event(id, "said", "undone")
        while (await durable.get_execution(id)).status != "cancelled":
            await asyncio.sleep(0.01)
        steps = (await durable.get_execution(id, include_steps=True)).steps or ()
        assert [one.kind for one in steps if one.path.startswith("charge/compensate")] == [
            "entered", "waiting", "arrived", "completed", "compensated"
        ]  # fmt: skip

    told(database_url, story)


def nothing() -> None:
    return None
