"""Control of many executions by filter."""

from __future__ import annotations

import pytest

from durable_runtime import AsyncDurable, Durable, InvalidOption
from durable_runtime.client import many
from tests.acceptance.clients import BREAK, GREET, REST, query, run, work


def test_what_the_filters_let_through_is_paused_resumed_and_cancelled_in_batches(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "BATCH", 3)

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start_many(REST, [{}] * 7)
            await durable.start_many(GREET, [{"name": "Ada"}] * 2)
            assert await durable.pause_many(workflow="rest", reason="night", by="ann") == 7
            assert await durable.count_executions() == {"paused": 7, "pending": 2}
            assert await durable.pause_many(workflow="rest") == 0
            await work(durable)
            assert await durable.count_executions() == {"paused": 7, "completed": 2}
            assert await durable.resume_many(status="paused", by="ann") == 7
            assert await durable.cancel_many(workflow="rest", reason="over", by="ann") == 7
            await work(durable)
            assert await durable.count_executions() == {"cancelled": 7, "completed": 2}
            assert await durable.cancel_many(workflow="rest") == 0

    run(story())
    asked = "select count(*) from durable.checkpoint where kind = 'cancelled' and result->>'by' = 'ann'"
    assert query(database_url, asked) == 7


def test_what_has_failed_is_retried(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start_many(BREAK, [{}] * 3)
            await durable.start(REST)
            for each in await durable.list_executions(workflow="break"):
                await durable.worker(only=[each.id]).run(until_idle=True)
            assert await durable.retry_many(workflow="break", by="ann") == 3
            assert await durable.count_executions() == {"pending": 4}

    run(story())


def test_nothing_is_meant_without_a_filter_and_nothing_is_asked_in_vain(database_url: str) -> None:
    with Durable(database_url) as durable:
        durable.start(REST)
        with pytest.raises(InvalidOption, match="say which executions are meant"):
            durable.cancel_many(reason="all")
        with pytest.raises(InvalidOption, match="cannot be asked of executions that are completed"):
            durable.cancel_many(status=["completed", "waiting"])
        with pytest.raises(InvalidOption, match="cannot be asked of executions that are waiting; it can of failed"):
            durable.retry_many(status="waiting")
        assert durable.count_executions() == {"pending": 1}
