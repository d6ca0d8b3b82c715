"""Retry policies: a number of attempts, a policy's name, or a mapping."""

from __future__ import annotations

from durable_dsl.document import Defaults, Json, Retry
from durable_dsl.places import BROKEN, KEY, Broken, Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, read_fields
from durable_dsl.reading.shapes import (
    CONDITION,
    DURATION,
    ERROR_TYPES,
    FIXED_DURATION,
    NAME,
    Shape,
    number,
    one_of,
    whole,
)

_ATTEMPTS = whole(1, 1_000_000)


def _max_elapsed(collector: Collector, value: Json, path: Path) -> str | Broken:
    return BROKEN if value in ("none", None) else FIXED_DURATION.read(collector, value, path)


def _jitter(collector: Collector, value: Json, path: Path) -> float | str | Broken:
    read: float | str | Broken
    if value == "full":
        read = "full"
    elif isinstance(value, str):
        read = collector.report("W028", f"'jitter' is a number from 0 to 1, or full; not {value!r}", path)
    else:
        read = number(0, 1).read(collector, value, path)
    return read


RETRY_FIELDS = {
    "max_attempts": Field(_ATTEMPTS, "How often the step is attempted at most, the first attempt included; default 3."),
    "backoff": Field(
        one_of("exponential", "linear", "constant"), "How the waits between attempts grow; default exponential."
    ),
    "delay": Field(FIXED_DURATION, "The wait before the first retry; default 1s."),
    "factor": Field(number(1, 1000), "By how much an exponential wait grows each time; default 2."),
    "max_delay": Field(FIXED_DURATION, "The longest wait between two attempts; default 5m."),
    "max_elapsed": Field(
        Shape(_max_elapsed, {"anyOf": [FIXED_DURATION.schema, {"enum": ["none", None]}]}),
        "No retry begins later than this after the first attempt began; default none.",
    ),
    "jitter": Field(
        Shape(_jitter, {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"const": "full"}]}),
        "How much a wait varies at random: a share of it from 0 to 1, or full for anything up to it; default 0.25.",
    ),
    "only": Field(ERROR_TYPES, "Only errors of these types are retried."),
    "except": Field(ERROR_TYPES, "Errors of these types are not retried.", "except_"),
    "when": Field(CONDITION, "An expression over 'error'; false means that it is not retried."),
}


def _policy(collector: Collector, value: Json, path: Path) -> Retry | Broken:
    if isinstance(value, int) and not isinstance(value, bool):
        attempts = _ATTEMPTS.read(collector, value, path)
        return BROKEN if attempts is BROKEN else Retry(max_attempts=attempts)
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a number of attempts or a mapping", value)
    return Retry(**read_fields(collector, value, path, RETRY_FIELDS, "a retry policy"))


def _retry(collector: Collector, value: Json, path: Path) -> Retry | str | Broken:
    if isinstance(value, str):
        name: str | Broken = NAME.read(collector, value, path)
        return name
    if not isinstance(value, int | dict) or isinstance(value, bool):
        return collector.wrong_type(path, "a number of attempts, the name of a policy or a mapping", value)
    return _policy(collector, value, path)


def _retries(collector: Collector, value: Json, path: Path) -> dict[str, Retry] | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping of policies by name", value)
    policies: dict[str, Retry] = {}
    for name, policy in value.items():
        NAME.read(collector, name, (*path, name, KEY))
        read = BROKEN if policy is BROKEN else _policy(collector, policy, (*path, name))
        # A broken policy stays known by its name, or every step that uses it would be wrong too.
        policies[name] = Retry() if isinstance(read, Broken) else read
    return policies


_POLICY_SCHEMA = {"anyOf": [_ATTEMPTS.schema, {"$ref": "#/definitions/retry"}]}

RETRY = Shape(_retry, {"anyOf": [_ATTEMPTS.schema, NAME.schema, {"$ref": "#/definitions/retry"}]})
RETRIES = Shape(_retries, {"type": "object", "propertyNames": NAME.schema, "additionalProperties": _POLICY_SCHEMA})

DEFAULT_FIELDS = {
    "retry": Field(RETRY, "The retry policy of steps that have none themselves, if their action has attempts."),
    "timeout": Field(DURATION, "The timeout of an attempt of steps that have none themselves."),
}


def _defaults(collector: Collector, value: Json, path: Path) -> Defaults | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'retry' or 'timeout'", value)
    return Defaults(**read_fields(collector, value, path, DEFAULT_FIELDS, "'defaults'"))


DEFAULTS = Shape(_defaults, {"$ref": "#/definitions/defaults"})
