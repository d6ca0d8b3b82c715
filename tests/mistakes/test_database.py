"""Mistakes of other engines about what they ask of PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import psycopg

from durable_dsl import Graph
from durable_runtime import Durable
from durable_runtime.worker import Worker
from tests.faults.working import graph, running, start, status, statuses, until, value

SLEEPER = graph("workflow: sleeper\nsteps: [{wait: rest, for: 1d}]")
STEPS = graph("workflow: steps\nsteps:\n" + "".join(f"  - {{step: s{n}, set: {{n: {n}}}}}\n" for n in range(5)))


def backing_off() -> Graph:
    return graph("""
    workflow: backing_off
    steps:
      - step: fails
        call: tests.mistakes.steps.fail
        with: {}
        retry: {max_attempts: 2, delay: 1h, max_delay: 1h}
    """)


def test_a_retry_that_waits_takes_nobodys_place(database_url: str) -> None:
    async def story() -> None:
        (first,) = await start(database_url, backing_off(), [{}])
        async with running(Worker(database_url, concurrency=1)):
            await until(lambda: status(database_url, first) == "waiting", "the first waits for its retry")
            (second,) = await start(database_url, STEPS, [{}])
            await until(lambda: status(database_url, second) == "completed", "the second has the only place")
        query = "select owner is null from durable.execution where public_id = %s::uuid"
        assert value(database_url, query, first) is True

    asyncio.run(story())


def test_a_thousand_parked_executions_take_no_thread_and_no_connection(database_url: str) -> None:
    sessions = "select count(*) from pg_stat_activity where datname = current_database()"

    def busy() -> tuple[int, Any]:
        own = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio")]
        return len(own), value(database_url, sessions)

    async def story() -> None:
        async with running(Worker(database_url)):
            await start(database_url, SLEEPER, [{}])
            await until(lambda: statuses(database_url) == {"waiting": 1}, "one is parked")
            threads, connections = busy()
            await start(database_url, SLEEPER, [{}] * 1000)
            await until(lambda: statuses(database_url) == {"waiting": 1001}, "a thousand are parked")
            now_threads, now_connections = busy()
            # A few more for a moment is one thing, one for each is another.
            assert now_threads <= threads + 5
            assert now_connections <= connections + 5

    asyncio.run(story())


def test_an_idle_worker_holds_no_transaction_open(database_url: str) -> None:
    """Whoever listens, or waits, inside of a transaction holds back vacuum in the whole cluster."""
    held = (
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
        "and state = 'idle in transaction'"
    )
    idle = "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle'"

    async def story() -> None:
        async with running(Worker(database_url)):
            await start(database_url, SLEEPER, [{}])
            await until(lambda: statuses(database_url) == {"waiting": 1}, "it is parked")
            # Sessions are seen at rest again and again, and never inside of a transaction for long.
            for _ in range(3):
                await until(lambda: value(database_url, held) == 0, "no transaction is open")
            assert value(database_url, idle) >= 2

    asyncio.run(story())


def test_commits_tell_nobody(database_url: str) -> None:
    """A NOTIFY takes a lock of the whole cluster until its transaction is over, so commits would stand in a line."""

    async def story() -> None:
        with psycopg.connect(database_url, autocommit=True) as listener:
            listener.execute("listen durable_ready")
            ids = await start(database_url, STEPS, [{}] * 20)
            async with running(Worker(database_url)):
                await until(lambda: statuses(database_url) == {"completed": len(ids)}, "all completed")
            told = [note.payload for note in listener.notifies(timeout=0.1)]
        # Whoever listens is asked now and then whether it hears; nothing else.
        assert [payload for payload in told if not payload.startswith("?")] == []

    asyncio.run(story())


def test_what_fell_due_while_its_transaction_was_open_is_begun_when_that_commits(database_url: str) -> None:
    """now() stands still in a transaction, so the start takes what is over by then for something to come."""
    with Durable(database_url) as durable, psycopg.connect(database_url) as connection:
        soon = timedelta(milliseconds=50)
        id = durable.start(STEPS, {}, scheduled_at=soon, connection=connection)
        connection.execute("select pg_sleep(0.1)")
        connection.commit()

        async def story() -> None:
            async with running(Worker(database_url)):
                await until(lambda: status(database_url, id) == "completed", "it is begun")

        asyncio.run(story())
