"""Executions that a step's function starts: each once, whatever is killed, and given up with their parent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from durable_runtime import AsyncDurable
from durable_runtime.worker import Worker
from tests.faults.test_code_first import calling, ledger, lines, work_until_idle
from tests.faults.working import executions, graph, start, value

__all__ = ["ledger"]


async def begin(url: str) -> str:
    """Makes the child known, and starts the parent."""
    await start(url, calling("child", '{n: "${ input.n }"}'), [])
    [id] = await start(url, calling("parent", "{n: 1}"), [{}])
    return id


@pytest.mark.parametrize(
    "point", [None, "enter", "child 1", "after the call", "child -1", "after the start", "child 2"]
)
def test_a_function_runs_other_workflows_and_starts_them_once(
    database_url: str, ledger: Path, point: str | None
) -> None:
    id = asyncio.run(begin(database_url))
    if point is not None:
        assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert work_until_idle(database_url, None) == 0
    found = executions(database_url)
    parent = found.pop(id)
    assert parent.status == "completed", parent.error
    called, started, missing = parent.output["out"]
    assert called == {"n": 1, "out": {"twice": 2}, "failed": "ChildFailed"}
    assert found[started].output == {"n": 2, "out": {"twice": 4}}
    assert missing == "WorkflowNotFound"
    assert sorted(row.status for row in found.values()) == ["completed", "completed", "failed"]
    made = lines(ledger)
    assert {line: made[line] for line in made if line.startswith("child")} == {
        line: 2 if line == point else 1 for line in ("child 1", "child -1", "child 2")
    }


def test_a_child_that_a_function_waits_for_is_cancelled_with_its_parent(database_url: str) -> None:
    async def scenario() -> list[str]:
        await start(database_url, graph("workflow: sleeper\nsteps: [{wait: until, event: never}]"), [])
        [id] = await start(database_url, calling("calls_a_sleeper"), [{}])
        async with AsyncDurable(database_url) as durable:
            await Worker(database_url).run(until_idle=True)
            assert value(database_url, "select count(*) from durable.execution where status = 'waiting'") == 2
            await durable.cancel(id)
            await Worker(database_url).run(until_idle=True)
            return sorted({row.status for row in await durable.list_executions()})

    assert asyncio.run(scenario()) == ["cancelled"]


@pytest.mark.parametrize("point", [None, "after the start", "after the start by key", "after the join"])
def test_a_function_joins_what_it_started_and_finds_what_has_a_key(
    database_url: str, ledger: Path, point: str | None
) -> None:
    async def begin() -> str:
        await start(database_url, calling("child", '{n: "${ input.n }"}'), [])
        [id] = await start(database_url, calling("starts_and_joins"), [{}])
        return id

    id = asyncio.run(begin())
    if point is not None:
        assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert work_until_idle(database_url, None) == 0
    found = executions(database_url)
    assert found[id].status == "completed", found[id].error
    assert found[id].output["out"] == [{"n": 1, "out": {"twice": 2}}, {"n": 2, "out": {"twice": 4}}]
    assert len(found) == 3
    assert sorted(line for line in lines(ledger) if line.startswith("child")) == ["child 1", "child 2"]


def test_a_fork_beside_a_function_that_waits_for_a_child_starts_one_of_its_own(database_url: str) -> None:
    flow = graph(
        """
        workflow: flow
        steps:
          - parallel: both
            save: out
            branches:
              calls: [{step: main, call: tests.faults.context_steps.calls_a_sleeper, with: {}}]
              goes: [{wait: first, event: go}, {step: second, set: {n: 1}}]
        """
    )

    async def scenario() -> None:
        await start(database_url, graph("workflow: sleeper\nsteps: [{wait: until, event: wake}]"), [])
        [id] = await start(database_url, flow, [{}])
        async with AsyncDurable(database_url) as durable:
            await Worker(database_url).run(until_idle=True)
            await durable.send_event(id, "go")
            await Worker(database_url).run(until_idle=True)
            forked = await durable.fork(id, "both/second")
            await Worker(database_url).run(until_idle=True)
            [child] = await durable.list_children(forked)
            await durable.send_event(child.id, "wake")
            await Worker(database_url).run(until_idle=True)
            assert (await durable.get_execution(forked)).status == "completed"
            assert (await durable.get_execution(id)).status == "waiting"
            assert "'both/main/call' waits for the execution" in (await durable.explain(id))[0]

    asyncio.run(scenario())
