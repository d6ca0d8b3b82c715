"""Functions of texts."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from durable_dsl.expressions.budget import Frame, spend, spend_text
from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.functions.registry import BYTES, INT, LIST, STRING, function, method
from durable_dsl.expressions.rendering import format_text
from durable_dsl.expressions.values import kind, shown

if TYPE_CHECKING:
    import re2

# What Unicode calls white space; Python's own strip() also takes four control characters.
_WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)
_MAX_PATTERN = 1_000


def _contains(frame: Frame, text: str, part: str) -> bool:
    spend_text(frame, len(text))
    return part in text


def _starts_with(frame: Frame, text: str, part: str) -> bool:
    spend_text(frame, len(part))
    return text.startswith(part)


def _ends_with(frame: Frame, text: str, part: str) -> bool:
    spend_text(frame, len(part))
    return text.endswith(part)


def _matches(frame: Frame, text: str, pattern: str) -> bool:
    # RE2 takes time in proportion to the text whatever the pattern is.
    spend(frame, len(text) + len(pattern))
    try:
        return compile_pattern(pattern).search(text) is not None
    except UnicodeEncodeError:
        raise Failure("matches() cannot search a text that holds half a surrogate pair") from None


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re2._Regexp:
    """Compile a regular expression of RE2, which has no backtracking; raises Failure if it is not one."""
    import re2

    if len(pattern) > _MAX_PATTERN:
        raise Failure(f"the pattern is longer than {_MAX_PATTERN:,} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise Failure(f"the pattern is not one of RE2: {shown}") from None
    except UnicodeEncodeError:
        raise Failure("the pattern holds half a surrogate pair") from None


def _index_of(frame: Frame, text: str, part: str, start: int = 0) -> int:
    spend_text(frame, len(text))
    return text.find(part, _position(text, start))


def _last_index_of(frame: Frame, text: str, part: str, start: int | None = None) -> int:
    spend_text(frame, len(text))
    return text.rfind(part) if start is None else text.rfind(part, 0, _position(text, start) + len(part))


def _char_at(text: str, index: int) -> str:
    return text[_position(text, index) :][:1] if index == len(text) else text[_position(text, index)]


def _substring(frame: Frame, text: str, start: int, end: int | None = None) -> str:
    until = len(text) if end is None else _position(text, end)
    if _position(text, start) > until:
        raise Failure(f"substring() starts at {start} and ends before, at {until}")
    spend_text(frame, until - start)
    return text[start:until]


def _position(text: str, index: int) -> int:
    if 0 <= index <= len(text):
        return index
    raise Failure(f"position {shown(index)} lies outside a text of {len(text)} characters")


def _replace(frame: Frame, text: str, old: str, new: str, limit: int = -1) -> str:
    spend_text(frame, len(text))
    found = text.count(old)
    times = found if limit < 0 else min(limit, found)
    spend_text(frame, len(text) + times * len(new))
    return text.replace(old, new, times)


def _split(frame: Frame, text: str, separator: str, limit: int = -1) -> list[str]:
    spend_text(frame, len(text))
    if limit == 0:
        return []
    found = text.count(separator) + 1
    parts = found if limit < 0 else min(limit, found)
    spend(frame, parts)
    if separator:
        return text.split(separator, parts - 1)
    characters = list(text[: max(parts - 1, 0)])
    rest = text[len(characters) :]
    return [*characters, rest] if rest else characters


def _join(frame: Frame, items: list[Any], separator: str = "") -> str:
    length = 0
    for item in items:
        if type(item) is not str:
            raise Failure(f"join() needs texts, and one item is {kind(item)}; write .map(x, string(x)).join(…)")
        length += len(item) + len(separator)
    spend(frame, len(items))
    spend_text(frame, length)
    return separator.join(items)


def _trim(frame: Frame, text: str) -> str:
    spend_text(frame, len(text))
    return text.strip(_WHITE)


def _lower(frame: Frame, text: str) -> str:
    spend_text(frame, len(text))
    return text.translate(_LOWER)


def _upper(frame: Frame, text: str) -> str:
    spend_text(frame, len(text))
    return text.translate(_UPPER)


def _reverse(frame: Frame, text: str) -> str:
    spend_text(frame, len(text))
    return text[::-1]


def _quote(frame: Frame, text: str) -> str:
    spend_text(frame, 2 * len(text))
    return f'"{text.translate(_QUOTED)}"'


def _parse_json(frame: Frame, text: str) -> Any:
    spend(frame, len(text))
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise Failure(f"parse_json() was given no JSON: {str(error)[:80]}") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


method("contains", [STRING, STRING], _contains, framed=True)
method("startsWith", [STRING, STRING], _starts_with, framed=True)
method("endsWith", [STRING, STRING], _ends_with, framed=True)
method("matches", [STRING, STRING], _matches, framed=True)
function("matches", [STRING, STRING], _matches, framed=True)
method("indexOf", [STRING, STRING], _index_of, framed=True)
method("indexOf", [STRING, STRING, INT], _index_of, framed=True)
method("lastIndexOf", [STRING, STRING], _last_index_of, framed=True)
method("lastIndexOf", [STRING, STRING, INT], _last_index_of, framed=True)
method("charAt", [STRING, INT], _char_at)
method("substring", [STRING, INT], _substring, framed=True)
method("substring", [STRING, INT, INT], _substring, framed=True)
method("replace", [STRING, STRING, STRING], _replace, framed=True)
method("replace", [STRING, STRING, STRING, INT], _replace, framed=True)
method("split", [STRING, STRING], _split, framed=True)
method("split", [STRING, STRING, INT], _split, framed=True)
method("join", [LIST], _join, framed=True)
method("join", [LIST, STRING], _join, framed=True)
method("trim", [STRING], _trim, framed=True)
method("lowerAscii", [STRING], _lower, framed=True)
method("upperAscii", [STRING], _upper, framed=True)
method("reverse", [STRING], _reverse, framed=True)
method("format", [STRING, LIST], format_text, framed=True)
function("strings.quote", [STRING], _quote, framed=True)
function("parse_json", [STRING], _parse_json, framed=True)

for _sized in (STRING, BYTES):
    function("size", [_sized], len)
    method("size", [_sized], len)
