"""What authors hand to the calls of `ctx`, checked: names, spans, policies."""

from __future__ import annotations

import re
from datetime import timedelta

from durable_dsl import Retry
from durable_dsl.durations import DurationError, parse_duration
from durable_dsl.graph import ONE_ATTEMPT, RetryPolicy
from durable_runtime.actions.outcome import Fatal

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = ("catch", "compensate")


class ContextMisuse(Fatal):
    """`ctx` was used in a way that cannot work; the message says what to do instead."""


def check_name(name: str) -> None:
    """Raises `ContextMisuse` for a text that cannot name a call."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ContextMisuse(f"{name!r} cannot name a call of ctx; write lower-case letters, digits and _")


def check_stream(name: object) -> None:
    """Raises `ContextMisuse` for what cannot name a stream."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ContextMisuse(f"{name!r} cannot name a stream; write lower-case letters, digits and _")


def policy_of(retry: Retry | int | None) -> RetryPolicy:
    """Gives the policy of a sub-step; raises `ContextMisuse` for what is none."""
    match retry:
        case None:
            return ONE_ATTEMPT
        case int() if not isinstance(retry, bool) and retry > 0:
            return RetryPolicy(max_attempts=retry)
        case Retry(when=None, max_elapsed=None):
            return RetryPolicy(
                max_attempts=retry.max_attempts,
                backoff=retry.backoff,
                delay=_milliseconds("delay", retry.delay),
                factor=retry.factor,
                max_delay=_milliseconds("max_delay", retry.max_delay),
                jitter=retry.jitter,
                only=tuple(map(_class_name, retry.only)),
                except_=tuple(map(_class_name, retry.except_)),
            )
        case _:
            raise ContextMisuse(
                f"retry of ctx.step is a number of attempts, or a Retry without 'when' and 'max_elapsed', not {retry!r}"
            )


def _class_name(error: type[BaseException] | str) -> str:
    return error if isinstance(error, str) else error.__name__


def _milliseconds(what: str, duration: timedelta | str) -> int:
    return round(span_of(what, duration) / timedelta(milliseconds=1))


def span_of(what: str, duration: timedelta | str) -> timedelta:
    """Gives a span; raises `ContextMisuse` for what is none."""
    if isinstance(duration, str):
        try:
            duration = parse_duration(duration)
        except DurationError as error:
            raise ContextMisuse(f"{what}: {error}") from None
    if not isinstance(duration, timedelta):
        raise ContextMisuse(f"{what} takes a timedelta or a text such as '30m', not {duration!r}")
    if duration < timedelta(0):
        raise ContextMisuse(f"{what} cannot be less than no time")
    return duration
