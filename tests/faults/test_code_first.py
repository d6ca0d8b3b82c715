"""Functions that make calls of their own, on whole workers: told while they run, killed at each call, given up."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import AsyncDurable
from durable_runtime.worker import Worker
from tests.faults import context_steps as steps
from tests.faults.working import cancel, executions, expire, graph, running, start, status, statuses, until, value
from tests.warm.python import warm_python


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    steps.told.clear()
    steps.go_on.clear()
    monkeypatch.setenv("DURABLE_TEST_LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def lines(ledger: Path) -> Counter[str]:
    return Counter(ledger.read_text(encoding="utf-8").splitlines())


def calling(function: str, with_: str = "{}", more: str = "") -> Any:
    return graph(
        f"""
        workflow: {function}
        steps:
          - step: main
            call: tests.faults.context_steps.{function}
            with: {with_}
            save: out
            {more}
        """
    )


def test_what_a_step_logs_and_how_far_it_is_are_seen_while_it_runs(database_url: str) -> None:
    async def scenario() -> None:
        [id] = await start(database_url, calling("tells"), [{}])
        async with running(Worker(database_url)), AsyncDurable(database_url) as durable:
            seen: dict[str, Any] = {}

            async def look() -> bool:
                execution = await durable.get_execution(id, include_logs=True)
                seen.update(
                    progress=execution.progress, logs=[(line.level, line.message) for line in execution.logs or ()]
                )
                return bool(execution.progress)

            while not await look():
                await asyncio.sleep(0.02)
            assert seen == {"progress": {"main": {"done": 1, "of": 2}}, "logs": [("debug", "half way")]}
            steps.go_on.set()
            await durable.result(id, timeout=30)
            assert (await durable.get_execution(id)).progress == {}

    asyncio.run(scenario())
    assert value(database_url, "select count(*) from durable.progress") == 0
    assert value(database_url, "select count(*) from durable.log") == 1


def work_until_idle(url: str, die_at: str | None, first: str = "") -> int:
    """Runs a worker in a process of its own, after the program `first`; gives how that ended."""
    code = (
        f"from tests.faults.context_steps import die_at\n{first}\n"
        "import asyncio\nfrom datetime import timedelta\nfrom durable_runtime.worker import Worker\n"
        f"asyncio.run(Worker({url!r}, lease=timedelta(seconds=1)).run(until_idle=True))"
    )
    environment = {**os.environ, "DURABLE_TEST_DIE_AT": die_at or ""}
    words = [*warm_python(), "-c", code]
    ended = subprocess.run(words, env=environment, cwd=Path(__file__).parents[2], check=False).returncode
    if ended == -signal.SIGKILL:
        expire(url)
    return ended


@pytest.mark.parametrize(
    ("point", "twice"),
    [
        ("enter 1", set()),
        ("work 1", {"work 1"}),
        ("after first", set()),
        ("async 2", {"async 2"}),
        ("after second", set()),
        ("work 3", {"work 3"}),
        ("after third", set()),
    ],
)
def test_a_function_killed_at_any_of_its_calls_goes_on_behind_the_last_one_stored(
    database_url: str, ledger: Path, point: str, twice: set[str]
) -> None:
    [id] = asyncio.run(start(database_url, calling("journey", '{n: "${ input.n }"}'), [{"n": 1}]))
    assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert work_until_idle(database_url, None) == 0
    execution = executions(database_url)[id]
    assert execution.status == "completed", execution.error
    made = lines(ledger)
    assert {line: times for line, times in made.items() if not line.startswith("enter")} == {
        line: 2 if line in twice else 1 for line in ("work 1", "async 2", "work 3")
    }
    assert execution.output["out"]["second"][:2] == [2, "main/second"]
    assert [execution.output["out"][key] for key in ("first", "third")] == [1, 3]
    calls = "select count(*) from durable.checkpoint where path like 'main/%%' and kind = 'completed'"
    assert value(database_url, calls) == 4


@pytest.mark.parametrize(("point", "twice"), [("work 1", {"work 1"}), ("after first", set()), ("work 2", {"work 2"})])
def test_a_plain_function_killed_at_its_calls_goes_on_too(
    database_url: str, ledger: Path, point: str, twice: set[str]
) -> None:
    [id] = asyncio.run(start(database_url, calling("plain_journey", '{n: "${ input.n }"}'), [{"n": 1}]))
    assert work_until_idle(database_url, point) == -9, "the worker was not killed"
    assert work_until_idle(database_url, None) == 0
    assert executions(database_url)[id].output == {"n": 1, "out": [1, 2]}
    made = lines(ledger)
    assert {line: made[line] for line in ("work 1", "work 2")} == {
        line: 2 if line in twice else 1 for line in ("work 1", "work 2")
    }


def test_the_thread_of_a_function_that_was_given_up_ends_at_its_next_call(database_url: str, ledger: Path) -> None:
    async def scenario() -> None:
        [id] = await start(database_url, calling("waits_in_a_call"), [{}])
        worker = Worker(database_url)
        async with running(worker):
            await until(steps.told.is_set, "the call is under way")
            await cancel(database_url, id)
            await until(lambda: status(database_url, id) == "cancelled", "it is cancelled")
            steps.go_on.set()
            assert statuses(database_url) == {"cancelled": 1}

    asyncio.run(scenario())
    assert not ledger.exists()
    assert value(database_url, "select count(*) from durable.checkpoint where path like 'main%%'") == 0
