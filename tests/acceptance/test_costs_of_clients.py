"""What a start costs its client and the server, in calls and statements; nothing here depends on the machine."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import documents
from durable_runtime import AsyncDurable, Worker
from durable_runtime.store.connections import Line
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Lease, Look
from tests.faults.working import running, until


def test_a_start_from_a_file_takes_few_calls(database_url: str, tmp_path: Path) -> None:
    path = documents.write(tmp_path, documents.sequence(1))
    calls: Counter[str] = Counter()

    def count(_frame: Any, event: str, _argument: Any) -> None:
        calls[event] += 1

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            for _ in range(3):
                await durable.start(path, {})
            sys.setprofile(count)
            try:
                await asyncio.gather(*(durable.start(path, {}) for _ in range(400)))
            finally:
                sys.setprofile(None)

    asyncio.run(story())
    # A path was taken apart for each start once: that was 40 more.
    assert (calls["call"] + calls["c_call"]) / 400 <= 175


def test_a_worker_with_nothing_to_do_sends_one_statement_for_each_look(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: Counter[str] = Counter()
    looks = 0
    use, look = Line.use, PostgresWorkerStore.look

    def counted(line: Line) -> Any:
        sent[line._name] += 1
        return use(line)

    async def looked(store: PostgresWorkerStore, lease: Lease) -> Look:
        nonlocal looks
        looks += 1
        return await look(store, lease)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.migrate()
        monkeypatch.setattr("durable_runtime.worker.maintenance.LOOK_EVERY_WHILE_HEARING", 0.01)
        monkeypatch.setattr("durable_runtime.worker.maintenance.LOOK_EVERY", 0.01)
        monkeypatch.setattr(PostgresWorkerStore, "look", looked)
        monkeypatch.setattr(Line, "use", counted)
        async with running(Worker(database_url)):
            await until(lambda: looks >= 100, "it has looked a hundred times")
            monkeypatch.undo()

    asyncio.run(story())
    # Beside the looks: it registers, reads the clock, says what it listens for, and once it has found nothing it plans
    # the statements of two lanes and its claims, and asks which definitions are the newest.
    assert sum(sent.values()) - looks <= 4 + 6
