from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_dsl.durations import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1w", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("1w2d3h4m5s6ms", timedelta(days=9, hours=3, minutes=4, seconds=5, milliseconds=6)),
        ("90m", timedelta(minutes=90)),
        ("0s", timedelta(0)),
        ("007s", timedelta(seconds=7)),
        ("36525d", timedelta(days=36525)),
        ("PT1H30M", timedelta(minutes=90)),
        ("P1D", timedelta(days=1)),
        ("P1W", timedelta(days=7)),
        ("P1DT12H", timedelta(hours=36)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("PT1,25S", timedelta(milliseconds=1250)),
    ],
)
def test_a_duration_is_read(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "30 what? write 30s for seconds, 30m for minutes"),
        ("1.5", "1.5 what? write 30s for seconds, 30m for minutes"),
        ("", "a duration is missing; write it as in 30s, 5m or 1h30m"),
        ("   ", "a duration is missing; write it as in 30s, 5m or 1h30m"),
        ("-5m", "a duration cannot be negative: '-5m'; write it as in 30s, 5m or 1h30m"),
        ("30 seconds", "'30 seconds' is not a duration; write 30s"),
        ("1 hour and 30 min", "'1 hour and 30 min' is not a duration; write 1h30m"),
        ("1.5h", "'1.5h' is not a duration; write 1h30m"),
        ("5M", "'5M' is not a duration; write 5m"),
        (" 5m", "' 5m' is not a duration; write 5m"),
        ("12:30", "'12:30' is not a duration; write it as in 1h30m"),
        ("soon", "'soon' is not a duration; write it as in 250ms, 30s, 5m, 2h, 1d, 1w or 1h30m"),
        ("3 moons", "'3 moons' is not a duration; write it as in 250ms, 30s, 5m, 2h, 1d, 1w or 1h30m"),
        ("30m1h", "the units of '30m1h' must go from large to small, each once; write them as in 1d12h or 1h30m"),
        ("1h1h", "the units of '1h1h' must go from large to small, each once; write them as in 1d12h or 1h30m"),
        ("P1M", "years and months have no fixed length: 'P1M'; count in days, as in 30d or P30D"),
        ("P1Y2D", "years and months have no fixed length: 'P1Y2D'; count in days, as in 30d or P30D"),
        ("P", "'P' names no time; write it as in PT1H30M or 1h30m"),
        ("PT", "'PT' is not a duration; write it as in 250ms, 30s, 5m, 2h, 1d, 1w or 1h30m"),
        ("36526d", "the duration '36526d' is too long; at most 36525 days are allowed"),
        ("9999999999999999999d", "the duration '9999999999999999999d' is too long; at most 36525 days are allowed"),
        ("٣s", "'٣s' is not a duration; write it as in 250ms, 30s, 5m, 2h, 1d, 1w or 1h30m"),
    ],
)
def test_what_is_no_duration_is_refused_with_a_fix(text: str, message: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=1), "1ms"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=7), "1w"),
        (timedelta(days=10, hours=1), "1w3d1h"),
        (timedelta(seconds=60), "1m"),
    ],
)
def test_a_duration_is_written_from_large_to_small_without_zeros(span: timedelta, text: str) -> None:
    assert format_duration(span) == text


@pytest.mark.parametrize("span", [timedelta(milliseconds=-1), timedelta(microseconds=1)])
def test_what_no_duration_can_say_is_not_written(span: timedelta) -> None:
    with pytest.raises(DurationError):
        format_duration(span)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=36525 * 86_400_000))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(span)) == span


@settings(deadline=None)
@given(st.text(max_size=70) | st.from_regex(r"[0-9PTWDHMSwdhms.,]{1,12}", fullmatch=True))
def test_any_text_is_a_duration_or_refused_with_a_short_message(text: str) -> None:
    message, span = "", timedelta(0)
    try:
        span = parse_duration(text)
    except DurationError as error:
        message = str(error)
    assert len(message) < 300
    assert timedelta(0) <= span <= timedelta(days=36525)
