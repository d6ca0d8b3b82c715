"""Somebody cancels while what was completed is being undone."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from durable_runtime import AsyncDurable
from durable_runtime.worker import Worker
from tests.faults import worker_steps as steps
from tests.faults.working import graph, running, status, until

TRIP = graph(
    """
    workflow: trip
    on_failure: [{step: tell, call: tests.faults.worker_steps.note, with: {tag: told}}]
    steps:
      - step: hotel
        call: tests.faults.worker_steps.note
        with: {tag: hotel}
        compensate: {call: tests.faults.worker_steps.note, with: {tag: hotel undone}}
      - step: car
        call: tests.faults.worker_steps.note
        with: {tag: car}
        compensate: {call: tests.faults.worker_steps.held, with: {tag: car undone}}
      - step: gate
        call: tests.faults.worker_steps.held
        with: {tag: gate}
      - fail: stop
    """
)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    steps.forget()


def cancels(url: str) -> int:
    """How many cancels have become part of the history."""
    with psycopg.connect(url) as connection:
        return connection.execute("select from durable.checkpoint where kind = 'cancelled'").rowcount


@pytest.mark.parametrize("cause", ["a failure", "a cancel"])
def test_a_plain_cancel_stops_the_undoing_where_it_stands(database_url: str, cause: str) -> None:
    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(TRIP)
            await until(lambda: steps.begun["gate"], "both are booked")
            if cause == "a failure":
                steps.let_go("gate")
            else:
                await durable.cancel(id, compensate=True)
            await until(lambda: steps.begun["car undone"], "the car is being given back")
            assert await durable.cancel(id, "leave it") == "running"
            await until(lambda: status(database_url, id) == "cancelled", "it ends at once")

    asyncio.run(scenario())

    assert steps.ended["car undone"] == 0
    assert steps.begun["hotel undone"] == 0
    assert steps.begun["told"] == 0


def test_a_cancel_that_asks_for_undoing_lets_it_go_on_and_ends_it_as_cancelled(database_url: str) -> None:
    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(TRIP)
            steps.let_go("gate")
            await until(lambda: steps.begun["car undone"], "the car is being given back after the failure")
            await durable.cancel(id, compensate=True)
            await until(lambda: cancels(database_url) == 1, "the cancel is seen")
            steps.let_go("car undone")
            await until(lambda: status(database_url, id) == "cancelled", "it ends")

    asyncio.run(scenario())

    assert steps.begun == {"hotel": 1, "car": 1, "gate": 1, "car undone": 1, "hotel undone": 1}


def test_after_a_cancel_nothing_is_undone_twice_and_nothing_completes(database_url: str) -> None:
    async def scenario() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(TRIP)
            await until(lambda: steps.begun["gate"], "both are booked")
            await durable.cancel(id, compensate=True)
            await durable.cancel(id, compensate=True)
            await until(lambda: steps.begun["car undone"], "the car is being given back")
            await durable.cancel(id, compensate=True)
            steps.let_go("gate", "car undone")
            await until(lambda: status(database_url, id) == "cancelled", "it ends")

    asyncio.run(scenario())

    assert cancels(database_url) == 1
    assert steps.ended["gate"] == 0  # told to stop as soon as the cancel was stored
    assert {tag: times for tag, times in steps.begun.items() if "undone" in tag} == {"car undone": 1, "hotel undone": 1}
    assert steps.begun["told"] == 0
