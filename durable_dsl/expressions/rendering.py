"""How values leave an expression: as JSON, as text inside a template, by string() and by format()."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

from durable_dsl.expressions.budget import Frame, spend, spend_text
from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.times import duration_text, timestamp_text
from durable_dsl.expressions.values import BoolKey, Duration, Maybe, Timestamp, TypeName, Uint, key_value, kind

_MAX_PRECISION = 100
_PLAIN: frozenset[type] = frozenset({int, bool, type(None)})
_CLAUSE = re.compile(r"%(?:\.([0-9]{1,9}))?(.?)", re.DOTALL)


def to_plain(value: Any, frame: Frame) -> Any:
    """Give the JSON form of a value: the same object if it is plain already; raises Failure if it has none.

    Timestamps and durations become text, bytes base64, an optional its value or null, keys of maps text.
    """
    of = type(value)
    if of is str:
        spend_text(frame, len(value))
        return value
    if of in _PLAIN:
        return value
    if of is float:
        if math.isfinite(value):
            return value
        raise Failure(f"the result is {double_text(value)}, a double that JSON cannot hold")
    if of is list:
        spend(frame, 2 + len(value))
        items = [item if type(item) in _PLAIN else to_plain(item, frame) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if of is dict:
        spend(frame, 2 + len(value))
        same = True
        entries: dict[str, Any] = {}
        for key, item in value.items():
            plain = item if type(item) in _PLAIN else to_plain(item, frame)
            entries[key if type(key) is str else _plain_key(key)] = plain
            same = same and plain is item and type(key) is str
        if len(entries) < len(value):
            raise Failure("two keys of the map are the same text in JSON")
        return value if same else entries
    if of is Timestamp:
        return timestamp_text(value)
    if of is Duration:
        return duration_text(value)
    if of is Uint:
        return int(value)
    if of is bytes:
        spend_text(frame, 2 * len(value))
        return base64.b64encode(value).decode("ascii")
    if of is Maybe:
        return to_plain(value.value, frame) if value.present else None
    if of is TypeName:
        return value.name
    raise Failure(f"a {of.__name__} is not a value that expressions know")


def to_json_text(value: Any, frame: Frame) -> str:
    """Write a value as compact JSON."""
    try:
        text = compact_json(to_plain(value, frame))
    except ValueError:
        raise Failure("a number has too many digits to be written") from None
    spend_text(frame, len(text))
    return text


def compact_json(value: Any) -> str:
    """Write plain JSON without spaces; raises ValueError for an int of thousands of digits."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_text(value: Any, frame: Frame) -> str:
    """Write a value as `%s` of format() does: texts as they are, lists and maps in brackets with sorted keys."""
    of = type(value)
    if of is str:
        spend_text(frame, len(value))
        text: str = value
        return text
    if of is list:
        spend(frame, 2 + len(value))
        return f"[{', '.join([to_text(item, frame) for item in value])}]"
    if of is dict:
        spend(frame, 2 + len(value))
        shown = sorted((to_text(key_value(key), frame), to_text(item, frame)) for key, item in value.items())
        return "{" + ", ".join([f"{key}: {item}" for key, item in shown]) + "}"
    if of is Maybe:
        return f"optional({to_text(value.value, frame)})" if value.present else "optional.none()"
    return scalar_text(value)


def scalar_text(value: Any) -> str:
    """Write a value that is neither list nor map as string() does; raises Failure for other bytes than UTF-8."""
    of = type(value)
    if value is None:
        return "null"
    if of is bool:
        return "true" if value else "false"
    if of is float:
        return double_text(value)
    if of is Timestamp:
        return timestamp_text(value)
    if of is Duration:
        return duration_text(value)
    if of is bytes:
        try:
            return str(value, "utf-8")
        except UnicodeDecodeError:
            raise Failure("the bytes are not UTF-8 text") from None
    if of is TypeName:
        name: str = value.name
        return name
    try:
        return str(int(value)) if of is Uint else str(value)
    except ValueError:
        raise Failure("the number has too many digits to be written") from None


def double_text(value: float) -> str:
    """Write a double with as few digits as tell it apart: '0.1', '120', '1e+22', 'Infinity'."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def format_text(frame: Frame, template: str, values: list[Any]) -> str:
    """Fill `%s %d %f %e %b %o %x %X %%` of a template from a list; raises Failure where a value does not fit."""
    parts: list[str] = []
    end = used = 0
    spend_text(frame, len(template))
    for match in _CLAUSE.finditer(template):
        parts.append(template[end : match.start()])
        end = match.end()
        precision, clause = match.groups()
        if clause == "%" and precision is None:
            parts.append("%")
            continue
        if clause not in _CLAUSES or (precision is not None and clause not in "fe"):
            raise Failure(f"format() knows no '{match.group()}'; there are %s %d %f %e %b %o %x %X and %%")
        if used >= len(values):
            raise Failure(f"format() has {len(values)} values, too few for its template")
        digits = 6 if precision is None else int(precision)
        if digits > _MAX_PRECISION:
            raise Failure(f"format() writes at most {_MAX_PRECISION} digits after the point")
        text = _clause_text(clause, digits, values[used], frame)
        spend_text(frame, len(text))
        parts.append(text)
        used += 1
    parts.append(template[end:])
    return "".join(parts)


_CLAUSES = frozenset("sdfeboxX")


def _clause_text(clause: str, digits: int, value: Any, frame: Frame) -> str:
    of = type(value)
    if clause == "s":
        return to_text(value, frame)
    if of is float and not math.isfinite(value) and clause in "dfe":
        return double_text(value)
    try:
        if clause == "d" and of in (int, Uint):
            return scalar_text(value)
        if clause in "fe" and of in (int, Uint, float):
            return f"{float(value):.{digits}{clause}}"
        if clause == "b" and of in (int, Uint, bool):
            return f"{int(value):b}"
        if clause in "oxX" and of in (int, Uint):
            return f"{int(value):{clause}}"
        if clause in "xX" and of in (str, bytes):
            spend_text(frame, 2 * len(value))
            written: str = (value.encode() if of is str else value).hex()
            return written if clause == "x" else written.upper()
    except (OverflowError, UnicodeEncodeError):
        raise Failure(f"format() cannot write this {kind(value)} with %{clause}") from None
    raise Failure(f"format() cannot write {kind(value)} with %{clause}")


def _plain_key(key: Any) -> str:
    if type(key) is str:
        return key
    return scalar_text(key.value if type(key) is BoolKey else key)
