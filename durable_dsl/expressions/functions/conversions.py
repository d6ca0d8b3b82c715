"""Conversions between types."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

from durable_dsl.expressions.budget import Frame, spend_text
from durable_dsl.expressions.errors import Failure, shorten
from durable_dsl.expressions.functions.registry import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NUMBER,
    STRING,
    TIMESTAMP,
    WHOLE,
    Kinds,
    function,
)
from durable_dsl.expressions.operators import checked_int, checked_uint, to_double
from durable_dsl.expressions.rendering import scalar_text, to_json_text
from durable_dsl.expressions.times import SECOND, checked_timestamp, parse_duration, parse_timestamp
from durable_dsl.expressions.values import TypeName, Uint, type_of

_INT = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:[Ii]nf(?:inity)?)|NaN", re.ASCII)
_BOOLS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def _int_from_double(value: float) -> int:
    # The two ends of the range are refused with the doubles beyond them: no int next to them has a double of its own.
    if not math.isfinite(value) or abs(value) >= 2.0**63:
        raise Failure("the double does not fit in a 64-bit int")
    return int(value)


def _uint_from_double(value: float) -> Uint:
    if not math.isfinite(value):
        raise Failure("the double does not fit in a 64-bit uint")
    return checked_uint(int(value))


def _digits(text: str) -> int:
    if _INT.fullmatch(text) is None:
        raise Failure(f"{shorten(text)!r} is not a whole number")
    return int(text)


def _double_from_text(text: str) -> float:
    if len(text) > 400 or _DOUBLE.fullmatch(text) is None:
        raise Failure(f"{shorten(text)!r} is not a number")
    return float(text)


def _bool_from_text(text: str) -> bool:
    if text not in _BOOLS:
        raise Failure(f"{shorten(text)!r} is neither true nor false")
    return _BOOLS[text]


def _bytes_from_text(frame: Frame, text: str) -> bytes:
    spend_text(frame, 2 * len(text))
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Failure("the text holds half a surrogate pair, which has no bytes") from None


def _text(frame: Frame, value: Any) -> str:
    if type(value) is str or type(value) is bytes:
        spend_text(frame, len(value))
    return value if type(value) is str else scalar_text(value)


def _encode(frame: Frame, value: bytes) -> str:
    spend_text(frame, 2 * len(value))
    return base64.b64encode(value).decode("ascii")


def _decode(frame: Frame, text: str) -> bytes:
    spend_text(frame, len(text))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Failure("base64.decode() was given a text that is not base64") from None


def _to_json(frame: Frame, value: Any) -> str:
    return to_json_text(value, frame)


def _same(value: Any) -> Any:
    return value


def _type(value: Any) -> TypeName:
    return type_of(value)


function("int", [INT], _same)
function("int", [frozenset({Uint})], lambda value: checked_int(int(value)))
function("int", [DOUBLE], _int_from_double)
function("int", [STRING], lambda text: checked_int(_digits(text)))
function("int", [TIMESTAMP], lambda value: int(value) // SECOND)
function("uint", [WHOLE], lambda value: checked_uint(int(value)))
function("uint", [DOUBLE], _uint_from_double)
function("uint", [STRING], lambda text: checked_uint(_digits(text)))
function("double", [NUMBER], to_double)
function("double", [STRING], _double_from_text)
function("bool", [BOOL], _same)
function("bool", [STRING], _bool_from_text)
function("bytes", [BYTES], _same)
function("bytes", [STRING], _bytes_from_text, framed=True)
_WRITABLE: tuple[Kinds, ...] = (STRING, NUMBER, BOOL, BYTES, TIMESTAMP, DURATION)
for _kinds in _WRITABLE:
    function("string", [_kinds], _text, framed=True)
function("timestamp", [TIMESTAMP], _same)
function("timestamp", [STRING], parse_timestamp)
function("timestamp", [INT], lambda seconds: checked_timestamp(seconds * SECOND))
function("duration", [DURATION], _same)
function("duration", [STRING], parse_duration)
function("type", [ANY], _type)
function("dyn", [ANY], _same)
function("to_json", [ANY], _to_json, framed=True)
function("base64.encode", [BYTES], _encode, framed=True)
function("base64.encode", [STRING], lambda frame, text: _encode(frame, _bytes_from_text(frame, text)), framed=True)
function("base64.decode", [STRING], _decode, framed=True)
