"""What a step does, and how often it tries."""

from __future__ import annotations

from typing import Literal, TypeAlias

from durable_dsl.graph.values import Json, Milliseconds, Value


class RetryPolicy(Value, frozen=True, kw_only=True):
    """A whole retry policy; `max_attempts` counts the first attempt too."""

    max_attempts: int = 1
    backoff: Literal["exponential", "linear", "constant"] = "exponential"
    delay: Milliseconds = 1000
    factor: float = 2.0
    max_delay: Milliseconds = 300_000
    max_elapsed: Milliseconds | None = None
    jitter: float | Literal["full"] = 0.25
    only: tuple[str, ...] = ()
    except_: tuple[str, ...] = ()
    when: str | None = None


ONE_ATTEMPT = RetryPolicy()


class Call(Value, frozen=True, kw_only=True, tag="call", tag_field="action"):
    """A Python function by its import path; `with_` None gives it the whole data."""

    function: str
    with_: dict[str, Json] | None = None


class Set(Value, frozen=True, kw_only=True, tag="set", tag_field="action"):
    """Values put into the data."""

    values: dict[str, Json]


class Log(Value, frozen=True, kw_only=True, tag="log", tag_field="action"):
    """A message for the execution's log."""

    message: Json


Action: TypeAlias = Call | Set | Log
