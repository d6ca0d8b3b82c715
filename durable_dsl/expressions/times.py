"""Instants and spans of time: reading them, writing them, and the calendar in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from durable_dsl.expressions.errors import Failure, shorten
from durable_dsl.expressions.values import INT_MAX, INT_MIN, Duration, Timestamp

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z
_FIRST = -62_135_596_800 * SECOND
_LAST = 253_402_300_800 * SECOND - 1

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": 86_400 * SECOND,
    "w": 604_800 * SECOND,
}
_DURATION_PART = re.compile(r"([0-9]{1,18})?(?:\.([0-9]{0,18}))?(ns|us|µs|μs|ms|s|m|h|d|w)")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})", re.ASCII)


def checked_timestamp(nanoseconds: int) -> Timestamp:
    """Give an instant of the years 1 to 9999; raises Failure outside them."""
    if _FIRST <= nanoseconds <= _LAST:
        return Timestamp(nanoseconds)
    raise Failure("the timestamp lies outside the years 1 to 9999")


def checked_duration(nanoseconds: int) -> Duration:
    """Give a span of at most 292 years; raises Failure for a longer one."""
    if INT_MIN <= nanoseconds <= INT_MAX:
        return Duration(nanoseconds)
    raise Failure("the duration is longer than 292 years")


def parse_duration(text: str) -> Duration:
    """Read `1h30m`, `1.5s`, `-20ms`, `7d`, `2w`; raises Failure."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return Duration(0)
    total = at = 0
    while at < len(body) and len(body) < 200:
        match = _DURATION_PART.match(body, at)
        if match is None or (match[1] is None and not match[2]):
            break
        unit = _UNITS[match[3]]
        total += int(match[1] or 0) * unit
        if match[2]:
            total += int(match[2]) * unit // 10 ** len(match[2])
        at = match.end()
    if not body or at < len(body):
        raise Failure(f"{shorten(text)!r} is not a duration; write it as '30s', '1h30m' or '7d'")
    return checked_duration(-total if text[0] == "-" else total)


def duration_text(duration: Duration) -> str:
    """Write a duration as its seconds: '5400s', '-0.25s'."""
    seconds, rest = divmod(abs(int(duration)), SECOND)
    return f"{'-' if duration < 0 else ''}{seconds}{_fraction(rest)}s"


def parse_timestamp(text: str) -> Timestamp:
    """Read an RFC 3339 instant such as '2024-05-01T09:00:00Z'; raises Failure."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise Failure(f"{shorten(text)!r} is not a timestamp; write it as '2024-05-01T09:00:00Z'")
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Failure(f"{text!r} is not a timestamp: {error}") from None
    seconds = (local - _EPOCH) // timedelta(seconds=1)
    if match[9]:
        if int(match[10]) > 23 or int(match[11]) > 59:
            raise Failure(f"{text!r} is not a timestamp: its offset must be within 23:59")
        offset = int(match[10]) * 3_600 + int(match[11]) * 60
        seconds += -offset if match[9] == "+" else offset
    return checked_timestamp(seconds * SECOND + int((match[7] or "0").ljust(9, "0")))


def timestamp_text(timestamp: Timestamp) -> str:
    """Write an instant in RFC 3339 with Z, with a fraction only if there is one."""
    seconds, rest = divmod(int(timestamp), SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{_fraction(rest)}Z"


def from_datetime(moment: datetime) -> Timestamp:
    """Take over an aware datetime; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("`now` must carry a time zone")
    return Timestamp((moment - _EPOCH) // timedelta(microseconds=1) * 1_000)


def in_zone(timestamp: Timestamp, zone: str) -> datetime:
    """Give the calendar and clock of an instant, to the microsecond, in a zone such as 'Europe/Berlin' or '+02:00'."""
    try:
        return (_EPOCH + timedelta(microseconds=int(timestamp) // 1_000)).astimezone(find_zone(zone))
    except OverflowError:
        raise Failure("the timestamp lies outside the years 1 to 9999 in that time zone") from None


def at_clock(day: datetime, hour: int, minute: int, second: int) -> Timestamp:
    """Give the instant at which a clock shows this time on `day` in the zone of `day`.

    A time that a change of clocks skips is taken as if the clock had not changed yet; of one that comes twice the first
    is meant.
    """
    moment = day.replace(hour=hour, minute=minute, second=second, microsecond=0, fold=0)
    try:
        return checked_timestamp((moment.astimezone(UTC) - _EPOCH) // timedelta(seconds=1) * SECOND)
    except OverflowError:
        raise Failure("the timestamp lies outside the years 1 to 9999") from None


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo:
    """Give the time zone of an IANA name or a fixed offset; raises Failure for an unknown one."""
    match = _OFFSET.fullmatch(name)
    if match is not None and int(match[2]) < 24 and int(match[3]) < 60:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Failure(f"there is no time zone {shorten(name)!r}; write one as 'Europe/Berlin' or '+02:00'") from None


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
