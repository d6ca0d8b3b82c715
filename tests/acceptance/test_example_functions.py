"""An example whose workflow is one function: on a real worker, and through a year in memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import AsyncDurable
from durable_runtime.testing import Answer, Event, SimulationResult, simulate
from examples.workflows import gateway
from examples.workflows.desk import list_papers
from tests.acceptance.stories import FOLDER, run

GOOD, DECLINED, LOST = "4000 0000 0000 1111", "4000 0000 0000 0002", "4000 0000 0000 0259"
MONTH = timedelta(days=30)


@pytest.fixture(autouse=True)
def _output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_EXAMPLES_OUTPUT", str(tmp_path))


def simulated(card: str, **more: Any) -> SimulationResult:
    result = simulate(FOLDER / "subscription.yaml", {"reader": "ada", "card": card}, **more)
    assert result.status == "completed", result.error
    return result


def test_a_reader_gives_another_card_and_stops(database_url: str) -> None:
    async def drive(durable: AsyncDurable, id: str) -> None:
        while not (found := await durable.list_pending(kind="text", assignee="ada")):
            await asyncio.sleep(0.02)
        assert (found[0].path, found[0].detail["prompt"]) == (
            "subscribe/card",
            "The card ending in 0002 was declined. Which other one?",
        )
        await durable.provide_input(id, "card", LOST)
        while not await durable.list_pending(kind="event", execution=id):
            await asyncio.sleep(0.02)
        await durable.emit("subscription.stopped", "ada", {"because": "moved away"})

    done = run(database_url, "subscription.yaml", {"reader": "ada", "card": DECLINED}, drive)
    assert done.output == {"paid": 1, "because": "moved away"}
    # The answer to the first attempt got lost; the second was told of the same charge.
    assert [charge[1:] for charge in gateway.list_charges()] == [("0259", 990)]
    assert list_papers("farewells") == {
        "subscribe-farewell": {"reader": "ada", "months": 1, "because": "moved away"},
    }
    assert [(step.path, step.kind) for step in done.steps or () if step.kind != "arrived"] == [
        ("subscribe", "entered"),
        ("subscribe/charge", "failed"),
        ("subscribe/card", "waiting"),
        ("subscribe/card", "completed"),
        ("subscribe/charge#2", "retrying"),
        ("subscribe/charge#2", "completed"),
        ("subscribe/emit", "completed"),
        ("subscribe/stop", "waiting"),
        ("", "received"),
        ("subscribe/stop", "completed"),
        ("subscribe/farewell", "completed"),
        ("subscribe", "completed"),
    ]


def test_a_year_is_charged_twelve_times() -> None:
    result = simulated(GOOD)
    assert result.output == {"paid": 12, "because": "over"}
    assert result.slept == 12 * MONTH
    assert len({id for id, _card, _cents in gateway.list_charges()}) == 12


def test_who_stops_in_the_middle_of_the_third_month_is_not_charged_for_a_fourth() -> None:
    stop = Event("subscription.stopped", {"because": "enough"}, key="ada", after=2.5 * MONTH)
    assert simulated(GOOD, events=[stop]).output == {"paid": 3, "because": "enough"}
    assert len(gateway.list_charges()) == 3


def test_a_card_that_comes_too_late_ends_it() -> None:
    late = Answer(GOOD, after=2 * MONTH)
    assert simulated(DECLINED, answers={"subscribe/card": late}).output == {"paid": 0, "because": "not paid"}
    assert gateway.list_charges() == []
