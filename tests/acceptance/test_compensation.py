"""Undoing on a real PostgreSQL: through SIGKILL in its middle, after a cancel, as clients and commands tell of it."""

from __future__ import annotations

import asyncio
import subprocess
import uuid
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from durable_dsl.drawing import NodeStatus
from durable_runtime import AsyncDurable, ExecutionCancelled, ExecutionFailed
from tests.acceptance.clients import graph, run, work
from tests.acceptance.command import Command, warm_durable
from tests.faults.working import expire
from tests.postgres import wait_until

TRIP = """
workflow: trip
steps:
  - {step: a, call: trip.do, with: {}, compensate: {call: trip.undo, with: {}}}
  - foreach: each
    in: "[1, 2]"
    steps:
      - step: b
        call: trip.do
        with: {}
        compensate: {call: trip.undo, with: {fails: "${ 3 - item }"}, retry: {max_attempts: 3, delay: 100ms}}
  - group: g
    catch: [{compensate: true, rethrow: true}]
    steps:
      - {step: c, call: trip.do, with: {}, compensate: {call: trip.undo, with: {}}}
      - {fail: stop}
"""

FUNCTIONS = '''
"""Steps that write what begins into a ledger, and stand still for good where they are told to."""

import os
import threading
from pathlib import Path


def do(ctx):
    with open("ledger", "a") as ledger:
        ledger.write(f"{ctx.execution_id} {ctx.node} {ctx.attempt}\\n")
    if os.environ.get("STAND_STILL") == f"{ctx.node} {ctx.attempt}":
        Path(f"{ctx.execution_id} stands still").touch()
        threading.Event().wait()


def undo(ctx, fails=1):
    do(ctx)
    if ctx.attempt < fails:
        raise ConnectionError(f"not now, and {ctx.error['type']} is why it is undone")
'''

UNDOING = (
    "g/c/compensate 1",
    "each[1]/b/compensate 1",
    "each[0]/b/compensate 1",
    "each[0]/b/compensate 2",
    "a/compensate 1",
)
"""What is undone, in this order."""


@pytest.fixture
def trip(tmp_path: Path, database_url: str) -> Command:
    """The command in a folder with the trip."""
    command = Command(tmp_path, database_url)
    command.write("trip.yaml", TRIP)
    command.write("trip.py", FUNCTIONS)
    return command


def test_what_is_killed_in_the_middle_of_undoing_goes_on_and_undoes_nothing_twice(
    trip: Command, database_url: str
) -> None:
    ids = {place: str(uuid.uuid4()) for place in UNDOING}
    with ExitStack() as running:
        processes = []
        for place, id in ids.items():
            process = subprocess.Popen(
                [*warm_durable(), "run", "trip.yaml", "--id", id, "--quiet"],
                cwd=trip.folder,
                env={**trip.variables, "STAND_STILL": place},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            running.callback(process.wait)
            running.callback(process.kill)
            processes.append(process)
        markers = [trip.folder / f"{id} stands still" for id in ids.values()]
        wait_until(lambda: all(marker.exists() for marker in markers), "all stand in their places", seconds=60)
        for process in processes:
            process.kill()
            process.wait()
        expire(database_url)

    report = trip("worker", "--until-idle", "--json").json["report"]

    assert report["compensated"] == len(ids)
    ledger = [line.split(" ", 1) for line in (trip.folder / "ledger").read_text().splitlines()]
    for place, id in ids.items():
        began = Counter(attempt for execution, attempt in ledger if execution == id and "compensate" in attempt)
        assert began == {attempt: 2 if attempt == place else 1 for attempt in UNDOING}
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select e.public_id::text, c.path || ' ' || c.attempt, c.kind from durable.checkpoint c"
            " join durable.execution e on e.id = c.execution_id where c.path like '%/compensate' order by c.seq"
        ).fetchall()
    for id in ids.values():
        assert [(attempt, kind) for execution, attempt, kind in rows if execution == id] == [
            (attempt, "retrying" if attempt == "each[0]/b/compensate 1" else "compensated") for attempt in UNDOING
        ]


REST = graph("""
workflow: rest
steps:
  - step: a
    set: {n: 1}
    compensate: {log: "undone, n is ${ data.n }"}
  - step: b
    set: {n: 2}
    compensate: {call: tests.acceptance.test_compensation.fails, with: {how: "${ input.how }"}}
  - wait: nap
    for: 1h
""")


def fails(how: str) -> None:
    """What undoes a step, well or not."""
    if how == "badly":
        raise RuntimeError("it cannot be undone")


def test_a_cancel_undoes_when_it_is_asked_to(database_url: str) -> None:
    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable:
            well = await durable.start(REST, {"how": "well"})
            badly = await durable.start(REST, {"how": "badly"})
            plain = await durable.start(REST, {"how": "well"})
            await _until_waiting(durable, [well, badly, plain])
            assert await durable.cancel(well, "enough", by="ada", compensate=True) == "waiting"
            assert await durable.cancel(badly, "enough", compensate=True) == "waiting"
            assert await durable.cancel(plain, "enough") == "waiting"
            await work(durable)

            with pytest.raises(ExecutionCancelled, match="was cancelled: enough") as cancelled:
                await durable.result(well, timeout=0)
            assert cancelled.value.error["data"] == {"reason": "enough", "by": "ada", "compensate": True}
            found = await durable.get_execution(well, include_steps=True, include_logs=True)
            assert found.status == "cancelled"
            assert [(step.path, step.kind) for step in found.steps or ()][3:] == [
                ("", "cancelled"),
                ("", "compensating"),
                ("b/compensate", "compensated"),
                ("a/compensate", "compensated"),
            ]
            assert [line.message for line in found.logs or ()] == ["undone, n is 1"]
            states = await durable.node_states(well)
            assert {id: state.status for id, state in states.items()} == {
                "a": NodeStatus.compensated,
                "b": NodeStatus.compensated,
                "nap": NodeStatus.cancelled,
            }

            with pytest.raises(ExecutionFailed, match="not all that it had completed could be undone") as failed:
                await durable.result(badly, timeout=0)
            assert not isinstance(failed.value, ExecutionCancelled)
            assert [error["node"] for error in failed.value.error["data"]["compensation_errors"]] == ["b/compensate"]
            states = await durable.node_states(badly)
            assert (states["b"].status, states["b"].detail) == (NodeStatus.failed, "not undone: RuntimeError")

            left = await durable.get_execution(plain, include_steps=True)
            assert left.status == "cancelled"
            assert [step.path for step in left.steps or () if "compensate" in step.path] == []
            listed = await durable.list_executions(status=["compensated", "compensation_failed"])
            assert [each.id for each in listed] == [badly]

    run(scenario())


async def _until_waiting(durable: AsyncDurable, ids: list[str]) -> None:
    worker = durable.worker()
    working = asyncio.ensure_future(worker.run())
    while {(await durable.get_execution(id)).status for id in ids} != {"waiting"}:
        await asyncio.sleep(0.02)
    worker.stop()
    await working


def test_the_command_line_tells_what_was_undone(trip: Command, database_url: str) -> None:
    ran = trip("run", "trip.yaml", "--json")
    assert ran.code == 1
    [id] = [each["id"] for each in trip("list", "--status", "compensated", "--json").json["executions"]]
    assert ran.json["execution"]["id"] == id
    assert ran.json["execution"]["error"]["type"] == "Failed"
    assert "failed: Failed at g/stop" in trip("run", "trip.yaml").err.replace("\n", " ")

    told = trip("status", id).out
    assert "each[0]/b/compensate" in told
    assert "attempt 1; ConnectionError: not now, and Failed is why it is undone; again at" in told

    waits = trip("start", "trip.yaml", "--json").json["id"]
    answer = trip("cancel", waits, "--compensate", "--reason", "no time", "--json")
    assert (answer.code, answer.json["status"]) == (0, "pending")
    assert trip("worker", "--until-idle", "--json").json["report"]["cancelled"] == 1
    assert trip("cancel", id, "--compensate").code == 1
