"""Events that come while an execution fails, and after it has failed: a retry finds what was acknowledged."""

from __future__ import annotations

import psycopg
import pytest

from durable_runtime import AsyncDurable, StepContext, WrongStatus
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import RECOVERY_LIMIT
from durable_runtime.store.takeover import Takeover
from tests.acceptance.clients import graph, run, work

fails: set[str] = set()
url: list[str] = []


async def tell_and_fail(ctx: StepContext) -> None:
    """Fails at first, with an event for its own execution stored and nobody told of it."""
    if "step" in fails:
        store = PostgresClientStore(url[0])
        await store.send_request(ctx.execution_id, "event", {"id": "1", "name": "word", "payload": "hello"})
        await store.close()
        raise RuntimeError("not well")


FLOW = graph("""
workflow: flow
steps:
  - step: work
    call: tests.acceptance.test_client_retried_events.tell_and_fail
  - wait: word
    event: word
    timeout: 1s
    save: word
output: "${ data.word }"
""")

ASKED = graph("""
workflow: asked
steps:
  - parallel: both
    branches:
      one:
        - wait: word
          event: word
          save: word
      two:
        - wait: approval
          ask: approval
          save: approval
output: {word: "${ data.word }", approved: "${ data.approval.approved }"}
""")

KEYED = graph("""
workflow: keyed
steps:
  - parallel: both
    branches:
      one:
        - wait: open
          event: word
          key: a
          save: open
      two:
        - step: work
          call: tests.acceptance.test_client_retried_events.tell_and_fail
        - wait: later
          event: word
          key: b
          save: later
output: {open: "${ data.open }", later: "${ data.later }"}
""")


@pytest.fixture(autouse=True)
def _fails(database_url: str) -> None:
    fails.add("step")
    url[:] = [database_url]


def test_an_event_that_came_before_the_failure_was_stored_is_there_after_a_retry(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(FLOW)
            await work(durable)
            assert (await durable.get_execution(id)).status == "failed"
            fails.clear()
            await durable.retry(id)
            await work(durable)
            assert await durable.result(id) == "hello"

    run(story())


def test_events_by_key_that_were_sent_after_a_failure_are_found_by_its_retry(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(KEYED)
            await work(durable)
            assert (await durable.get_execution(id)).status == "failed"
            await durable.emit("word", "a", "to what was open")
            await durable.emit("word", "b", "to what opens later")
            await work(durable)
            fails.clear()
            await durable.retry(id)
            await work(durable)
            assert await durable.result(id) == {"open": "to what was open", "later": "to what opens later"}

    run(story())


def test_what_nobody_read_before_the_limit_of_recoveries_is_there_after_a_retry(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(ASKED)
            await work(durable)
            await durable.send_event(id, "word", "hello")
            await durable.provide_input(id, "approval", True, by="ann")
            await durable.pause(id)
            # Its worker dies, as nineteen before it did.
            _lose_its_worker(database_url)
            takeover = Takeover(database_url)
            assert await takeover.sweep() == (1, 0)
            await takeover.close()
            assert (await durable.get_execution(id)).status == "failed"
            await durable.retry(id)
            await work(durable)
            assert await durable.result(id) == {"word": "hello", "approved": True}

    run(story())


def _lose_its_worker(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("delete from durable.ready")
        connection.execute(
            "update durable.execution set status = 'running', owner = 0, recoveries = %s, recovered_seq = 1000",
            [RECOVERY_LIMIT - 1],
        )


def test_a_failed_execution_refuses_an_event_and_says_what_to_do(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(FLOW)
            await work(durable)
            with pytest.raises(WrongStatus, match="is failed: it takes no more events; retry it first"):
                await durable.send_event(id, "word", "too late")

    run(story())
