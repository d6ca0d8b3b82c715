"""Parts of timestamps and durations, and instants counted from `now`; UTC unless a zone is the last argument."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from durable_dsl.expressions.budget import NOW, Frame
from durable_dsl.expressions.errors import Failure, find_similar, shorten
from durable_dsl.expressions.functions.registry import DURATION, INT, STRING, TIMESTAMP, function, method
from durable_dsl.expressions.times import SECOND, at_clock, find_zone, from_datetime, in_zone
from durable_dsl.expressions.values import Duration, Timestamp, shown

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SATURDAY = 5
_START_OF_WORK = 9


def _part(read: Callable[[datetime], int]) -> Callable[..., int]:
    return lambda timestamp, zone="UTC": read(in_zone(timestamp, zone))


def _milliseconds(timestamp: Timestamp, zone: str = "UTC") -> int:
    # Of the instant itself: before 1970 the nanoseconds still count forwards.
    find_zone(zone)
    return int(timestamp) % SECOND // 1_000_000


def _span(unit: int) -> Callable[[Duration], int]:
    return lambda duration: abs(int(duration)) // unit * (-1 if duration < 0 else 1)


def _span_milliseconds(duration: Duration) -> int:
    return (abs(int(duration)) % SECOND) // 1_000_000 * (-1 if duration < 0 else 1)


def _next_business_day(frame: Frame, hour: int = _START_OF_WORK, zone: str = "UTC") -> Timestamp:
    return _later(frame, hour, zone, lambda day: day.weekday() < _SATURDAY)


def _next_weekday(frame: Frame, name: str, hour: int = _START_OF_WORK, zone: str = "UTC") -> Timestamp:
    if name not in _DAYS:
        similar = find_similar(name, _DAYS)
        hint = f"did you mean '{similar}'?" if similar else "write 'monday' to 'sunday'"
        raise Failure(f"{shorten(name)!r} is no weekday; {hint}")
    wanted = _DAYS.index(name)
    return _later(frame, hour, zone, lambda day: day.weekday() == wanted)


def _later(frame: Frame, hour: int, zone: str, fits: Callable[[datetime], bool]) -> Timestamp:
    """Give that hour of the first fitting day after today."""
    if not 0 <= hour <= 23:
        raise Failure(f"there is no hour {shown(hour)}; write 0 to 23")
    try:
        day = _today(frame, zone) + timedelta(days=1)
        while not fits(day):
            day += timedelta(days=1)
    except OverflowError:
        raise Failure("the day lies after the year 9999") from None
    return at_clock(day, hour, 0, 0)


def _end_of_day(frame: Frame, zone: str = "UTC") -> Timestamp:
    return at_clock(_today(frame, zone), 23, 59, 59)


def _today(frame: Frame, zone: str) -> datetime:
    return in_zone(from_datetime(frame[NOW]), zone)


_PARTS: dict[str, Callable[..., int]] = {
    "getFullYear": _part(lambda moment: moment.year),
    "getMonth": _part(lambda moment: moment.month - 1),
    "getDate": _part(lambda moment: moment.day),
    "getDayOfMonth": _part(lambda moment: moment.day - 1),
    "getDayOfWeek": _part(lambda moment: moment.isoweekday() % 7),
    "getDayOfYear": _part(lambda moment: moment.timetuple().tm_yday - 1),
    "getHours": _part(lambda moment: moment.hour),
    "getMinutes": _part(lambda moment: moment.minute),
    "getSeconds": _part(lambda moment: moment.second),
    "getMilliseconds": _milliseconds,
}
for _name, _read in _PARTS.items():
    method(_name, [TIMESTAMP], _read)
    method(_name, [TIMESTAMP, STRING], _read)

method("getHours", [DURATION], _span(3_600 * SECOND))
method("getMinutes", [DURATION], _span(60 * SECOND))
method("getSeconds", [DURATION], _span(SECOND))
method("getMilliseconds", [DURATION], _span_milliseconds)

function("next_business_day", [], _next_business_day, framed=True, uses_now=True)
function("next_business_day", [INT], _next_business_day, framed=True, uses_now=True)
function("next_business_day", [INT, STRING], _next_business_day, framed=True, uses_now=True)
function("next_weekday", [STRING], _next_weekday, framed=True, uses_now=True)
function("next_weekday", [STRING, INT], _next_weekday, framed=True, uses_now=True)
function("next_weekday", [STRING, INT, STRING], _next_weekday, framed=True, uses_now=True)
function("end_of_day", [], _end_of_day, framed=True, uses_now=True)
function("end_of_day", [STRING], _end_of_day, framed=True, uses_now=True)
