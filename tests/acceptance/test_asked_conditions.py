"""Functions as conditions on a real worker: asked once, stored, and known to the worker that goes on."""

from __future__ import annotations

import asyncio

import pytest

from durable_runtime import AsyncDurable
from durable_runtime.client import Execution
from tests.acceptance import asked
from tests.acceptance.clients import graph

WORK = graph("""
workflow: w
input: {type: object, properties: {kind: {type: string}, looks: {type: integer, default: 0}}}
steps:
  - branch: route
    match: {call: tests.acceptance.asked.kind}
    cases:
      slow:
        - loop: poll
          until: {call: tests.acceptance.asked.is_open}
          every: 20ms
          steps: [{step: look, set: {looks: "${ data.looks + 1 }"}}]
        - foreach: each
          in: {call: tests.acceptance.asked.orders}
          save: done
          steps:
            - {wait: rest, for: 20ms}
            - {step: double, set: {twice: "${ item * 2 }"}, output: "${ result.twice }"}
""")


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    asked.ASKED.clear()


def test_answers_are_stored_and_nobody_asks_again(database_url: str) -> None:
    async def scenario() -> Execution:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(WORK, {"kind": "slow"})
            await durable.worker(only=[id]).run(until_idle=True)
            return await durable.get_execution(id, include_steps=True)

    execution = asyncio.run(scenario())

    assert execution.status == "completed", execution.error
    assert execution.output == {"kind": "slow", "looks": 2, "done": [0, 2]}
    # One for each turn, though it was read back from its checkpoints after every sleep.
    assert asked.ASKED == ["kind", "is_open", "is_open", "orders"]
    answered = [(step.path, step.result) for step in execution.steps or () if step.kind == "answered"]
    assert answered == [
        ("route", {"of": "match", "answer": "slow"}),
        ("route/poll", {"of": "until 1", "answer": False}),
        ("route/poll", {"of": "until 2", "answer": True}),
        ("route/each", {"of": "in", "answer": [0, 1]}),
    ]
