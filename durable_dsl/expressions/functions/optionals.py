"""Functions of optional values. `or` and `orValue` stand in `calls`: their argument runs only if needed."""

from __future__ import annotations

from typing import Any

from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.functions.registry import ANY, OPTIONAL, function, method
from durable_dsl.expressions.values import NOTHING, Duration, Maybe, Timestamp, Uint


def _of_non_zero(value: Any) -> Maybe:
    if value is None or (type(value) is Maybe and not value.present):
        return NOTHING
    zero = type(value) in (bool, int, float, str, bytes, list, dict, Uint, Duration) and not value
    return NOTHING if zero and type(value) is not Timestamp else Maybe(True, value)


def _value(optional: Maybe) -> Any:
    if optional.present:
        return optional.value
    raise Failure("value() of an optional that has none; write .orValue(…)")


function("optional.of", [ANY], lambda value: Maybe(True, value))
function("optional.ofNonZeroValue", [ANY], _of_non_zero)
function("optional.none", [], lambda: NOTHING)
method("hasValue", [OPTIONAL], lambda optional: optional.present)
method("value", [OPTIONAL], _value)
