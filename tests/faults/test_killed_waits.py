"""Workers that get SIGKILL while an execution opens a wait, looks for what it waits for, or takes it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import Durable
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from tests.faults.killing import effects, kill_at, kinds, work
from tests.faults.working import executions, graph, start, status


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DURABLE_TEST_LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def begin(url: str, awaited: str) -> str:
    """Starts an execution that waits for this between two steps; gives its id."""
    definition = graph(
        f"""
        workflow: waits
        steps:
          - step: first
            call: tests.faults.context_steps.work
            with: {{value: 1}}
          - wait: hold
            {awaited}
            save: held
          - step: last
            call: tests.faults.context_steps.work
            with: {{value: 2}}
        """
    )
    [id] = asyncio.run(start(url, definition, [{}]))
    return id


def assert_went_on_once(url: str, id: str, ledger: Path, held: Any, *, first: int = 1) -> None:
    """It has completed with this, and nothing was done or taken twice, but the first step if it was lost."""
    execution = executions(url)[id]
    assert (execution.status, execution.output) == ("completed", {"held": held})
    assert effects(ledger) == {"work 1": first, "work 2": 1}
    found = kinds(url, id)
    assert [found[f"completed {node}"] for node in ("first", "hold", "last")] == [1, 1, 1]
    assert found["waiting hold"] == 1


EVENT = "event: paid"
ASK = "ask: text"
ALL = "all: {paid: {event: paid}, said: {ask: text}, nap: {for: 1ms}}"
ANY = "any: {paid: {event: paid}, said: {ask: text}}"


def give(url: str, id: str, *, paid: bool = True, said: bool = True) -> None:
    """Sends the event, and answers what is asked."""
    with Durable(url) as durable:
        if paid:
            durable.send_event(id, "paid", {"n": 1})
        if said:
            [asked] = [each for each in durable.list_pending(execution=id) if each.kind == "ask"]
            durable.provide_input(id, f"hold.{asked.label}" if asked.label else "hold", "yes")


@pytest.mark.parametrize("point", ["before waiting hold", "after waiting hold"])
@pytest.mark.parametrize(
    ("awaited", "held"), [(EVENT, {"n": 1}), (ASK, "yes"), (ALL, {"paid": {"n": 1}, "said": "yes", "nap": None})]
)
def test_a_worker_killed_while_a_wait_opens_leaves_one_wait(
    database_url: str, ledger: Path, awaited: str, held: Any, point: str
) -> None:
    id = begin(database_url, awaited)
    kill_at(database_url, point)
    work(database_url)
    with Durable(database_url) as durable:
        assert len(durable.list_pending(execution=id)) == (2 if awaited == ALL else 1)
    give(database_url, id, paid=awaited != ASK, said=awaited != EVENT)
    work(database_url)
    # What the first step gave is stored together with the opened wait, so it is lost together with it.
    assert_went_on_once(database_url, id, ledger, held, first=2 if point.startswith("before") else 1)


@pytest.mark.parametrize("point", ["before arrived hold", "after arrived hold"])
@pytest.mark.parametrize(
    ("awaited", "held"), [(EVENT, {"n": 1}), (ASK, "yes"), (ALL, {"paid": {"n": 1}, "said": "yes", "nap": None})]
)
def test_a_worker_killed_while_a_wait_takes_something_takes_it_once(
    database_url: str, ledger: Path, awaited: str, held: Any, point: str
) -> None:
    id = begin(database_url, awaited)
    work(database_url)
    give(database_url, id, paid=awaited != ASK, said=awaited != EVENT)
    kill_at(database_url, point)
    work(database_url)
    assert_went_on_once(database_url, id, ledger, held)
    assert kinds(database_url, id)["received"] == (0 if awaited == ASK else 1)


@pytest.mark.parametrize("point", ["before arrived hold", "after arrived hold"])
def test_of_any_one_is_taken_whoever_is_killed(database_url: str, ledger: Path, point: str) -> None:
    id = begin(database_url, ANY)
    work(database_url)
    give(database_url, id, paid=False)
    kill_at(database_url, point)
    with Durable(database_url) as durable:
        durable.send_event(id, "paid", {"n": 1})  # too late or not, it must not come beside the answer
    work(database_url)
    found = executions(database_url)[id].output["held"]
    assert found in ({"which": "said", "value": "yes"}, {"which": "paid", "value": {"n": 1}})
    assert point.startswith("before") or found["which"] == "said"
    assert kinds(database_url, id)["arrived hold"] == 1
    assert_went_on_once(database_url, id, ledger, found)


KEYED = """event: paid
            key: a-17"""
POINTS = ["after waiting hold", "before look", "after look", "before arrived hold", "after arrived hold"]


@pytest.mark.parametrize("point", POINTS)
def test_an_event_that_only_a_look_finds_is_found_by_the_next_worker(
    database_url: str, ledger: Path, point: str
) -> None:
    id = begin(database_url, KEYED)
    with Durable(database_url) as durable:
        durable.emit("paid", "a-17", {"n": 1})
    kill_at(database_url, point)
    work(database_url)
    assert_went_on_once(database_url, id, ledger, {"n": 1})
    assert kinds(database_url, id)["received"] == 1


def test_without_the_look_of_the_next_worker_the_event_is_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begin(database_url, KEYED)
    with Durable(database_url) as durable:
        durable.emit("paid", "a-17", {"n": 1})
    kill_at(database_url, "before look")

    async def finds_nothing(self: PostgresWorkerStore, wanted: Any) -> dict[int, list[Any]]:
        return {}

    monkeypatch.setattr(PostgresWorkerStore, "find_events", finds_nothing)
    work(database_url)
    assert status(database_url, id) == "waiting"


def test_an_event_that_is_routed_and_looked_for_is_received_once(database_url: str, ledger: Path) -> None:
    """The wait's row stands when the event is sent, so it is routed; the next worker looks for it all the same."""
    id = begin(database_url, KEYED)
    kill_at(database_url, "after waiting hold")
    with Durable(database_url) as durable:
        durable.emit("paid", "a-17", {"n": 1})
    work(database_url)
    assert_went_on_once(database_url, id, ledger, {"n": 1})
    assert kinds(database_url, id)["received"] == 1
