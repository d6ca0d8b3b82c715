"""Loops that keep only their last turns: few rows however long they run, and errors that say what is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.errors import HistoryPruned
from durable_runtime.worker import executor, snapshots
from tests.acceptance.test_wake_costs import rows_read
from tests.faults.working import graph, running
from tests.postgres import OwnServer, wait_until

TURNS = 10_000
KEPT = 10

LONG = f"""
workflow: long
steps:
  - step: begin
    set: {{total: 0}}
  - loop: count
    while: iteration <= {TURNS}
    max_iterations: {TURNS + 1}
    keep: {KEPT}
    steps:
      - step: note
        set: {{seen: "${{ iteration }}", total: "${{ data.total + iteration }}"}}
  - wait: rest
    event: go
"""

FAILED_BEFORE = """
workflow: failed_before
steps:
  - parallel: both
    on_error: complete_all
    save: both
    branches:
      left:
        - fail: early
          message: on purpose
      right:
        - loop: count
          until: iteration == 100
          keep: 5
          steps:
            - step: note
              set: {n: "${ iteration }"}
  - fail: late
    when: "!data.both.left.ok"
    message: one of both failed
on_failure:
  - loop: tell
    until: iteration == 100
    keep: 5
    steps:
      - step: note_it
        set: {n: "${ iteration }"}
"""

BOOKS = """
workflow: books
steps:
  - loop: count
    until: iteration == 100
    keep: 5
    steps:
      - step: book
        set: {n: "${ iteration }"}
        compensate: {call: tests.acceptance.keep_steps.undo, with: {n: "${ data.n }"}}
      - step: note
        set: {noted: "${ iteration }"}
  - fail: late
    message: on purpose
"""

FAILS = """
workflow: fails
input:
  properties: {upto: {type: integer}}
steps:
  - step: first
    set: {n: 0}
  - loop: count
    until: iteration == input.upto
    keep: 5
    timeout: 1h
    steps:
      - step: note
        set: {n: "${ data.n + 1 }"}
      - step: check
        call: tests.acceptance.keep_steps.check
        with: {n: "${ data.n }"}
output: ${ data.n }
"""


def rows(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"select count(*) from durable.{table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_loop_of_ten_thousand_turns_that_keeps_ten_stays_small_and_wakes_cheaply(
    own_server: Callable[..., OwnServer],
) -> None:
    url = own_server().conninfo

    async def until_it_waits() -> str:
        async with AsyncDurable(url) as durable:
            await durable.migrate()
            async with running(Worker(url)):
                id = await durable.start(graph(LONG))
                while not await durable.list_pending(execution=id):
                    await asyncio.sleep(0.05)
        return id

    async def to_its_end(id: str) -> object:
        async with AsyncDurable(url) as durable, running(Worker(url)):
            await durable.send_event(id, "go", {})
            return (await durable.result(id))["total"]

    id = asyncio.run(until_it_waits())
    # Two snapshots and what lies behind the older one: turns have two checkpoints each.
    assert rows(url, "checkpoint") <= 3 * snapshots.EVERY
    assert rows(url, "snapshot") == 2
    wait_until(lambda: _stands_still(url), "it is counted")
    before = rows_read(url)
    assert asyncio.run(to_its_end(id)) == TURNS * (TURNS + 1) // 2
    wait_until(lambda: rows_read(url) > before and _stands_still(url), "it is counted")
    assert rows_read(url) - before <= 2 * snapshots.EVERY


def _stands_still(url: str) -> bool:
    first = rows_read(url)
    return first > 0 and first == rows_read(url)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "EVERY", 20)


async def _failed(durable: AsyncDurable, upto: int) -> str:
    """An execution that has failed in the turn before its last."""
    from tests.acceptance import keep_steps

    keep_steps.fails_at = upto - 1
    id = await durable.start(graph(FAILS), {"upto": upto})
    with pytest.raises(Exception, match="not yet"):
        await durable.result(id)
    return id


@pytest.mark.usefixtures("small_steps")
def test_what_failed_in_a_turn_that_is_kept_is_retried_and_forked(database_url: str) -> None:
    async def story() -> None:
        from tests.acceptance import keep_steps

        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await _failed(durable, 100)
            steps = await durable.get_steps(id)
            turns = [step.result for step in steps if step.kind == "turned"]
            assert turns[0] > 50
            assert turns == list(range(turns[0], 100))
            assert (steps[0].path, steps[1].kind) == ("first", "entered")
            assert (await durable.progress(id)).turns == {"count": 99}
            assert (await durable.explain(id))[0].startswith("it failed")
            keep_steps.fails_at = 0
            fork = await durable.fork(id, "count#97/note")
            assert await durable.result(fork) == 100
            await durable.retry(id)
            assert await durable.result(id) == 100
            assert (await durable.get_steps(id))[-1].kind == "completed"

    asyncio.run(story())


@pytest.mark.usefixtures("small_steps")
def test_a_place_that_is_pruned_is_told_as_that(database_url: str) -> None:
    async def story() -> None:
        from tests.acceptance import keep_steps

        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await _failed(durable, 100)
            keep_steps.fails_at = 0
            for place in ("first", "count", "count#3/note"):
                with pytest.raises(HistoryPruned, match="keeps only its last ones"):
                    await durable.fork(id, place)
            with pytest.raises(HistoryPruned, match="for that input only"):
                await durable.fork(id, "count#97/note", {"upto": 200})

    asyncio.run(story())


@pytest.mark.usefixtures("small_steps")
def test_a_failure_from_before_what_is_left_is_not_taken_back(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            id = await durable.start(graph(FAILED_BEFORE))
            with pytest.raises(Exception, match="one of both failed"):
                await durable.result(id)
            with pytest.raises(HistoryPruned, match="what failed began in turns of a loop that are gone"):
                await durable.retry(id)
            # Whoever retries many is not asked one by one: it fails once more, as it had.
            assert await durable.retry_many(workflow="failed_before") == 1
            with pytest.raises(Exception, match="one of both failed"):
                await durable.result(id)

    asyncio.run(story())


def test_a_step_that_may_still_be_undone_stays(database_url: str, small_steps: None) -> None:
    from tests.acceptance import keep_steps

    async def story() -> None:
        async with AsyncDurable(database_url) as durable, running(Worker(database_url)):
            keep_steps.undone.clear()
            id = await durable.start(graph(BOOKS))
            with pytest.raises(Exception, match="on purpose"):
                await durable.result(id)
            steps = await durable.get_steps(id)
            assert len([step for step in steps if step.path.endswith("/note")]) < 60
            booked = [step.path for step in steps if step.path.endswith("/book") and step.kind == "completed"]
            assert booked == [f"count#{turn}/book" for turn in range(1, 101)]
            assert keep_steps.undone == list(range(100, 0, -1))

    asyncio.run(story())
