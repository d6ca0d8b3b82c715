"""Waiting for events and people on a real database: early, late, repeated, simultaneous, null and huge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from durable_runtime import (
    AsyncDurable,
    ExecutionFailed,
    InvalidAnswer,
    InvalidInput,
    InvalidOption,
    UnknownExecution,
    UnknownWait,
    WrongStatus,
)
from durable_runtime.core.values import MAX_BYTES
from tests.acceptance.clients import graph, query, run, work

NOBODY = "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"

PAY = graph("""
workflow: pay
steps:
  - wait: payment
    event: paid
    where: event == null || event.amount > 1
    save: payment
""")

SIGN = graph("""
workflow: sign
steps:
  - wait: approval
    ask: approval
    prompt: "Pay ${ input.n }?"
    assignees: [role:boss]
    save: approval
  - foreach: papers
    in: "[1, 2]"
    concurrency: 2
    steps:
      - wait: outcome
        any: {color: {ask: choice, choices: [red, blue]}, gone: {event: gone}}
    save: papers
""")


def told(database_url: str, story: Callable[[AsyncDurable], Awaitable[Any]]) -> Any:
    """Tells a story with a client and a worker beside it."""

    async def whole() -> Any:
        async with AsyncDurable(database_url) as durable:
            worker = durable.worker()
            working = asyncio.create_task(worker.run())
            try:
                return await story(durable)
            finally:
                worker.stop()
                await working

    return run(whole())


async def until_open(durable: AsyncDurable, id: str, count: int = 1) -> None:
    """Waits until this many things are waited for and the execution is at rest."""
    while True:
        rows = await durable.list_pending(execution=id)
        if len(rows) == count and (await durable.get_execution(id)).status == "waiting":
            return
        await asyncio.sleep(0.01)


def test_an_event_moves_on_what_waits_for_it(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(PAY)
        await until_open(durable, id)
        await durable.send_event(id, "paid", {"amount": 1})
        await durable.send_event(id, "paid", {"amount": 2})
        return await durable.result(id, 30)

    assert told(database_url, story) == {"payment": {"amount": 2}}
    assert query(database_url, "select count(*) from durable.open_wait") == 0
    assert query(database_url, "select count(*) from durable.request") == 0


def test_an_event_before_anyone_has_claimed_the_execution_is_kept(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(PAY)
            await durable.send_event(id, "paid", None)
            await durable.send_event(id, "paid", {"amount": 5})
            await work(durable)
            assert (await durable.get_execution(id)).status == "completed"
            return await durable.result(id)

    assert run(story()) == {"payment": None}


def test_events_to_many_at_the_same_moment_are_taken_once_each(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        ids = await durable.start_many(PAY, [{"n": n} for n in range(20)])
        await asyncio.gather(*(durable.send_event(id, "paid", {"amount": n + 2}) for n, id in enumerate(ids)))
        return [await durable.result(id, 30) for id in ids]

    assert told(database_url, story) == [{"n": n, "payment": {"amount": n + 2}} for n in range(20)]


def test_a_huge_payload_is_an_event_and_one_that_is_too_large_is_refused(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(PAY)
        with pytest.raises(InvalidInput, match="the payload takes 16,777,") as raised:
            await durable.send_event(id, "paid", {"amount": 2, "text": "x" * MAX_BYTES})
        assert "store large content elsewhere" in raised.value.problems[0]
        await durable.send_event(id, "paid", {"amount": 2, "text": "x" * 2_000_000})
        return await durable.result(id, 30)

    assert len(told(database_url, story)["payment"]["text"]) == 2_000_000


@pytest.mark.parametrize("payload", [float("nan"), "\x00", {1: 2}, {"a": object()}])
def test_what_cannot_be_stored_is_no_payload(database_url: str, payload: Any) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(PAY)
            with pytest.raises(InvalidInput):
                await durable.send_event(id, "paid", payload)

    run(story())
    assert query(database_url, "select count(*) from durable.request") == 0


def test_what_has_ended_or_is_nobody_takes_no_event(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(PAY)
        with pytest.raises(InvalidOption, match="cannot be an event"):
            await durable.send_event(id, "not an event")
        await durable.send_event(id, "paid")
        await durable.result(id, 30)
        with pytest.raises(WrongStatus, match="is completed: it takes no more events"):
            await durable.send_event(id, "paid")
        for nobody in (NOBODY, "42"):
            with pytest.raises(UnknownExecution):
                await durable.send_event(nobody, "paid")

    told(database_url, story)


def test_people_are_asked_and_answer(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(SIGN, {"n": 5})
        await until_open(durable, id)
        [ask] = await durable.list_pending(assignee="role:boss", kind="approval")
        assert (ask.execution_id, ask.path, ask.detail["prompt"]) == (id, "approval", "Pay 5?")
        await durable.provide_input(id, "approval", True, by="ada", comment="fine")
        await until_open(durable, id, 4)
        await durable.provide_input(id, "papers[0]/outcome.color", "red", by="bob")
        await durable.send_event(id, "gone", "away")
        return (await durable.result(id, 30)), await durable.get_execution(id, include_steps=True)

    output, found = told(database_url, story)
    assert output["approval"] == {"approved": True, "by": "ada", "comment": "fine"}
    assert output["papers"] == [{"which": "color", "value": "red"}, {"which": "gone", "value": "away"}]
    arrived = [step.result for step in found.steps if step.kind == "arrived"]
    assert arrived[1] == {"label": "color", "value": "red", "by": "bob", "comment": None}


def test_a_bad_answer_is_refused_and_the_ask_stays_open(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(SIGN, {"n": 5})
        await until_open(durable, id)
        with pytest.raises(InvalidAnswer, match="does not fit") as raised:
            await durable.provide_input(id, "approval", "yes")
        assert raised.value.problems == ('an approval is true or false, not "yes"',)
        with pytest.raises(InvalidAnswer, match="cannot be stored"):
            await durable.provide_input(id, "approval", float("nan"))
        with pytest.raises(UnknownWait, match="has no open ask 'aproval'; open are: 'approval'"):
            await durable.provide_input(id, "aproval", True)
        with pytest.raises(UnknownExecution):
            await durable.provide_input(NOBODY, "approval", True)
        assert query(database_url, "select count(*) from durable.request") == 0
        await durable.provide_input(id, "approval", False)
        await until_open(durable, id, 4)
        with pytest.raises(UnknownWait, match=r"means several open asks .*'papers\[0\]/outcome.color'"):
            await durable.provide_input(id, "outcome.color", "red")
        return await durable.get_execution(id)

    assert told(database_url, story).status == "waiting"


def test_of_two_answers_at_the_same_moment_one_is_taken_and_the_other_is_told(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(SIGN, {"n": 5})
        await until_open(durable, id)
        both = await asyncio.gather(
            durable.provide_input(id, "approval", True, by="ada"),
            durable.provide_input(id, "approval", False, by="bob"),
            return_exceptions=True,
        )
        await until_open(durable, id, 4)
        found = await durable.get_execution(id, include_steps=True)
        return both, [step.result for step in found.steps or () if step.path == "approval" and step.kind == "completed"]

    both, [taken] = told(database_url, story)
    assert sorted(type(one).__name__ for one in both) == ["NoneType", "UnknownWait"]
    assert taken["by"] == ("ada" if both[0] is None else "bob")


def test_a_wait_is_cancelled_and_its_catch_may_take_that(database_url: str) -> None:
    caught = graph("""
workflow: caught
steps:
  - wait: a
    event: e
    catch: [{errors: [WaitCancelled], steps: [{step: note, set: {why: "${ error.message }"}}]}]
  - wait: b
    for: 1d
""")

    async def story(durable: AsyncDurable) -> Any:
        id = await durable.start(caught)
        await until_open(durable, id)
        with pytest.raises(UnknownWait, match="has no open wait 'b'; open are: 'a'"):
            await durable.cancel_wait(id, "b")
        await durable.cancel_wait(id, "a", reason="not needed", by="ada")
        while not any(one.path == "b" for one in (await durable.get_execution(id, include_steps=True)).steps or ()):
            await asyncio.sleep(0.01)
        await durable.cancel_wait(id, "b")
        with pytest.raises(ExecutionFailed, match="WaitCancelled"):
            await durable.result(id, 30)
        found = await durable.get_execution(id, include_steps=True)
        return next(step.result for step in found.steps or () if step.path == "a/catch/note")

    assert told(database_url, story) == {"why": "not needed"}


def test_a_cancelled_execution_waits_for_nothing(database_url: str) -> None:
    async def story(durable: AsyncDurable) -> None:
        id = await durable.start(SIGN, {"n": 5})
        await until_open(durable, id)
        await durable.cancel(id)
        with pytest.raises(ExecutionFailed):
            await durable.result(id, 30)
        assert await durable.list_pending(execution=id) == []

    told(database_url, story)


def test_pending_is_asked_with_filters_that_exist(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            assert await durable.list_pending() == []
            with pytest.raises(InvalidOption, match="nothing to wait for"):
                await durable.list_pending(kind="approvals")
            with pytest.raises(InvalidOption):
                await durable.list_pending(limit=0)
            with pytest.raises(UnknownExecution):
                await durable.list_pending(execution=NOBODY)

    run(story())


def test_nothing_of_a_wait_is_kept_in_the_worker(database_url: str) -> None:
    """A worker that ends and another that begins: the wait is in the database alone."""

    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(SIGN, {"n": 5})
            await work(durable)
            await durable.provide_input(id, "approval", True)
            await work(durable)
            rows = await durable.list_pending(execution=id)
            assert [(row.path, row.label) for row in rows] == [
                ("papers[0]/outcome", "color"),
                ("papers[0]/outcome", "gone"),
                ("papers[1]/outcome", "color"),
                ("papers[1]/outcome", "gone"),
            ]
            for index in (0, 1):
                await durable.provide_input(id, f"papers[{index}]/outcome.color", "blue")
            await work(durable)
            return (await durable.result(id))["papers"]

    assert run(story()) == [{"which": "color", "value": "blue"}] * 2
