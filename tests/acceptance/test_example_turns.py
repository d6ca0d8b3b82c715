"""Examples that come back in turns, to look at a job or for a night's report: each on a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from durable_runtime import AsyncDurable, ExecutionFailed
from durable_runtime.store.hints import workers_channel
from examples.workflows.desk import list_papers
from examples.workflows.output import output_folder
from examples.workflows.word_service import WordService
from tests.acceptance.clients import graph
from tests.acceptance.stories import run


@pytest.fixture(autouse=True)
def _output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_EXAMPLES_OUTPUT", str(tmp_path))


# -- polling --------------------------------------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[WordService]:
    with WordService(port=0) as service:
        thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def text(service: WordService, *lines: str) -> dict[str, Any]:
    return {"text": "\n".join(lines), "pace": "10ms", "service": service.url}


def test_a_job_is_looked_at_until_it_is_done(database_url: str, service: WordService) -> None:
    done = run(database_url, "polling.yaml", text(service, "To be", "or not", "to be"))
    assert done.error is None
    assert (done.output["status"], done.output["looked"]) == ("done", 3)
    (paper,) = list_papers("words").values()
    assert list(paper["words"].items()) == [("be", 2), ("to", 2), ("not", 1), ("or", 1)]
    # The second look came twice: the service was busy.
    (job,) = service.jobs
    assert dict(service.requests) == {"POST /jobs": 1, f"GET /jobs/{job}": 4, f"GET /jobs/{job}/words": 1}
    looks = [step for step in done.steps or () if (step.path, step.kind) == ("poll", "waiting")]
    pauses = [look.due_at - look.finished_at for look in looks if look.due_at is not None]
    assert pauses == [timedelta(milliseconds=10), timedelta(milliseconds=20)]


def test_a_job_that_fails_fails_the_execution(database_url: str, service: WordService) -> None:
    done = run(database_url, "polling.yaml", text(service, "To be", "...", "to be"))
    (job,) = service.jobs
    assert done.error is not None
    assert (done.status, done.error["type"], done.error["message"], done.error["data"]) == (
        "failed", "JobFailed", "line 2 has no words", {"job": job},
    )  # fmt: skip
    assert list_papers("words") == {}


def test_a_job_that_takes_too_long_is_stopped(database_url: str, service: WordService) -> None:
    done = run(database_url, "polling.yaml", text(service, *["never"] * 100))
    (job,) = service.jobs
    assert done.error is None
    assert (done.output["status"], done.output["looked"]) == ("stopped", 5)
    assert list_papers("words") == {"outcome-note": {"given_up": job, "looked": 5}}
    assert service.requests[f"DELETE /jobs/{job}"] == 1


def test_a_job_that_is_done_when_it_would_be_stopped_counts(database_url: str, service: WordService) -> None:
    done = run(database_url, "polling.yaml", text(service, *["again"] * 6))
    (job,) = service.jobs
    assert (done.output["status"], done.output["looked"]) == ("done", 5)
    assert list_papers("words") == {"outcome-write": {"words": {"again": 6}}}
    assert service.requests[f"DELETE /jobs/{job}"] == 1


# -- nightly_report -------------------------------------------------------------------------------------------------


async def pass_night(url: str, durable: AsyncDurable, id: str, number: int) -> datetime:
    """Waits until the execution sleeps in that turn, makes it due, and gives when it would have been."""
    path = f"nights#{number}/night"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            found = await connection.execute(b"select due_at from durable.wait where path = %s", [path])
            if (row := await found.fetchone()) is not None:
                break
            assert (await durable.get_execution(id)).finished_at is None, f"it ended before {path}"
            await asyncio.sleep(0.02)
        async with connection.transaction():
            await connection.execute(b"update durable.checkpoint set due_at = now() where path = %s", [path])
            await connection.execute(b"update durable.wait set due_at = now() where path = %s", [path])
            # Workers know when the next was to be due; they look at once when they are told that there is something.
            await connection.execute(b"select pg_notify(%s, '')", [workers_channel("durable")])
    due_at: datetime = row[0]
    return due_at.astimezone(UTC)


async def have_ended(durable: AsyncDurable, id: str, path: str) -> None:
    """Waits until that step has ended."""
    while path not in [step.path for step in await durable.get_steps(id)]:
        await asyncio.sleep(0.02)


ENDS = """
workflow: shipping
steps:
  - fail: lost
    when: has(input.lost)
    type: Lost
    message: lost
"""


async def ship(durable: AsyncDurable, **input: Any) -> None:
    """Lets an execution end that a report can tell of."""
    id = await durable.start(graph(ENDS), input)
    with suppress(ExecutionFailed):
        await durable.result(id, timeout=60)


def mails() -> list[tuple[str, list[list[str]]]]:
    """Gives subject and rows of each mail in the order of the nights."""
    found = []
    for file in sorted((output_folder() / "reports").glob("*/*.eml")):
        mail = message_from_string(file.read_text(encoding="utf-8"))
        rows = str(mail.get_payload()).split("\n\n")[1].splitlines()
        found.append((str(mail["Subject"]), [row.split() for row in rows]))
    return found


def test_every_night_tells_what_ended_since_the_last(database_url: str) -> None:
    async def nights(durable: AsyncDurable, id: str) -> None:
        await ship(durable)
        await ship(durable)
        await ship(durable, lost=True)
        due_at = await pass_night(database_url, durable, id, 1)
        assert (due_at.hour, due_at.minute) == (2, 0)
        assert due_at.weekday() < 5
        assert due_at > datetime.now(UTC)
        await pass_night(database_url, durable, id, 2)

    done = run(database_url, "nightly_report.yaml", {"to": "ada@example.org", "nights": 2}, nights)
    assert done.error is None
    assert done.status == "completed"
    assert mails() == [
        ("3 executions ended", [["shipping", "completed", "2"], ["shipping", "failed", "1"]]),
        ("0 executions ended", [["nothing", "ended"]]),
    ]
    assert [(output_folder() / mail).is_file() for mail in done.output["mails"]] == [True, True]


def test_a_report_that_could_not_be_written_is_in_the_next(database_url: str) -> None:
    async def nights(durable: AsyncDurable, id: str) -> None:
        await ship(durable)
        # A file where the folder of the mails should be.
        (output_folder() / "reports").touch()
        await pass_night(database_url, durable, id, 1)
        await have_ended(durable, id, "nights#1/report/catch/miss")
        (output_folder() / "reports").unlink()
        await ship(durable)
        await pass_night(database_url, durable, id, 2)

    done = run(database_url, "nightly_report.yaml", {"to": "ada@example.org", "nights": 2}, nights)
    assert done.error is None
    assert mails() == [("2 executions ended", [["shipping", "completed", "2"]])]
    assert len(done.output["mails"]) == 1


def test_three_nights_in_a_row_without_a_report_are_enough(database_url: str) -> None:
    async def nights(durable: AsyncDurable, id: str) -> None:
        (output_folder() / "reports").touch()
        await pass_night(database_url, durable, id, 1)
        await have_ended(durable, id, "nights#1/report/catch/miss")
        (output_folder() / "reports").unlink()
        await pass_night(database_url, durable, id, 2)
        await have_ended(durable, id, "nights#2/report/go_on")
        (output_folder() / "reports").rename(output_folder() / "kept")
        (output_folder() / "reports").touch()
        for number in (3, 4, 5):
            await pass_night(database_url, durable, id, number)

    done = run(database_url, "nightly_report.yaml", {"to": "ada@example.org", "nights": 9}, nights)
    assert done.error is not None
    assert (done.status, done.error["type"], done.error["node"]) == (
        "failed", "NoReports", "nights#5/report/catch/give_up",
    )  # fmt: skip


def test_a_zone_that_is_none_fails_before_the_first_night(database_url: str) -> None:
    done = run(database_url, "nightly_report.yaml", {"to": "ada@example.org", "zone": "Mars/Olympus"})
    assert done.error is not None
    assert (done.error["type"], done.error["node"]) == ("ExpressionError", "nights#1/night")
