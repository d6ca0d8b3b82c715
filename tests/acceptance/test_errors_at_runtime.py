"""What an error says of itself, and how often a step is tried, with a real worker on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durable_runtime import AsyncDurable, Fatal, Retry, StepContext
from durable_runtime.client import Execution
from tests.acceptance.clients import graph, run, work

HERE = "tests.acceptance.test_errors_at_runtime"


class Busy(Exception):
    """Not now."""


def third_time(ctx: StepContext) -> str:
    """Works at its third attempt, and says when it wants the second."""
    if ctx.attempt == 1:
        raise Retry("not yet", after=timedelta(milliseconds=30), data={"queue": 7})
    if ctx.attempt == 2:
        raise Busy("still not")
    return "done"


def hopeless() -> None:
    """Never works."""
    raise Fatal("the card is stolen", data={"code": 43})


def busy() -> None:
    """Never works, and might."""
    raise Busy("no room")


async def _ended(database_url: str, step: str) -> Execution:
    async with AsyncDurable(database_url) as durable:
        workflow = graph(f"workflow: tries\nsteps:\n  - {step}\n")
        id = await durable.start(workflow)
        await work(durable)
        return await durable.get_execution(id, include_steps=True)


def ended(database_url: str, step: str) -> Execution:
    """Runs a workflow of one step to its end."""
    return run(_ended(database_url, step))


def told(execution: Execution) -> list[tuple[str, int, Any]]:
    """Kind, attempt and type of the error of each record."""
    return [(step.kind, step.attempt, step.error and step.error["type"]) for step in execution.steps or ()]


def test_each_attempt_is_in_the_history_with_its_error_and_its_times(database_url: str) -> None:
    found = ended(
        database_url,
        f"{{step: s, call: {HERE}.third_time, with: {{}}, save: s, retry: {{max_attempts: 5, delay: 10ms}}}}",
    )

    assert (found.status, found.output) == ("completed", {"s": "done"})
    assert told(found) == [("retrying", 1, "Retry"), ("retrying", 2, "Busy"), ("completed", 3, None)]
    first, second, third = found.steps or ()
    assert first.error == {"type": "Retry", "message": "not yet", "data": {"queue": 7}, "node": "s", "attempt": 1}
    assert first.due_at is not None
    assert first.due_at - first.finished_at == timedelta(milliseconds=30)
    assert second.due_at is not None
    for before, after in ((first, second), (second, third)):
        assert before.due_at is not None
        assert after.started_at is not None
        assert before.started_at is not None
        assert before.started_at <= before.finished_at < before.due_at <= after.started_at <= after.finished_at


def test_what_is_fatal_is_not_tried_again(database_url: str) -> None:
    found = ended(database_url, f"{{step: s, call: {HERE}.hopeless, with: {{}}, retry: 5}}")

    assert told(found) == [("failed", 1, "Fatal")]
    assert found.error == {
        "type": "Fatal",
        "message": "the card is stolen",
        "data": {"code": 43},
        "node": "s",
        "attempt": 1,
    }


def test_no_attempt_begins_after_the_time_for_all_of_them(database_url: str) -> None:
    policy = "{max_attempts: 50, delay: 1h, max_delay: 1h, backoff: constant, jitter: 0, max_elapsed: 30m}"
    found = ended(database_url, f"{{step: s, call: {HERE}.busy, with: {{}}, retry: {policy}}}")

    assert told(found) == [("failed", 1, "Busy")]
