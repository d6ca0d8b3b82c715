"""What may be said beside an input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from durable_runtime import AsyncDurable, InvalidOption
from durable_runtime.client import options


@pytest.mark.parametrize("queue", ["", "two words", "-x", "a" * 101, "naïve", 5, None])
def test_what_no_queue_can_be_called_is_refused(queue: Any) -> None:
    with pytest.raises(InvalidOption, match="cannot be a queue"):
        options.check_queue(queue)


def test_a_queues_name_may_have_dots_and_dashes() -> None:
    assert options.check_queue("eu-west.mails_2") == "eu-west.mails_2"


@pytest.mark.parametrize("priority", [32_768, -32_769, 1.0, True, "high"])
def test_what_is_no_priority_is_refused(priority: Any) -> None:
    with pytest.raises(InvalidOption, match="a priority is a whole number from -32768 to 32767"):
        options.check_priority(priority)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidOption, match="has no time zone"):
        options.check_scheduled_at(datetime(2026, 1, 31, 9))  # noqa: DTZ001


def test_an_instant_is_kept_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))

    assert options.check_scheduled_at(datetime(2026, 1, 31, 9, tzinfo=berlin)) == datetime(2026, 1, 31, 8, tzinfo=UTC)


def test_a_bare_number_is_no_span() -> None:
    with pytest.raises(InvalidOption, match="a datetime with a time zone or a timedelta, not 30"):
        options.check_scheduled_at(30)  # type: ignore[arg-type]


def test_a_span_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidOption, match="beyond the end of the calendar"):
        options.add_span(datetime(2026, 1, 31, tzinfo=UTC), timedelta.max)


def test_a_misspelt_status_is_told_the_right_one() -> None:
    with pytest.raises(InvalidOption, match="'complete' is no status of an execution; did you mean 'completed'"):
        options.check_statuses("complete")


def test_one_status_is_a_list_of_one() -> None:
    assert options.check_statuses("failed") == ["failed"]
    assert options.check_statuses({"failed"}) == ["failed"]


@pytest.mark.parametrize("limit", [0, 1001, 1.5, True])
def test_a_page_holds_1_to_1000(limit: Any) -> None:
    with pytest.raises(InvalidOption, match="a page holds 1 to 1000 executions"):
        options.check_limit(limit)


@pytest.mark.parametrize("timeout", [-1, timedelta(seconds=-1), float("nan"), "5s", True])
def test_what_is_no_timeout_is_refused(timeout: Any) -> None:
    with pytest.raises(InvalidOption, match="a timeout is a timedelta or a number of seconds"):
        options.seconds_of(timeout)


def test_a_timeout_is_a_span_or_seconds() -> None:
    assert options.seconds_of(timedelta(minutes=1)) == 60.0
    assert options.seconds_of(0) == 0.0
    assert options.seconds_of(None) is None


def test_a_schema_is_a_plain_name() -> None:
    with pytest.raises(InvalidOption, match="is not a schema name"):
        AsyncDurable(schema="durable; drop table x")


@pytest.mark.parametrize("limit", [0, -1, 2.5, True])
def test_a_queue_runs_at_least_one_execution(limit: Any) -> None:
    with pytest.raises(InvalidOption, match="the queue 'mails' runs at least 1 execution at once"):
        AsyncDurable(queues={"mails": limit})


@pytest.mark.parametrize("concurrency", [0, -1, 2.5, True])
def test_a_worker_runs_at_least_one_execution(concurrency: Any) -> None:
    with pytest.raises(InvalidOption, match="a worker runs at least 1 execution at once"):
        options.check_concurrency(concurrency)
