"""Functions of numbers, in the namespace `math`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from durable_dsl.expressions.budget import Frame, spend
from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.functions.registry import DOUBLE, INT, LIST, NUMBER, WHOLE, Kinds, function
from durable_dsl.expressions.operators import checked_int
from durable_dsl.expressions.values import INT_MAX, NUMBERS, UINT_MAX, Uint, kind


def _greatest(first: Any, *others: Any) -> Any:
    for other in others:
        if other > first:
            first = other
    return first


def _least(first: Any, *others: Any) -> Any:
    for other in others:
        if other < first:
            first = other
    return first


def _of_list(name: str, run: Callable[..., Any]) -> Callable[[Frame, list[Any]], Any]:
    def apply(frame: Frame, items: list[Any]) -> Any:
        spend(frame, len(items))
        if not items:
            raise Failure(f"{name}() of an empty list")
        for item in items:
            if type(item) not in NUMBERS:
                raise Failure(f"{name}() needs numbers, and one item is {kind(item)}")
        return run(*items)

    return apply


def _absolute(value: Any) -> Any:
    return checked_int(abs(value)) if type(value) is int else value if type(value) is Uint else abs(value)


def _sign(value: Any) -> Any:
    if type(value) is float and math.isnan(value):
        return value
    return type(value)((value > 0) - (value < 0))


def _rounding(run: Callable[[float], int]) -> Callable[[float], float]:
    def apply(value: float) -> float:
        return float(run(value)) if math.isfinite(value) else value

    return apply


def _round_half_away(value: float) -> int:
    whole = math.floor(abs(value))
    return int(math.copysign(whole + (abs(value) - whole >= 0.5), value))


def _bits(run: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    return lambda left, right: type(left)(run(int(left), int(right)))


def _flip(value: Any) -> Any:
    return Uint(UINT_MAX ^ int(value)) if type(value) is Uint else ~value


def _shift_left(value: Any, places: int) -> Any:
    if _places(places) > 63:
        return type(value)(0)
    bits = (int(value) << places) & UINT_MAX
    return Uint(bits) if type(value) is Uint else bits - 2**64 if bits > INT_MAX else bits


def _shift_right(value: Any, places: int) -> Any:
    # The sign is shifted like any other bit.
    return type(value)(0 if _places(places) > 63 else (int(value) & UINT_MAX) >> places)


def _places(places: int) -> int:
    if places < 0:
        raise Failure("cannot shift by a negative number of bits")
    return places


for _name, _run in (("math.greatest", _greatest), ("math.least", _least)):
    function(_name, [NUMBER], _run, rest=NUMBER)
    function(_name, [LIST], _of_list(_name, _run), framed=True)

function("math.abs", [NUMBER], _absolute)
function("math.sign", [NUMBER], _sign)
function("math.ceil", [DOUBLE], _rounding(math.ceil))
function("math.floor", [DOUBLE], _rounding(math.floor))
function("math.round", [DOUBLE], _rounding(_round_half_away))
function("math.trunc", [DOUBLE], _rounding(math.trunc))
function("math.isNaN", [DOUBLE], math.isnan)
function("math.isInf", [DOUBLE], math.isinf)
function("math.isFinite", [DOUBLE], math.isfinite)

_BOTH: tuple[Kinds, ...] = (INT, frozenset({Uint}))
for _kinds in _BOTH:
    function("math.bitAnd", [_kinds, _kinds], _bits(lambda left, right: left & right))
    function("math.bitOr", [_kinds, _kinds], _bits(lambda left, right: left | right))
    function("math.bitXor", [_kinds, _kinds], _bits(lambda left, right: left ^ right))
function("math.bitNot", [WHOLE], _flip)
function("math.bitShiftLeft", [WHOLE, INT], _shift_left)
function("math.bitShiftRight", [WHOLE, INT], _shift_right)
