"""What is started or sent in a caller's transaction: the workers are told when that commits, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import psycopg
import pytest

from durable_runtime import AsyncDurable, Worker
from durable_runtime.store.hints import workers_channel
from durable_runtime.worker import maintenance
from tests.acceptance.clients import graph
from tests.faults.working import running, status, until

QUICK = graph("workflow: quick\nqueue: mails\noutput: done\nsteps: [{step: note, log: here}]")
WAITING = graph("workflow: waiting\nsteps: [{wait: word, event: word, key: k}]")


async def start(durable: AsyncDurable, own: Any) -> None:
    await durable.start(QUICK, connection=own)


async def start_later(durable: AsyncDurable, own: Any) -> None:
    await durable.start(QUICK, scheduled_at=timedelta(hours=1), connection=own)


async def start_many(durable: AsyncDurable, own: Any) -> None:
    await durable.start_many(QUICK, [None] * 3, connection=own)


async def emit(durable: AsyncDurable, own: Any) -> None:
    await durable.emit("word", "k", connection=own)


@pytest.mark.parametrize(("act", "hint"), [(start, "mails"), (start_later, ""), (start_many, "mails"), (emit, "")])
@pytest.mark.parametrize("hints", [True, False])
def test_workers_are_told_at_the_commit_and_only_then(
    database_url: str, act: Callable[[AsyncDurable, Any], Any], hint: str, hints: bool
) -> None:
    def heard(listener: psycopg.Connection[Any]) -> list[str]:
        # A session of its own says the last word: whatever was said before it has come by then.
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("select pg_notify(%s, 'over')", [workers_channel("durable")])
        told: list[str] = []
        for notify in listener.notifies(timeout=30):
            if notify.payload == "over":
                return told
            told.append(notify.payload)
        raise AssertionError("the last word never came")

    async def story() -> None:
        async with AsyncDurable(database_url, hint_at_commit=hints) as durable:
            await act(durable, None)  # what is stored once for all is stored
        with psycopg.connect(database_url, autocommit=True) as listener:
            listener.execute(f"listen {workers_channel('durable')}".encode())
            async with (
                AsyncDurable(database_url, hint_at_commit=hints) as durable,
                await psycopg.AsyncConnection.connect(database_url) as own,
            ):
                await act(durable, own)
                assert await asyncio.to_thread(heard, listener) == []
                await own.commit()
                assert await asyncio.to_thread(heard, listener) == ([hint] if hints else [])
                await act(durable, own)
                await own.rollback()
            assert await asyncio.to_thread(heard, listener) == []

    asyncio.run(story())


def test_a_worker_that_looks_once_an_hour_runs_what_a_transaction_started_and_sent(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            waiting = await durable.start(WAITING)
            async with running(Worker(database_url)):
                await until(lambda: status(database_url, waiting) == "waiting", "it waits")
                async with await psycopg.AsyncConnection.connect(database_url) as own:
                    started = await durable.start(QUICK, connection=own)
                    await durable.emit("word", "k", connection=own)
                await until(lambda: status(database_url, started) == "completed", "the started one is run")
                await until(lambda: status(database_url, waiting) == "completed", "the waiting one has its event")

    hour = 3600.0
    with (
        mock.patch.object(maintenance, "LOOK_EVERY", hour),
        mock.patch.object(maintenance, "LOOK_EVERY_WHILE_HEARING", hour),
    ):
        asyncio.run(story())
