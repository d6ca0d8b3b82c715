"""Workers that are killed in the middle of what a step shows: it is shown once, in its order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import AsyncDurable
from tests.faults.test_code_first import work_until_idle
from tests.faults.working import executions, graph, start, value


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_TEST_LEDGER", str(tmp_path / "ledger"))


def calling(function: str, with_: str) -> Any:
    return graph(
        f"""
        workflow: {function}
        steps:
          - {{step: main, call: tests.faults.shown_steps.{function}, with: {with_}}}
        """
    )


@pytest.mark.parametrize("point", ["what it wrote is stored", "the rest is not stored"])
def test_a_stream_whose_writer_was_killed_has_everything_once(database_url: str, point: str) -> None:
    [id] = asyncio.run(start(database_url, calling("writes", '{url: "${ input.url }"}'), [{"url": database_url}]))
    assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert work_until_idle(database_url, None) == 0
    assert executions(database_url)[id].status == "completed"

    async def read() -> list[Any]:
        async with AsyncDurable(database_url) as durable:
            return [item.value async for item in durable.read_stream(id, "out")]

    assert asyncio.run(read()) == [[1, 0], [1, 1], [1, 2], "behind"]


@pytest.mark.parametrize("point", ["it is published", "it is published again"])
def test_a_value_is_published_once_whatever_is_killed(database_url: str, point: str) -> None:
    [id] = asyncio.run(start(database_url, calling("publishes", "{}"), [{}]))
    assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert work_until_idle(database_url, None) == 0
    assert executions(database_url)[id].status == "completed"
    assert value(database_url, "select string_agg(value #>> '{}', ' ' order by seq) from durable.value") == "begun over"
