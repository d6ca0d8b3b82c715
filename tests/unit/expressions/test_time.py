from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from durable_dsl.expressions import ExpressionError, compile_expression
from tests.unit.expressions.evaluating import NOW, failure_of, value_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("now", "2024-05-03T10:30:15.25Z"),
        ("now + duration('1h30m')", "2024-05-03T12:00:15.25Z"),
        ("timestamp('2024-05-01T09:00:00+02:00')", "2024-05-01T07:00:00Z"),
        ("timestamp('2024-05-01T09:00:00.123456789Z')", "2024-05-01T09:00:00.123456789Z"),
        ("timestamp('2024-03-01T00:00:00Z') - timestamp('2024-02-28T00:00:00Z')", "172800s"),
        ("timestamp('2024-05-01T09:00:00Z') < now", True),
        ("timestamp(60)", "1970-01-01T00:01:00Z"),
        ("duration('7d')", "604800s"),
        ("duration('2w') == duration('14d')", True),
        ("duration('1.5s') + duration('250ms')", "1.75s"),
        ("duration('-1h') < duration('0')", True),
        ("duration('1m') * 3", "180s"),
        ("duration('1m') / 4", "15s"),
        ("duration('1h30m').getMinutes()", 90),
        ("now.getFullYear() * 100 + now.getMonth()", 202404),
        ("[now.getDate(), now.getDayOfMonth(), now.getDayOfWeek(), now.getDayOfYear()]", [3, 2, 5, 123]),
        ("[now.getHours(), now.getMinutes(), now.getSeconds(), now.getMilliseconds()]", [10, 30, 15, 250]),
        ("[now.getHours('Europe/Berlin'), now.getHours('-05:30'), now.getDate('Pacific/Auckland')]", [12, 5, 3]),
        ("{'at': now, 'in': [duration('1s')]}", {"at": "2024-05-03T10:30:15.25Z", "in": ["1s"]}),
    ],
)
def test_timestamps_and_durations(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # NOW is Friday the 3rd.
        ("next_business_day(9)", "2024-05-06T09:00:00Z"),
        ("next_business_day()", "2024-05-06T09:00:00Z"),
        ("next_business_day(9, 'America/New_York')", "2024-05-06T13:00:00Z"),
        ("next_weekday('saturday', 8)", "2024-05-04T08:00:00Z"),
        ("next_weekday('friday', 23)", "2024-05-10T23:00:00Z"),
        ("next_weekday('monday', 0, 'Asia/Tokyo')", "2024-05-05T15:00:00Z"),
        ("end_of_day()", "2024-05-03T23:59:59Z"),
        ("end_of_day('Asia/Tokyo')", "2024-05-03T14:59:59Z"),
        ("end_of_day('Pacific/Auckland')", "2024-05-03T11:59:59Z"),
    ],
)
def test_helpers_count_from_now_in_utc_unless_a_zone_is_given(source: str, expected: str) -> None:
    assert value_of(source) == expected


def test_a_clock_time_that_is_skipped_or_comes_twice_still_has_one_instant() -> None:
    # Berlin skips 02:00 to 03:00 on 2024-03-31 and has it twice on 2024-10-27, both Sundays.
    spring = compile_expression("next_weekday('sunday', 2, 'Europe/Berlin')")
    assert spring.evaluate({}, now=datetime(2024, 3, 29, tzinfo=UTC)) == "2024-03-31T01:00:00Z"
    assert spring.evaluate({}, now=datetime(2024, 10, 25, tzinfo=UTC)) == "2024-10-27T00:00:00Z"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("timestamp('tomorrow')", "'tomorrow' is not a timestamp; write it as '2024-05-01T09:00:00Z'"),
        ("timestamp('2024-05-01')", "'2024-05-01' is not a timestamp; write it as '2024-05-01T09:00:00Z'"),
        ("timestamp('2023-02-29T00:00:00Z')", "'2023-02-29T00:00:00Z' is not a timestamp: day is out of range for "
         "month"),
        ("duration('3 days')", "'3 days' is not a duration; write it as '30s', '1h30m' or '7d'"),
        ("duration('')", "'' is not a duration; write it as '30s', '1h30m' or '7d'"),
        ("duration('400000d')", "the duration is longer than 292 years"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "the timestamp lies outside the years 1 to 9999"),
        ("now.getHours('Mars/Olympus')", "there is no time zone 'Mars/Olympus'; write one as 'Europe/Berlin' or "
         "'+02:00'"),
        ("now.getHours('../../etc/passwd')", "there is no time zone '../../etc/passwd'; write one as 'Europe/Berlin' "
         "or '+02:00'"),
        ("next_business_day(24)", "there is no hour 24; write 0 to 23"),
        ("next_weekday('mondey', 9)", "'mondey' is no weekday; did you mean 'monday'?"),
        ("data.at < now", "cannot compare string < timestamp; wrap the text in timestamp(…)"),
        ("now + 30", "cannot add timestamp and int; a span of time is written duration('30s')"),
        ("now + data.at", "cannot add timestamp and string; wrap the text in timestamp(…) or duration(…), "
         "or the other in string(…)"),
    ],
)  # fmt: skip
def test_what_is_no_time_says_how_to_write_it(source: str, message: str) -> None:
    assert failure_of(source, {"data": {"at": "2024-05-01T09:00:00Z"}}).message == message


def test_the_last_days_of_the_calendar_end_in_a_clean_error() -> None:
    last = datetime(9999, 12, 31, 22, tzinfo=UTC)
    for source in ("next_business_day(9)", "end_of_day('Asia/Tokyo')", "now.getDate('Asia/Tokyo')"):
        with pytest.raises(ExpressionError, match="9999"):
            compile_expression(source).evaluate({}, now=last)


def test_now_must_carry_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        compile_expression("now").evaluate({}, now=NOW.replace(tzinfo=None))
