"""Starts of many callers at once: what goes into one insertion, and whose mistake is whose."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from durable_runtime.client.gathering import Gathering
from durable_runtime.errors import InvalidInput
from durable_runtime.store.protocol import NewExecution


def executions(*names: str) -> list[NewExecution]:
    return [NewExecution(public_id=name, definition_id=1, workflow="w", input=b"{}") for name in names]


class Inserting:
    """Notes insertions and holds them until it is told; refuses those that hold the id `bad`."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.may_end = asyncio.Event()

    async def __call__(self, batch: Sequence[NewExecution]) -> None:
        ids = [execution.public_id for execution in batch]
        self.sent.append(ids)
        await self.may_end.wait()
        if "bad" in ids:
            raise InvalidInput("the database refused the input", ("refused",))


async def _begun(gathering: Gathering, *starts: list[NewExecution]) -> list[asyncio.Task[None]]:
    tasks = []
    for start in starts:
        tasks.append(asyncio.create_task(gathering.add(start)))
        await asyncio.sleep(0)
    return tasks


def test_what_is_started_while_an_insertion_is_under_way_goes_into_the_next_one() -> None:
    async def scenario() -> list[list[str]]:
        inserting = Inserting()
        gathering = Gathering(inserting)
        tasks = await _begun(gathering, executions("a"), executions("b"), executions("c", "d"), executions("e"))
        inserting.may_end.set()
        await asyncio.gather(*tasks)
        await gathering.add(executions("f"))
        return inserting.sent

    assert asyncio.run(scenario()) == [["a"], ["b", "c", "d", "e"], ["f"]]


def test_a_start_that_is_refused_does_not_harm_those_it_was_sent_with() -> None:
    async def scenario() -> tuple[list[list[str]], list[object]]:
        inserting = Inserting()
        gathering = Gathering(inserting)
        tasks = await _begun(gathering, executions("a"), executions("b"), executions("bad"), executions("c", "d"))
        inserting.may_end.set()
        return inserting.sent, list(await asyncio.gather(*tasks, return_exceptions=True))

    sent, ended = asyncio.run(scenario())

    assert sent == [["a"], ["b", "bad", "c", "d"], ["b"], ["bad"], ["c", "d"]]
    assert [type(one).__name__ for one in ended] == ["NoneType", "NoneType", "InvalidInput", "NoneType"]


def test_whoever_gave_up_before_the_insertion_starts_nothing() -> None:
    async def scenario() -> list[list[str]]:
        inserting = Inserting()
        gathering = Gathering(inserting)
        first, given_up, last = await _begun(gathering, executions("a"), executions("b"), executions("c"))
        given_up.cancel()
        inserting.may_end.set()
        await asyncio.gather(first, last)
        with pytest.raises(asyncio.CancelledError):
            await given_up
        return inserting.sent

    assert asyncio.run(scenario()) == [["a"], ["c"]]


def test_whoever_began_the_insertion_and_gave_up_leaves_it_to_the_others_to_go_on() -> None:
    async def scenario() -> list[list[str]]:
        inserting = Inserting()
        gathering = Gathering(inserting)
        first, second = await _begun(gathering, executions("a"), executions("b"))
        first.cancel()
        inserting.may_end.set()
        await second
        await gathering.add(executions("c"))
        return inserting.sent

    assert asyncio.run(scenario()) == [["a"], ["b"], ["c"]]
