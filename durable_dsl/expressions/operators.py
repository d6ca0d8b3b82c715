"""What the binary operators do to two values, by the exact types of both."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from durable_dsl.expressions.budget import Frame, spend, spend_text
from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.times import checked_duration, checked_timestamp
from durable_dsl.expressions.values import INT_MAX, INT_MIN, NUMBERS, ORDERED, UINT_MAX, Duration, Timestamp, Uint, kind

Binary: TypeAlias = Callable[[Any, Any, Frame], Any]


def arithmetic(sign: str, left: Any, right: Any, frame: Frame) -> Any:
    """Apply `+ - * / %`; raises Failure where the types do not fit, on overflow and on division by zero."""
    run = ARITHMETIC[sign].get((type(left), type(right)))
    if run is None:
        raise Failure(_no_arithmetic(sign, left, right))
    return run(left, right, frame)


def order(sign: str, left: Any, right: Any, frame: Frame) -> bool:
    """Apply `< <= > >=` to two numbers, or to two values of one ordered type; raises Failure otherwise."""
    of, other = type(left), type(right)
    if (of is other and of in ORDERED) or (of in NUMBERS and other in NUMBERS):
        if of is str or of is bytes:
            spend_text(frame, min(len(left), len(right)))
        return bool(ORDERINGS[sign](left, right))
    raise Failure(_no_order(sign, left, right))


ORDERINGS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def checked_int(value: int) -> int:
    """Give `value` if it fits in 64 bits; raises Failure otherwise."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise Failure("the result does not fit in a 64-bit int; use doubles, as in double(x)")


def checked_uint(value: int) -> Uint:
    """Give `value` as a Uint if it fits in 64 unsigned bits; raises Failure otherwise."""
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise Failure("the result does not fit in a 64-bit uint")


def to_double(value: int | float) -> float:
    """Give the nearest double; raises Failure for an int beyond all doubles."""
    try:
        return float(value)
    except OverflowError:
        raise Failure("the number is too large for a double") from None


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise Failure("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise Failure("remainder of a division by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _divide_doubles(left: float, right: float) -> float:
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _concatenate_text(left: Any, right: Any, frame: Frame) -> Any:
    spend_text(frame, len(left) + len(right))
    return left + right


def _concatenate_lists(left: list[Any], right: list[Any], frame: Frame) -> list[Any]:
    spend(frame, len(left) + len(right))
    return left + right


def _ints(run: Callable[[int, int], int]) -> Binary:
    return lambda left, right, frame: checked_int(run(left, right))


def _uints(run: Callable[[int, int], int]) -> Binary:
    return lambda left, right, frame: checked_uint(run(int(left), int(right)))


def _doubles(run: Callable[[float, float], float]) -> Binary:
    return lambda left, right, frame: run(to_double(left), to_double(right))


def _numeric(
    ints: Callable[[int, int], int], doubles: Callable[[float, float], float]
) -> dict[tuple[type, type], Binary]:
    mixed = _doubles(doubles)
    return {
        (int, int): _ints(ints),
        (Uint, Uint): _uints(ints),
        (float, float): mixed,
        (int, float): mixed,
        (float, int): mixed,
    }


ARITHMETIC: dict[str, dict[tuple[type, type], Binary]] = {
    "+": _numeric(operator.add, operator.add)
    | {
        (str, str): _concatenate_text,
        (bytes, bytes): _concatenate_text,
        (list, list): _concatenate_lists,
        (Timestamp, Duration): lambda left, right, frame: checked_timestamp(int(left) + int(right)),
        (Duration, Timestamp): lambda left, right, frame: checked_timestamp(int(left) + int(right)),
        (Duration, Duration): lambda left, right, frame: checked_duration(int(left) + int(right)),
    },
    "-": _numeric(operator.sub, operator.sub)
    | {
        (Timestamp, Timestamp): lambda left, right, frame: checked_duration(int(left) - int(right)),
        (Timestamp, Duration): lambda left, right, frame: checked_timestamp(int(left) - int(right)),
        (Duration, Duration): lambda left, right, frame: checked_duration(int(left) - int(right)),
    },
    "*": _numeric(operator.mul, operator.mul)
    | {
        (Duration, int): lambda left, right, frame: checked_duration(int(left) * right),
        (int, Duration): lambda left, right, frame: checked_duration(left * int(right)),
    },
    "/": _numeric(_divide, _divide_doubles)
    | {(Duration, int): lambda left, right, frame: checked_duration(_divide(int(left), right))},
    "%": {(int, int): _ints(_remainder), (Uint, Uint): _uints(_remainder)},
}

_VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "take the remainder of"}


def _no_arithmetic(sign: str, left: Any, right: Any) -> str:
    message = f"cannot {_VERBS[sign]} {kind(left)} and {kind(right)}"
    types = {type(left), type(right)}
    if sign == "+" and str in types and types & {int, float, bool, Uint}:
        return f"{message}; put the other value into the text with string(…)"
    if types & {Timestamp, Duration} and str in types:
        return f"{message}; wrap the text in timestamp(…) or duration(…), or the other in string(…)"
    if types & {Timestamp, Duration} and int in types:
        return f"{message}; a span of time is written duration('30s')"
    if type(None) in types:
        return f"{message}; .?field.orValue(…) gives a value for one that is missing, x == null tells null"
    if str in types and types & NUMBERS:
        return f"{message}; read the number in the text with int(…) or double(…)"
    return message


def _no_order(sign: str, left: Any, right: Any) -> str:
    message = f"cannot compare {kind(left)} {sign} {kind(right)}"
    types = {type(left), type(right)}
    for needed, name in ((Timestamp, "timestamp"), (Duration, "duration")):
        if types == {needed, str}:
            return f"{message}; wrap the text in {name}(…)"
    if str in types and types & NUMBERS:
        return f"{message}; read the number in the text with int(…) or double(…)"
    return message
