"""What may be said beside the input of a start, checked before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

from durable_dsl.suggestions import did_you_mean
from durable_runtime.client.ids import find_id
from durable_runtime.core.values import encode
from durable_runtime.errors import InvalidOption
from durable_runtime.store.filters import LEVELS, Filter, Order
from durable_runtime.store.protocol import Status

STATUSES: tuple[str, ...] = (*get_args(Status), "paused")
MOST_LISTED = 1000
LONGEST_KEY = 500
MOST_HEADERS = 8192
"""Bytes of headers as JSON: they are read with every execution of a list."""
PRIORITIES = range(-(2**15), 2**15)
_QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


LONGEST_SPAN = timedelta(days=366)
"""The longest burst of starts."""


def check_queue(queue: object) -> str:
    """Gives the queue's name back; raises `InvalidOption` when no queue can have it."""
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise InvalidOption(
            f"{queue!r} cannot be a queue: at most 100 letters, digits, '_', '-' and '.', the first a letter or digit"
        )
    return queue


def check_queues(queues: Mapping[str, int] | None) -> dict[str, int] | None:
    """Gives limits by queue back; raises `InvalidOption` for what is no queue or no limit."""
    if queues is None:
        return None
    for queue, limit in queues.items():
        check_queue(queue)
        if not _is_whole(limit) or limit < 1:
            raise InvalidOption(f"the queue {queue!r} runs at least 1 execution at once, not {limit!r}")
    return dict(queues)


def check_concurrency(concurrency: int) -> int:
    """Gives the limit back; raises `InvalidOption` when it is none."""
    if not _is_whole(concurrency) or concurrency < 1:
        raise InvalidOption(f"a worker runs at least 1 execution at once, not {concurrency!r}")
    return concurrency


def check_priority(priority: int) -> int:
    """Gives the priority back; raises `InvalidOption` when it is none."""
    if not _is_whole(priority) or priority not in PRIORITIES:
        raise InvalidOption(
            f"a priority is a whole number from {PRIORITIES.start} to {PRIORITIES.stop - 1}, not {priority!r}"
        )
    return priority


def check_key(key: object) -> str:
    """Gives the key back; raises `InvalidOption` when no execution can have it."""
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY or not _is_storable(key):
        raise InvalidOption(f"a key is a text of 1 to {LONGEST_KEY} characters without NUL, not {key!r:.100}")
    return key


def check_once(once: object) -> str:
    """Gives the sender's own id of an event back; raises `InvalidOption` when it can be none."""
    if not isinstance(once, str) or not 1 <= len(once) <= LONGEST_KEY or not _is_storable(once):
        raise InvalidOption(f"'once' is a text of 1 to {LONGEST_KEY} characters without NUL, not {once!r:.100}")
    return once


def check_on_conflict(on_conflict: str) -> str:
    """Gives the choice back; raises `InvalidOption` when there is no such choice."""
    if on_conflict not in ("return", "reject"):
        raise InvalidOption(f"on_conflict is 'return' or 'reject', not {on_conflict!r}")
    return on_conflict


def check_headers(headers: Mapping[Any, Any] | None) -> bytes | None:
    """Gives headers as JSON, None where there are none; raises `InvalidOption` for what are no texts by name."""
    if headers is None:
        return None
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str) or not name or not _is_storable(name + value):
            raise InvalidOption(f"headers are texts by name, not {name!r:.100}: {value!r:.100}")
    encoded = encode(dict(headers))[0]
    if len(encoded) > MOST_HEADERS:
        raise InvalidOption(f"the headers take {len(encoded)} bytes as JSON; the most is {MOST_HEADERS}")
    return encoded if headers else None


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def check_id(id: str) -> str:
    """Gives an id for a new execution in the form in which it is stored; raises `InvalidOption` when it is no UUID."""
    found = find_id(id)
    if found is None:
        raise InvalidOption(f"the id of an execution is a UUID, not {id!r}; leave it out to get one")
    return found


def check_scheduled_at(scheduled_at: datetime | timedelta | None) -> datetime | timedelta | None:
    """Gives an instant in UTC, a span as it is; raises `InvalidOption` for what names no instant."""
    match scheduled_at:
        case datetime():
            if scheduled_at.tzinfo is None:
                raise InvalidOption(
                    f"scheduled_at={scheduled_at} has no time zone; say which: datetime(..., tzinfo=UTC)"
                )
            return scheduled_at.astimezone(UTC)
        case None | timedelta():
            return scheduled_at
        case _:
            raise InvalidOption(f"scheduled_at is a datetime with a time zone or a timedelta, not {scheduled_at!r}")


def check_debounce(
    debounce: timedelta | float | None,
    limit: timedelta | float | None,
    *,
    key: str | None,
    excluded: Mapping[str, object],
) -> tuple[timedelta | None, timedelta | None]:
    """Gives the span and the limit of a burst of starts; raises `InvalidOption` for what makes none."""
    if debounce is None:
        if limit is not None:
            raise InvalidOption("debounce_limit is nothing without debounce: debounce=timedelta(seconds=30)")
        return None, None
    span, most = _span("debounce", debounce), None if limit is None else _span("debounce_limit", limit)
    if key is None:
        raise InvalidOption("debounce needs a key, by which it knows which starts belong together")
    for name, given in excluded.items():
        if given:
            raise InvalidOption(f"debounce and {name} exclude each other")
    if most is not None and most < span:
        raise InvalidOption(f"debounce_limit is at least as long as debounce, {span}; not {most}")
    return span, most


def _span(name: str, value: timedelta | float) -> timedelta:
    span = value if isinstance(value, timedelta) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_SPAN.total_seconds():
        span = timedelta(seconds=value)
    if span is None or not timedelta() < span <= LONGEST_SPAN:
        raise InvalidOption(f"{name} is a timedelta or seconds, more than 0 and at most a year; not {value!r}")
    return span


def add_span(now: datetime, span: timedelta) -> datetime:
    """Gives the instant a span from now; raises `InvalidOption` beyond the calendar."""
    try:
        return now + span
    except OverflowError:
        raise InvalidOption(f"scheduled_at={span!r} is beyond the end of the calendar") from None


def check_statuses(status: str | Collection[str] | None) -> list[str] | None:
    """Gives the statuses to list; raises `InvalidOption` for one that no execution can have."""
    if status is None:
        return None
    statuses = [status] if isinstance(status, str) else list(status)
    for each in statuses:
        if each not in STATUSES:
            hint = did_you_mean(str(each), STATUSES) or f"there are {', '.join(STATUSES)}"
            raise InvalidOption(f"{each!r} is no status of an execution; {hint}")
    return statuses


def check_filter(
    *,
    status: str | Collection[str] | None = None,
    headers: Mapping[Any, Any] | None = None,
    created_from: datetime | None = None,
    created_until: datetime | None = None,
    finished_from: datetime | None = None,
    finished_until: datetime | None = None,
    **rest: Any,
) -> Filter:
    """Gives a filter; raises `InvalidOption` for what nothing can have."""
    statuses = check_statuses(status)
    check_headers(headers)
    return Filter(
        statuses=None if statuses is None else tuple(statuses),
        headers=dict(headers) if headers else None,
        created_from=check_instant("created_from", created_from),
        created_until=check_instant("created_until", created_until),
        finished_from=check_instant("finished_from", finished_from),
        finished_until=check_instant("finished_until", finished_until),
        **rest,
    )


def check_instant(name: str, at: Any) -> datetime | None:
    """Gives an instant in UTC; raises `InvalidOption` when it names none."""
    if at is None:
        return None
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise InvalidOption(f"{name} is a datetime with a time zone, not {at!r}")
    return at.astimezone(UTC)


def check_order(order: str) -> Order:
    """Gives the order back; raises `InvalidOption` when there is no such order."""
    for known in get_args(Order):
        if order == known:
            return cast(Order, known)
    raise InvalidOption(f"a list is in the order {', '.join(get_args(Order))}, not {order!r}")


def check_level(level: str | None) -> list[str] | None:
    """Gives this level and those above it; raises `InvalidOption` when there is no such level."""
    if level is None:
        return None
    if level not in LEVELS:
        raise InvalidOption(f"{level!r} is no level of a log; there are {', '.join(LEVELS)}")
    return list(LEVELS[LEVELS.index(level) :])


def check_limit(limit: int) -> int:
    """Gives the page size back; raises `InvalidOption` when there is no such page."""
    if not _is_whole(limit) or not 1 <= limit <= MOST_LISTED:
        raise InvalidOption(f"a page holds 1 to {MOST_LISTED} executions, not {limit!r}; `before` gives the next one")
    return limit


def seconds_of(timeout: timedelta | float | None) -> float | None:
    """Gives a timeout in seconds; raises `InvalidOption` when it is negative or no number."""
    if timeout is None:
        return None
    seconds: object = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds >= 0:
        return float(seconds)
    raise InvalidOption(f"a timeout is a timedelta or a number of seconds, and not negative; this is {timeout!r}")


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
