"""Children of an execution that fails, or is cancelled so, undo what they have completed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable
from durable_runtime.worker import Worker
from tests.faults import worker_steps as steps
from tests.faults.working import running, status, until

FAMILY = """
workflow: parent
steps:
  - parallel: both
    branches:
      left:
        - step: child
          workflow: trip
      right:
        - step: gate
          call: tests.faults.worker_steps.held
          with: {tag: gate}
        - fail: stop
---
workflow: trip
steps:
  - step: book
    call: tests.faults.worker_steps.note
    with: {tag: booked}
    compensate: {call: tests.faults.worker_steps.note, with: {tag: undone}}
  - wait: long
    for: 1h
"""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


def ends(url: str) -> dict[str, tuple[str, Any]]:
    """Status and error of each execution, by its workflow."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("select workflow, status, error->'data' from durable.execution").fetchall()
    return {str(workflow): (str(status), data) for workflow, status, data in rows}


@pytest.mark.parametrize(("how", "is_undone"), [("fails", True), ("cancel", False), ("compensate", True)])
def test_a_child_is_undone_with_its_parent(database_url: str, tmp_path: Path, how: str, is_undone: bool) -> None:
    path = tmp_path / "family.yaml"
    path.write_text(FAMILY)

    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(path)
            await until(lambda: steps.begun["gate"], "the other branch runs")
            await until(lambda: ends(database_url).get("trip", ("", None))[0] == "waiting", "the child has booked")
            if how == "fails":
                steps.let_go("gate")
            else:
                await durable.cancel(id, "enough", compensate=how == "compensate")
            await until(lambda: ends(database_url)["trip"][0] == "cancelled", "the child ends")
            expected = "failed" if how == "fails" else "cancelled"
            await until(lambda: status(database_url, id) == expected, "the parent ends")

    asyncio.run(scenario())

    assert steps.begun["booked"] == 1
    assert steps.begun["undone"] == int(is_undone)
    assert ("compensate" in ends(database_url)["trip"][1]) is is_undone
