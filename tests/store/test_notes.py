"""What attempts tell in their middle: lines of the log, and how far they are."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import encode
from durable_runtime.store.progress import Progress
from durable_runtime.store.protocol import Commit, Outcome
from durable_runtime.store.seen import LogLine
from tests.store.building import AT, checkpoint, claim, completes, register, start
from tests.store.stores import Stores


def line(message: str, level: str = "info") -> LogLine:
    return LogLine(path="price", attempt=2, level=level, message=message, at=AT)


def progress(value: Json, path: str = "price", at: datetime = AT) -> Progress:
    return Progress(path=path, attempt=1, progress=encode(value)[0] if value is not None else None, at=at)


async def lines(stores: Stores, key: int) -> list[LogLine]:
    """Gives the log as it was written, without the lines' ids."""
    return [msgspec.structs.replace(each, id=0) for each in await stores.client.list_logs(key)]


async def test_lines_are_kept_with_their_level_and_attempt_before_those_of_log_steps(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    said = checkpoint(1, "say", log="said by a step")
    commit = Commit(key=key, seen=0, checkpoints=[said], logs=(line("Größe", "debug"), line("no", "error")))
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    last = LogLine(path="say", attempt=1, level="info", message="said by a step", at=AT)
    assert await lines(stores, key) == [line("Größe", "debug"), line("no", "error"), last]


async def test_lines_are_written_without_a_checkpoint(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    commit = Commit(key=key, seen=0, checkpoints=[], logs=(line("still there"),))
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    assert await lines(stores, key) == [line("still there")]


async def test_lines_of_a_refused_end_are_not_written(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    end = completes(key, seen=7)
    end.logs = (line("never"),)
    end.progress = (progress({"at": 1}),)
    assert await stores.worker.commit(lease, 0, [end]) == [Outcome.REFUSED]
    assert await stores.client.list_logs(key) == []
    assert await stores.client.list_progress(key) == {}


async def test_the_last_word_on_progress_counts_until_the_attempt_is_over(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)

    async def tell(*told: Progress) -> dict[str, Json]:
        await stores.worker.commit(lease, 0, [Commit(key=key, seen=0, checkpoints=[], progress=told)])
        return await stores.client.list_progress(key)

    assert await tell(progress({"done": 1}), progress(0.5, "ship")) == {"price": {"done": 1}, "ship": 0.5}
    assert await tell(progress({"done": 2})) == {"price": {"done": 2}, "ship": 0.5}
    assert await tell(progress(None)) == {"ship": 0.5}


async def test_what_a_lost_attempt_said_is_old_once_its_node_is_over(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    before, after = progress(1, at=AT - timedelta(seconds=1)), progress(2, "ship", AT + timedelta(seconds=1))
    begun = checkpoint(1, "ship", "entered")
    commit = Commit(key=key, seen=0, checkpoints=[begun, checkpoint(2)], progress=(before, after))
    await stores.worker.commit(lease, 0, [commit])
    assert await stores.client.list_progress(key) == {"ship": 2}
