"""Asking for executions, awaiting their results, cancelling them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durable_dsl.drawing import NodeState, NodeStatus
from durable_runtime import (
    AsyncDurable,
    Durable,
    ExecutionCancelled,
    ExecutionFailed,
    InvalidOption,
    ResultTimeout,
    UnknownExecution,
)
from tests.acceptance.clients import BREAK, GREET, REST, query, run, work

NOBODY = "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"


def test_a_result_is_the_output_as_soon_as_there_is_one(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            waits = asyncio.create_task(durable.result(id, timeout=timedelta(minutes=1)))
            await work(durable)
            return await waits

    assert run(story()) == "hello Ada!"


def test_a_failed_execution_gives_its_error(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(BREAK)
            await work(durable)
            with pytest.raises(ExecutionFailed) as raised:
                await durable.result(id)

            error = {
                "type": "CardDeclined",
                "message": "no money",
                "data": {"code": 51},
                "node": "outer/refuse",
                "attempt": 1,
            }
            assert raised.value.error == error
            assert str(raised.value) == f"the execution {id} failed at outer/refuse: CardDeclined: no money"
            assert (await durable.get_execution(id)).error == error

    run(story())


def test_a_result_that_does_not_come_in_time_says_how_far_it_is(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            with pytest.raises(ResultTimeout, match=r"has not ended in 0\.02 s; it is pending"):
                await durable.result(id, timeout=0.02)
            with pytest.raises(ResultTimeout, match="it is pending"):
                await durable.result(id, timeout=0)

    run(story())


def test_a_result_without_patience_is_given_if_it_is_there(database_url: str) -> None:
    async def story() -> Any:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            await work(durable)
            return await durable.result(id, timeout=0)

    assert run(story()) == "hello Ada!"


def test_a_waiting_execution_is_cancelled_for_its_reason(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            worker = durable.worker()
            working = asyncio.create_task(worker.run())
            while (await durable.get_execution(id)).status != "waiting":
                await asyncio.sleep(0)

            assert await durable.cancel(id, "no longer wanted", by="ada") == "waiting"
            with pytest.raises(ExecutionCancelled, match="was cancelled: no longer wanted") as raised:
                await durable.result(id, timeout=30)
            worker.stop()
            await working

            assert raised.value.error["data"] == {"reason": "no longer wanted", "by": "ada"}
            assert (await durable.get_execution(id)).status == "cancelled"

    run(story())


def test_one_that_nobody_claimed_yet_is_cancelled_too(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})

            assert await durable.cancel(id) == "pending"
            await work(durable)
            assert (await durable.get_execution(id, include_steps=True)).status == "cancelled"

    run(story())


def test_cancelling_what_has_ended_tells_its_status_and_changes_nothing(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            await work(durable)
            before = await durable.get_execution(id)

            assert await durable.cancel(id, "too late") == "completed"
            assert await durable.get_execution(id) == before

    run(story())
    assert query(database_url, "select count(*) from durable.request") == 0


@pytest.mark.parametrize("id", [NOBODY, "42", "", "'; drop table durable.execution; --"])
def test_an_id_that_nobody_has_is_unknown_everywhere(database_url: str, id: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            assert await durable.find_execution(id) is None
            for ask in (durable.get_execution, durable.result, durable.cancel, durable.get_graph, durable.node_states):
                with pytest.raises(UnknownExecution, match="there is no execution"):
                    await ask(id)
            with pytest.raises(UnknownExecution):
                await durable.list_executions(before=id)

    run(story())


def test_an_execution_tells_its_steps_and_its_log(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(GREET, {"name": "Ada"})
            await work(durable)
            plain = await durable.get_execution(id)
            whole = await durable.get_execution(id, include_steps=True, include_logs=True)

            assert (plain.steps, plain.logs) == (None, None)
            assert whole.steps is not None
            assert [(step.seq, step.path, step.kind) for step in whole.steps] == [(1, "note", "completed")]
            assert whole.logs is not None
            assert [(line.path, line.level, line.message) for line in whole.logs] == [("note", "info", "greeting Ada")]
            assert whole.has_ended
            assert whole.output == "hello Ada!"

    run(story())


def test_an_execution_is_json_when_asked_for_it(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(BREAK)
            await work(durable)
            execution = await durable.get_execution(id, include_steps=True)
            plain = execution.to_json()

            assert json.loads(json.dumps(plain)) == plain
            assert plain["id"] == id
            assert plain["status"] == "failed"
            assert plain["created_at"] == execution.created_at.isoformat().replace("+00:00", "Z")
            assert plain["scheduled_at"] is None
            assert [step["kind"] for step in plain["steps"]] == ["entered", "failed", "failed"]
            assert plain["steps"][1]["error"]["data"] == {"code": 51}
            assert "logs" not in plain

    run(story())


def test_a_list_is_newest_first_and_read_page_by_page(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ids = await durable.start_many(GREET, [{"name": str(number)} for number in range(5)])
            first = await durable.list_executions(limit=2)
            second = await durable.list_executions(limit=2, before=first[-1].id)
            third = await durable.list_executions(limit=2, before=second[-1].id)

            assert [execution.id for execution in [*first, *second, *third]] == ids[::-1]
            assert await durable.list_executions(before=third[-1].id) == []

    run(story())


def test_a_list_lets_through_what_was_asked_for(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            greeted = await durable.start(GREET, {"name": "Ada"})
            broken = await durable.start(BREAK)
            await work(durable)
            resting = await durable.start(REST, queue="slow")

            async def ids(**filters: Any) -> list[str]:
                return [execution.id for execution in await durable.list_executions(**filters)]

            assert await ids(status="completed") == [greeted]
            assert await ids(status=["failed", "pending"]) == [resting, broken]
            assert await ids(workflow="break") == [broken]
            assert await ids(queue="slow") == [resting]
            assert await ids(status="failed", workflow="greet") == []
            with pytest.raises(InvalidOption, match="did you mean 'failed'"):
                await durable.list_executions(status="fail")

    run(story())


def test_nodes_tell_how_far_they_got(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            assert {state.status for state in (await durable.node_states(id)).values()} == {NodeStatus.pending}

            worker = durable.worker()
            working = asyncio.create_task(worker.run())
            while (await durable.get_execution(id)).status != "waiting":
                await asyncio.sleep(0)
            states = await durable.node_states(id)
            worker.stop()
            await working

            assert states["before"] == NodeState(NodeStatus.completed)
            assert states["nap"].status is NodeStatus.waiting
            assert (states["nap"].detail or "").startswith("until ")

    run(story())


def test_a_list_of_workers_tells_who_works(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url, queues={"mails": 3}) as durable:
            assert await durable.list_workers() == []
            worker = durable.worker(name="post office")
            working = asyncio.create_task(worker.run())
            while not (workers := await durable.list_workers()):
                await asyncio.sleep(0)
            worker.stop()
            await working

            assert [(each.name, each.queues, each.expired) for each in workers] == [
                ("post office", {"mails": 3}, False)
            ]
            assert await durable.list_workers() == []

    run(story())


def test_a_worker_for_one_execution_leaves_the_others(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            mine, other = await durable.start_many(GREET, [{"name": "Ada"}, {"name": "Bob"}])
            await durable.worker(only=[mine]).run(until_idle=True)

            assert (await durable.get_execution(mine)).status == "completed"
            assert (await durable.get_execution(other)).status == "pending"
            with pytest.raises(UnknownExecution):
                durable.worker(only=["42"])

    run(story())


def test_executions_are_filtered_counted_and_followed(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            ended = await durable.start(GREET, {"name": "Ada"}, key="17", headers={"tenant": "a"})
            await work(durable)
            paused = await durable.start(GREET, {"name": "Eve"}, headers={"tenant": "a"})
            await durable.pause(paused)
            await durable.start(REST)

            async def ids(**filters: Any) -> list[str]:
                return [each.id for each in await durable.list_executions(**filters)]

            assert await ids(status="paused") == [paused]
            assert await ids(headers={"tenant": "a"}, order="oldest") == [ended, paused]
            assert await ids(key="17") == [ended]
            assert await ids(version="4", order="finished") == [ended]
            assert await ids(finished_from=datetime.now(UTC)) == []
            assert await durable.count_executions() == {"completed": 1, "paused": 1, "pending": 1}
            assert await durable.count_executions(workflow="rest") == {"pending": 1}

            [line] = await durable.get_logs(ended, level="info", node="note")
            assert line.message == "greeting Ada"
            assert await durable.get_logs(ended, after=line.id) == []
            assert await durable.get_logs(ended, level="warning") == []
            assert [step.path for step in await durable.get_steps(ended)] == ["note"]
            assert await durable.get_steps(ended, after=1) == []

    run(story())


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"status": "stopped"}, "'stopped' is no status"),
        ({"order": "random"}, "in the order newest, oldest, finished, not 'random'"),
        ({"created_from": datetime(2026, 1, 1)}, "created_from is a datetime with a time zone"),  # noqa: DTZ001
        ({"headers": {"a": 1}}, "headers are texts by name"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(database_url: str, filters: dict[str, Any], reason: str) -> None:
    with Durable(database_url) as durable, pytest.raises(InvalidOption, match=reason):
        durable.list_executions(**filters)


def test_a_level_that_there_is_not_and_a_parent_that_nobody_is_are_refused(database_url: str) -> None:
    with Durable(database_url) as durable:
        with pytest.raises(InvalidOption, match="'loud' is no level of a log; there are debug, stdout, stderr, info, "):
            durable.get_logs(NOBODY, level="loud")
        with pytest.raises(UnknownExecution):
            durable.list_executions(parent=NOBODY)
