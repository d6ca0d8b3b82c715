"""A resumed execution sees what an uninterrupted one sees, to the order of keys and the type of every number."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from durable_dsl import compile_text
from durable_runtime import AsyncDurable
from durable_runtime.store.rows import result_text

WORKFLOW = """
workflow: values
input: {type: object}
steps:
  - step: give
    call: tests.faults.resumed_steps.give
    with: {}
    save: given
  - step: pick
    set: {picked: "${ data.given.numbers.filter(n, n > 0.5) }", last: "${ data.given }"}
  - wait: pause
    when: input.pauses
    for: 100ms
  - step: look
    call: tests.faults.resumed_steps.look
    save: seen
output: {seen: "${ data.seen }"}
"""

AS_GIVEN = (
    '{"zebra": 1, "a": {"y": true, "b": null}, "numbers": [1, 1.0, 1e+16, 10000000000000000, -0.0, 1e-07, '
    '0.30000000000000004, 9223372036854775807], "\u00e9\\n": "\u6f22\\\\u0000 \\ud83d\\ude00"}'
)


async def seen(url: str, *, pauses: bool) -> str:
    """Runs the workflow; with a pause, another worker goes on from what is stored."""
    (graph,) = compile_text(WORKFLOW)
    async with AsyncDurable(url) as durable:
        id = await durable.start(graph, {"pauses": pauses})
        await durable.worker(only=[id]).run(until_idle=True)
        execution = await durable.get_execution(id, include_steps=True)
    assert execution.status == "completed", execution.error
    assert execution.steps is not None
    assert any(step.kind == "waiting" for step in execution.steps) == pauses
    text: str = execution.output["seen"]
    return text


async def both(url: str) -> tuple[Any, Any]:
    uninterrupted = await seen(url, pauses=False)
    resumed = await seen(url, pauses=True)
    return json.loads(uninterrupted), json.loads(resumed)


def differences(one: Any, other: Any) -> bool:
    """Whether two values differ in anything that code could see: `1 == 1.0` to Python, but not to JSON."""
    return json.dumps(one) != json.dumps(other)


def test_a_resumed_execution_sees_the_same_keys_and_numbers(database_url: str) -> None:
    uninterrupted, resumed = asyncio.run(both(database_url))

    assert json.dumps(uninterrupted["given"]) == json.dumps(json.loads(AS_GIVEN))
    assert json.dumps(uninterrupted["picked"]) == "[1, 1.0, 1e+16, 10000000000000000, 9223372036854775807]"
    for name in ("given", "picked", "last"):
        assert json.dumps(resumed[name]) == json.dumps(uninterrupted[name])


def test_with_jsonb_a_resumed_execution_would_differ(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def through_jsonb(checkpoint: Any) -> bytes | None:
        """What jsonb does to a text: keys by length, whole numbers for 1e16, no negative zero."""
        import psycopg

        text = result_text(checkpoint)
        if text is None:
            return None
        with psycopg.connect(database_url) as connection:
            row = connection.execute("select (%s::json)::jsonb::text", (text.decode(),)).fetchone()
        assert row is not None
        return str(row[0]).encode()

    monkeypatch.setattr("durable_runtime.store.columns.result_text", through_jsonb)

    uninterrupted, resumed = asyncio.run(both(database_url))

    assert differences(uninterrupted["given"], resumed["given"])
