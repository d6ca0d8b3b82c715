"""Attempts that do not end when they should: their late results go nowhere, and nothing waits for them."""

from __future__ import annotations

import asyncio

import pytest

from durable_runtime.worker import Worker
from tests.faults import worker_steps as steps
from tests.faults.working import call, executions, graph, running, start, status, statuses, until


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


IMPATIENT = """
workflow: impatient
steps:
  - step: work
    call: tests.faults.worker_steps.{function}
    with: {{tag: late}}
    save: answer
    timeout: 10ms
"""


@pytest.mark.parametrize(("function", "second"), [("stubborn", "late 1"), ("held_thread", "late"), ("held", "late")])
def test_a_step_that_outlives_its_timeout_fails_and_its_late_result_is_refused(
    database_url: str, function: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durable_runtime.actions.performing.CLEAN_UP", 0.01)

    async def scenario() -> None:
        await start(database_url, graph(IMPATIENT.format(function=function)), [{}])
        async with running(Worker(database_url)):
            await until(lambda: statuses(database_url) == {"failed": 1}, "the step times out")
            steps.let_go(second)
            if function != "held":
                await until(lambda: steps.ended[second], "the step comes to its end all the same")

    asyncio.run(scenario())

    [row] = executions(database_url).values()
    assert row.status == "failed"
    assert row.error["type"] == "Timeout"
    assert row.error["message"] == "work took longer than 0.01 s"


def test_a_late_result_of_one_attempt_is_not_taken_for_that_of_the_next(database_url: str) -> None:
    workflow = """
    {workflow: twice, steps: [{step: work, call: tests.faults.worker_steps.held_thread_attempt, with: {tag: late},
      save: answer, timeout: 50ms, retry: {max_attempts: 2, delay: 0s}}]}
    """

    async def scenario() -> None:
        await start(database_url, graph(workflow), [{}])
        async with running(Worker(database_url)):
            await until(lambda: steps.begun["late 2"], "the second attempt begins")
            steps.let_go("late 1")
            await until(lambda: steps.ended["late 1"], "the first one comes to its end all the same")
            await until(lambda: statuses(database_url) == {"failed": 1}, "the second one times out too")
            steps.let_go("late 2")

    asyncio.run(scenario())

    [row] = executions(database_url).values()
    assert (row.error["type"], row.error["attempt"]) == ("Timeout", 2)
    assert steps.begun == {"late 1": 1, "late 2": 1}


def test_a_worker_with_too_many_hanging_threads_takes_no_more_work_until_they_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("durable_runtime.actions.performing.MAX_ABANDONED", 2)

    async def scenario() -> None:
        await start(database_url, graph(IMPATIENT.format(function="held_thread")), [{}, {}])
        async with running(Worker(database_url, threads=2)):
            await until(lambda: statuses(database_url) == {"failed": 2}, "both steps time out")
            [later] = await start(database_url, call("note"), [{"tag": "later"}])
            await until(lambda: "takes nothing new" in caplog.text, "the worker says so")
            assert status(database_url, later) == "pending"
            steps.let_go("late")
            await until(lambda: status(database_url, later) == "completed", "it takes work again")

    asyncio.run(scenario())


def test_a_step_may_ask_to_be_tried_again_in_a_thousand_centuries(database_url: str) -> None:
    workflow = """
    {workflow: patient, steps: [{step: work, call: tests.faults.worker_steps.much_later, with: {tag: much}, save: x,
      retry: 3}]}
    """

    async def scenario() -> None:
        await start(database_url, graph(workflow), [{}])
        async with running(Worker(database_url)):
            await until(lambda: statuses(database_url) == {"waiting": 1}, "it is suspended until then")

    asyncio.run(scenario())

    assert steps.begun["much"] == 1
