"""Executions and those they start, while workers die and both sides move at the same moment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable
from durable_runtime.worker import Worker
from tests.faults import worker_steps as steps
from tests.faults.working import expire, running, status, statuses, until, value

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file outside of the database to which steps add lines."""
    path = tmp_path / "ledger"
    path.touch()
    monkeypatch.setenv("DURABLE_TEST_LEDGER", str(path))
    return path


def _child(name: str, function: str) -> str:
    return f"""
workflow: {name}
steps:
  - step: work
    call: tests.faults.worker_steps.{function}
    with: {{tag: "${{ input.tag }}"}}
    save: tag
output: "${{ data.tag }}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file of a parent and of two children: one writes into the ledger, one stays until it is let go."""

    def write(parent: str) -> Path:
        path = tmp_path / "family.yaml"
        path.write_text("\n---\n".join((parent, _child("writer", "write_down"), _child("holder", "held"))))
        return path

    return write


async def until_lines(ledger: Path, count: int) -> None:
    """Returns when the ledger has so many lines."""
    await until(lambda: len(ledger.read_text(encoding="utf-8").splitlines()) >= count, f"{count} children have written")


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


# -- a worker dies while it starts them -------------------------------------------------------------------------------

FAN_OUT = """
workflow: fan_out
steps:
  - foreach: each
    in: input.numbers
    concurrency: 60
    save: written
    steps:
      - step: write
        workflow: writer
        with: {tag: "child ${ item }"}
output: "${ data.written }"
"""


@pytest.fixture
def process(database_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts workers in processes of their own; none is left."""
    started: list[subprocess.Popen[bytes]] = []
    code = (
        "import asyncio, sys; from datetime import timedelta; from durable_runtime.worker import Worker; "
        "asyncio.run(Worker(sys.argv[1], lease=timedelta(seconds=2), concurrency=30).run())"
    )

    def begin() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", code, database_url], cwd=ROOT, env=dict(os.environ)))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.wait()


def test_a_fan_out_of_200_children_whose_workers_are_killed_starts_each_once(
    database_url: str, ledger: Path, file: Callable[[str], Path], process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    count, kills = 200, 3

    def lines() -> list[str]:
        return ledger.read_text(encoding="utf-8").splitlines()

    async def scenario() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(file(FAN_OUT), {"numbers": list(range(count))})
            for kill in range(kills):
                worker = process()
                written = (kill + 1) * count // (kills + 2)
                await until_lines(ledger, written)
                worker.send_signal(signal.SIGKILL)
                worker.wait()
                # The lease of the dead need not be waited for.
                expire(database_url)
            async with running(Worker(database_url)):
                return await durable.result(id, timeout=60)

    output = asyncio.run(scenario())

    assert output == [f"child {number}" for number in range(count)]
    assert value(database_url, "select count(*) from durable.execution where parent is not null") == count
    assert (
        value(database_url, "select count(distinct parent_path) from durable.execution where parent is not null")
        == count
    )
    assert statuses(database_url) == {"completed": count + 1}
    ran = Counter(lines())
    assert set(ran) == {f"child {number}" for number in range(count)}
    # An effect runs again only where the worker that ran it was lost before its checkpoint: of those in the 30 slots,
    # and of those whose end was on its way.
    assert max(ran.values()) <= 1 + kills
    assert sum(ran.values()) - count <= 2 * 30 * kills
    assert value(database_url, "select count(*) from durable.request") == 0
    assert value(database_url, "select count(*) from durable.wait") == 0


# -- what reaches them ------------------------------------------------------------------------------------------------


def family(url: str) -> dict[str, str]:
    """The status of every execution, by its input's tag; the parent has none."""
    found = rows(url, "select coalesce(input->>'tag', 'parent'), status from durable.execution")
    return {str(tag): str(status) for tag, status in found}


def test_a_cancel_reaches_those_that_are_waited_for_and_attached_and_no_other(
    database_url: str, file: Callable[[str], Path]
) -> None:
    path = file(
        """
workflow: parent
steps:
  - step: attach
    start: holder
    with: {tag: attached}
    attached: true
  - step: leave
    start: holder
    with: {tag: detached}
  - step: wait
    workflow: holder
    with: {tag: awaited}
"""
    )

    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(path)
            await until(lambda: len(steps.begun) == 3, "all children run")
            await durable.cancel(id, "not wanted")
            await until(lambda: Counter(family(database_url).values())["cancelled"] == 3, "the cancel has arrived")
            assert family(database_url)["detached"] == "running"
            steps.let_go("detached")
            await until(lambda: family(database_url)["detached"] == "completed", "what was left alone goes on")

    asyncio.run(scenario())

    assert family(database_url) == {
        "parent": "cancelled",
        "attached": "cancelled",
        "awaited": "cancelled",
        "detached": "completed",
    }
    reasons = rows(
        database_url, "select input->>'tag', error->>'message' from durable.execution where parent is not null"
    )
    parent = value(database_url, "select public_id::text from durable.execution where parent is null")
    assert dict(reasons)["awaited"] == f"its parent {parent} was cancelled"
    assert value(database_url, "select count(*) from durable.request") == 0


def test_a_child_that_somebody_cancels_fails_the_step_that_waits_for_it(
    database_url: str, file: Callable[[str], Path]
) -> None:
    path = file(
        """
workflow: parent
steps:
  - step: wait
    workflow: holder
    with: {tag: awaited}
    catch:
      - errors: [ChildCancelled]
        steps:
          - step: note
            set: {why: "${ error.data.error.message }", of: "${ error.data.id }"}
"""
    )

    async def scenario() -> tuple[Any, str]:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(path)
            await until(lambda: steps.begun["awaited"] == 1, "the child runs")
            [child] = await durable.list_children(id)
            await durable.cancel(child.id, "nobody wants it")
            return await durable.result(id, timeout=30), child.id

    output, child = asyncio.run(scenario())
    assert output == {"why": "nobody wants it", "of": child}


def test_a_branch_that_is_given_up_and_a_step_that_is_too_late_cancel_their_children(
    database_url: str, file: Callable[[str], Path]
) -> None:
    path = file(
        """
workflow: parent
steps:
  - parallel: first
    join: any
    branches:
      slow:
        - step: slow
          workflow: holder
          with: {tag: loser}
      quick:
        - step: quick
          workflow: holder
          with: {tag: winner}
  - step: late
    workflow: holder
    with: {tag: late}
    timeout: 50ms
    ignore_errors: true
  - parallel: second
    branches:
      holds:
        - step: holds
          workflow: holder
          with: {tag: beside}
      fails:
        - fail: broken
          type: Broken
          message: it broke
"""
    )

    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(path)
            await until(lambda: {"loser", "winner"} <= set(steps.begun), "both branches have their child")
            steps.let_go("winner")
            await until(lambda: status(database_url, id) == "failed", "the parent ends")
            await until(lambda: "running" not in family(database_url).values(), "no child goes on")

    asyncio.run(scenario())

    found = family(database_url)
    assert found.pop("beside", "cancelled") == "cancelled"
    assert found == {"parent": "failed", "winner": "completed", "loser": "cancelled", "late": "cancelled"}


def test_a_pause_reaches_the_children_and_so_does_the_resume(database_url: str, file: Callable[[str], Path]) -> None:
    path = file(
        """
workflow: parent
steps:
  - step: wait
    workflow: child
---
workflow: child
steps:
  - step: first
    call: tests.faults.worker_steps.held
    with: {tag: first}
  - step: second
    call: tests.faults.worker_steps.note
    with: {tag: second}
"""
    )

    def paused() -> list[bool]:
        return [bool(row[0]) for row in rows(database_url, "select paused from durable.execution order by id")]

    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(path)
            await until(lambda: steps.begun["first"] == 1, "the child runs")
            await durable.pause(id)
            await until(lambda: paused() == [True, True], "both are paused")
            steps.let_go("first")
            await until(lambda: statuses(database_url) == {"waiting": 2}, "both rest")
            assert steps.begun["second"] == 0
            await durable.resume(id)
            await durable.result(id, timeout=30)

    asyncio.run(scenario())
    assert steps.begun["second"] == 1


def test_two_that_wait_for_the_same_key_have_one_child_between_them(
    database_url: str, file: Callable[[str], Path]
) -> None:
    path = file(
        """
workflow: parent
steps:
  - step: once
    workflow: holder
    key: "order ${ input.order }"
    with: {tag: shared}
    save: got
  - step: whose
    start: holder
    key: "order ${ input.order }"
    with: {tag: never}
    save: whose
output: "${ data }"
"""
    )

    async def scenario() -> list[Any]:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            ids = [await durable.start(path, {"order": 7}) for _ in range(3)]
            await until(lambda: statuses(database_url) == {"waiting": 3, "running": 1}, "all wait for one")
            steps.let_go("shared")
            outputs = [await durable.result(id, timeout=30) for id in ids]
            late = await durable.start(path, {"order": 7})
            return [*outputs, await durable.result(late, timeout=30)]

    outputs = asyncio.run(scenario())

    assert steps.begun == {"shared": 1}
    child = value(database_url, "select public_id::text from durable.execution where workflow = 'holder'")
    assert outputs == [{"order": 7, "got": "shared", "whose": child}] * 4
