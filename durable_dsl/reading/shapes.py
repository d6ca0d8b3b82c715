"""The shapes of single values: how each is read, and what the editor schema says about it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from durable_dsl.document import Condition, Function, Json
from durable_dsl.durations import DurationError, parse_duration
from durable_dsl.places import BROKEN, COMMENT, Broken, Path
from durable_dsl.reading.collector import Collector, describe, subject
from durable_dsl.suggestions import did_you_mean
from durable_dsl.yaml_traps import unclosed

MAX_NAME = 100

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_EVENT = r"[A-Za-z_][A-Za-z0-9_]*([.:-][A-Za-z0-9_]+)*"
_EXPRESSION_IN_TEXT = re.compile(r"\$\{\s*(.*?)\s*\}")
_UNESCAPED = re.compile(r"(?<!\$)\$\{")
_WHOLE_NUMBERS = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of value. `read` gives the value, or reports and gives `BROKEN`; `schema` is for the editor schema."""

    read: Callable[[Collector, Json, Path], Any]
    schema: Mapping[str, Json]


def is_text(collector: Collector, value: Json, path: Path) -> bool:
    """Tells whether the value is a text that says something; reports it if not."""
    if not isinstance(value, str):
        hint = (
            f'put it into quotes: "{written(collector, value, path)}"'
            if isinstance(value, bool | int | float)
            else None
        )
        collector.wrong_type(path, "text", value, hint)
        return False
    if not value.strip():
        collector.report("W003", f"{subject(path)} is empty", path)
        return False
    return True


def written(collector: Collector, value: Json, path: Path) -> str:
    """Gives a scalar as it is written in the file, `1.10` rather than `1.1`."""
    place = collector.place(path)
    if place is not None and place.text is not None:
        return place.text
    return _short(value)


def _short(value: Json) -> str:
    return describe(value).removeprefix("the number ")


def _text(collector: Collector, value: Json, path: Path) -> str | Broken:
    return value if is_text(collector, value, path) else BROKEN


def _any_text(collector: Collector, value: Json, path: Path) -> str | Broken:
    return "" if value == "" else _text(collector, value, path)


def _version(collector: Collector, value: Json, path: Path) -> str | Broken:
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = written(collector, value, path)
        message = f"'version' is text, and unquoted it is the number {value}"
        return collector.report("W035", message, path, hint=f'quote it: version: "{text}"')
    return _text(collector, value, path)


def _name(collector: Collector, value: Json, path: Path) -> str | Broken:
    if not is_text(collector, value, path):
        return BROKEN
    if len(value) > MAX_NAME:
        return collector.report("W022", f"a name has at most {MAX_NAME} characters, this one has {len(value)}", path)
    if _NAME.fullmatch(value):
        return str(value)
    better = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value).lower()).strip("_")
    hint = f"write '{better}'" if _NAME.fullmatch(better) else None
    return collector.report(
        "W022",
        f"{value!r} cannot be a name: names are lower case letters, digits and '_', a letter first",
        path,
        hint=hint,
    )


def _identifier(collector: Collector, value: Json, path: Path) -> str | Broken:
    if not is_text(collector, value, path):
        return BROKEN
    if _IDENTIFIER.fullmatch(value) and len(value) <= MAX_NAME:
        return str(value)
    short = re.sub(r"\W+", "_", value.removeprefix("data.")).strip("_")
    hint = f"write '{short}'" if _IDENTIFIER.fullmatch(short) and len(short) <= MAX_NAME else None
    message = f"{subject(path)} must be letters, digits and '_', no digit first; not {describe(value)}"
    return collector.report("W022", message, path, hint=hint)


def _queue(collector: Collector, value: Json, path: Path) -> str | Broken:
    if not is_text(collector, value, path):
        return BROKEN
    if _QUEUE.fullmatch(value) and len(value) <= MAX_NAME:
        return str(value)
    return collector.report("W022", f"{value!r} cannot be a queue: letters, digits, '_', '-' and '.' only", path)


def _function(collector: Collector, value: Json, path: Path) -> str | Broken:
    if not is_text(collector, value, path):
        return BROKEN
    parts = value.split(".")
    if len(parts) > 1 and all(part.isidentifier() for part in parts):
        return str(value)
    hint = "write package.module.function"
    if re.fullmatch(r"[\w.]+:[\w.]+", value):
        hint = f"write a dot before the function: {value.replace(':', '.')}"
    elif value.endswith("()"):
        hint = f"leave out the parentheses: {value[:-2]}"
    elif len(parts) == 1 and value.isidentifier():
        hint = f"name its module too, as in package.module.{value}"
    return collector.report("W032", f"{value!r} does not name an importable function", path, hint=hint)


def _event_name(collector: Collector, value: Json, path: Path) -> str | Broken:
    if not is_text(collector, value, path):
        return BROKEN
    if re.fullmatch(_EVENT, value):
        return str(value)
    hint = "write letters, digits and '_', with dots between parts, as in order.paid"
    return collector.report("W022", f"{value!r} cannot be the name of an event", path, hint=hint)


def refuse_cut(collector: Collector, text: str, path: Path) -> bool:
    """Reports an expression that YAML cut off at ` #`, where a comment begins; tells whether it did."""
    if (*path, COMMENT) not in collector.places or unclosed(text) is None:
        return False
    message = f"' #' begins a comment in YAML, so {subject(path)} ends after {text[-20:]!r}"
    collector.report("W014", message, (*path, COMMENT), hint="quote the whole value")
    return True


def _expression(collector: Collector, value: Json, path: Path) -> str | Broken:
    if not isinstance(value, str):
        hint = "put it into quotes" if isinstance(value, list | dict) else None
        if isinstance(value, dict) and "call" in value:
            hint = "a function is given the data and nothing else, so it cannot stand here"
        return collector.wrong_type(path, "an expression", value, hint)
    if not is_text(collector, value, path) or refuse_cut(collector, value, path):
        return BROKEN
    if (at := value.find("${")) >= 0:
        bare = " ".join(_EXPRESSION_IN_TEXT.sub(r"\1", value).split())
        message = f"{subject(path)} is an expression already, without ${{ }}"
        return collector.report("W031", message, path, hint=f"write {bare}", inside=at, width=2)
    return value.rstrip()


def _condition(collector: Collector, value: Json, path: Path) -> str | Broken:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _expression(collector, value, path)


def _or_function(of: Shape) -> Shape:
    """An expression, or `{call: package.module.function}` in place of it."""

    def read(collector: Collector, value: Json, path: Path) -> Condition | Broken:
        if not isinstance(value, dict) or "call" not in value:
            read: Condition | Broken = of.read(collector, value, path)
            return read
        for key in value:
            if key != "call":
                message = f"'{key}' has no effect beside 'call', whose function is given the data"
                collector.report("W006", message, (*path, key), at_key=True)
        called = value["call"]
        function: str | Broken = BROKEN if called is BROKEN else FUNCTION.read(collector, called, (*path, "call"))
        return BROKEN if isinstance(function, Broken) else Function(function)

    return Shape(read, {"anyOf": [of.schema, {"$ref": "#/definitions/function"}]})


def _duration(collector: Collector, value: Json, path: Path) -> str | Broken:
    if isinstance(value, str) and _UNESCAPED.search(value):
        return BROKEN if refuse_cut(collector, value, path) else value
    return _plain_duration(collector, value, path)


def _plain_duration(collector: Collector, value: Json, path: Path) -> str | Broken:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return collector.wrong_type(path, "a duration such as 30s or 1h30m", value)
    text = str(value)
    if _UNESCAPED.search(text):
        return collector.report("W030", f"{subject(path)} is a fixed duration, so no ${{ }} can stand there", path)
    try:
        parse_duration(text)
    except DurationError as error:
        return collector.report("W030", f"{subject(path)}: {error}", path)
    return text


def _json(collector: Collector, value: Json, path: Path) -> Json:
    """Copies a JSON value; what was reported already becomes null, what only Python can hold is reported."""
    kind = type(value)
    if kind is str:
        return None if "${" in value and refuse_cut(collector, value, path) else value
    if value is None or kind is bool or (kind is int and value in _WHOLE_NUMBERS):
        return value
    if kind is list:
        return [_json(collector, item, (*path, index)) for index, item in enumerate(value)]
    if kind is dict:
        return {key: _json(collector, item, (*path, key)) for key, item in value.items()}
    if value is BROKEN or (kind is float and math.isfinite(value)):
        return None if value is BROKEN else value
    hint = "infinity and NaN are not part of JSON" if kind is float else None
    collector.wrong_type(path, "a JSON value", value, hint)
    return None


def _mapping(collector: Collector, value: Json, path: Path) -> Mapping[str, Json] | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping", value)
    read: Mapping[str, Json] = _json(collector, value, path)
    return read


def _switch(collector: Collector, value: Json, path: Path) -> bool | Broken:
    return value if isinstance(value, bool) else collector.wrong_type(path, "true or false", value)


def whole(least: int, most: int, what: str = "a whole number") -> Shape:
    """A whole number between two bounds, both included."""

    def read(collector: Collector, value: Json, path: Path) -> int | Broken:
        if isinstance(value, bool) or not isinstance(value, int):
            return collector.wrong_type(path, what, value, _unquote(value))
        if value < least:
            return collector.report("W029", f"{subject(path)} must be at least {least}, not {_short(value)}", path)
        if value > most:
            return collector.report("W029", f"{subject(path)} must be at most {most}, not {_short(value)}", path)
        return value

    return Shape(read, {"type": "integer", "minimum": least, "maximum": most})


def number(least: float, most: float) -> Shape:
    """A number between two bounds, both included."""

    def read(collector: Collector, value: Json, path: Path) -> float | Broken:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return collector.wrong_type(path, "a number", value, _unquote(value))
        if not least <= value <= most:
            return collector.report(
                "W029", f"{subject(path)} must be from {least:g} to {most:g}, not {_short(value)}", path
            )
        return value

    return Shape(read, {"type": "number", "minimum": least, "maximum": most})


def one_of(*words: str) -> Shape:
    """One of a few words."""

    def read(collector: Collector, value: Json, path: Path) -> str | Broken:
        if isinstance(value, str) and value in words:
            return value
        if not isinstance(value, str):
            return collector.wrong_type(path, "one of " + ", ".join(words), value)
        hint = did_you_mean(value, words)
        return collector.report("W028", f"{subject(path)} is one of {', '.join(words)}, not {value!r}", path, hint=hint)

    return Shape(read, {"enum": list(words)})


def list_of(item: Shape, what: str, *, placeholder: Any) -> Shape:
    """A list whose items all have one shape; gives a tuple, with the placeholder for those that could not be read."""

    def read_item(collector: Collector, value: Json, path: Path) -> Any:
        read = BROKEN if value is BROKEN else item.read(collector, value, path)
        return placeholder if read is BROKEN else read

    def read(collector: Collector, value: Json, path: Path) -> tuple[Any, ...] | Broken:
        if not isinstance(value, list):
            hint = "put it into [ ]" if isinstance(value, str) else None
            return collector.wrong_type(path, what, value, hint)
        if not value:
            return collector.report("W034", f"{subject(path)} is empty; it must be {what}", path)
        return tuple(read_item(collector, entry, (*path, index)) for index, entry in enumerate(value))

    return Shape(read, {"type": "array", "items": item.schema, "minItems": 1})


def _unquote(value: Json) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[+]?[0-9]+(\.[0-9]+)?", value):
        return f"write {value.lstrip('+').lstrip('0') or '0'} without quotes, sign or leading zeros"
    return None


_DURATION_PATTERN = (
    r"^(([0-9]+(ms|s|m|h|d|w))+|P([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+([.,][0-9]{1,3})?S)?)?)$"
)

_SPAN = "A duration has units: 30s, 5m, 1h30m, PT1H"


def _pattern(pattern: str, message: str, longest: int | None = None) -> dict[str, Json]:
    """The schema of a text; the message is what an editor says instead of showing the pattern."""
    schema: dict[str, Json] = {"type": "string", "pattern": pattern, "errorMessage": message}
    return schema if longest is None else {**schema, "maxLength": longest}


TEXT = Shape(_text, {"type": "string", "minLength": 1})
ANY_TEXT = Shape(_any_text, {"type": "string"})
EVENT_NAME = Shape(_event_name, {"type": "string", "pattern": f"^{_EVENT}$"})
VERSION = Shape(_version, {"type": "string", "minLength": 1})
NAME = Shape(
    _name,
    _pattern("^[a-z][a-z0-9_]*$", "A name is lower case letters, digits and '_', a letter first.", MAX_NAME),
)
IDENTIFIER = Shape(
    _identifier,
    _pattern("^[A-Za-z_][A-Za-z0-9_]*$", "This is letters, digits and '_', no digit first.", MAX_NAME),
)
QUEUE = Shape(
    _queue, _pattern("^[A-Za-z0-9][A-Za-z0-9_.-]*$", "A queue is letters, digits, '_', '-' and '.'.", MAX_NAME)
)
FUNCTION = Shape(_function, _pattern(r"^[^\s.:()]+(\.[^\s.:()]+)+$", "Write the import path: package.module.function."))
_EXPRESSION = _pattern(r"^(?![\s\S]*\$\{)[\s\S]+$", "This is an expression already; write it without ${ }.")
CONDITION = Shape(_condition, {**_EXPRESSION, "type": ["string", "boolean"]})
TEST = _or_function(CONDITION)
EXPRESSION = _or_function(Shape(_expression, _EXPRESSION))
DURATION = Shape(_duration, _pattern(rf"{_DURATION_PATTERN}|\$\{{", f"{_SPAN}, or an expression."))
FIXED_DURATION = Shape(_plain_duration, _pattern(_DURATION_PATTERN, f"{_SPAN}."))
SWITCH = Shape(_switch, {"type": "boolean"})
ERROR_TYPES = list_of(TEXT, "a list of error types", placeholder="Unknown")
JSON = Shape(_json, {})
MAPPING = Shape(_mapping, {"type": "object"})
