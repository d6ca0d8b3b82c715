"""Python expressions as text: in one line where they fit, else one part in a line, as formatters of Python do it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

LINE = 88
_STEP = 4
_QUOTE_OR_ESCAPE = re.compile(r'\\.|"')
_REQUOTED = {"\\'": "'", '"': '\\"'}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing inside of brackets, behind what names it: `save=`, `"key": ` or nothing."""

    lead: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Bracket:
    """A call, a list or a mapping: what opens it, its parts, what closes it. `tall` never fits into one line."""

    opening: str
    parts: tuple[Part, ...]
    closing: str
    tall: bool = False


Expression: TypeAlias = str | Bracket


def call(function: str, positional: list[Expression], named: dict[str, Expression], *, tall: bool = False) -> Bracket:
    """Makes a call."""
    parts = [Part("", value) for value in positional] + [Part(f"{name}=", value) for name, value in named.items()]
    return Bracket(f"{function}(", tuple(parts), ")", tall)


def literal(value: object) -> Expression:
    """Makes the expression of a JSON value."""
    match value:
        case str():
            return text(value)
        case dict():
            return mapping({key: literal(inner) for key, inner in value.items()})
        case list() | tuple():
            return row([literal(inner) for inner in value])
        case _:
            return repr(value)


def mapping(values: dict[str, Expression]) -> Bracket:
    """Makes a mapping by text."""
    return Bracket("{", tuple(Part(f"{text(key)}: ", value) for key, value in values.items()), "}")


def row(values: list[Expression]) -> Bracket:
    """Makes a list."""
    return Bracket("[", tuple(Part("", value) for value in values), "]")


def pair(first: Expression, second: Expression) -> Bracket:
    """Makes a tuple of two."""
    return Bracket("(", (Part("", first), Part("", second)), ")")


def text(value: str) -> str:
    """Writes a text in double quotes, or in single ones where it holds double ones only."""
    if '"' in value and "'" not in value:
        return repr(value)
    # With both quotes at its beginning Python's own writing is one in single quotes, whatever follows.
    single = repr("\"'" + value)[4:-1]
    return '"' + _QUOTE_OR_ESCAPE.sub(lambda found: _REQUOTED.get(found[0], found[0]), single) + '"'


def lines_of(expression: Expression, lead: str, indent: int, trail: str) -> list[str]:
    """Gives the lines of an expression that begins behind `lead` and is followed by `trail`."""
    pad = " " * indent
    line = f"{pad}{lead}{_flat(expression)}{trail}"
    if isinstance(expression, str) or not expression.parts or (len(line) <= LINE and not _is_tall(expression)):
        return [line]
    lines = [f"{pad}{lead}{expression.opening}"]
    for part in expression.parts:
        lines += lines_of(part.value, part.lead, indent + _STEP, ",")
    return [*lines, f"{pad}{expression.closing}{trail}"]


def _flat(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    inner = ", ".join(part.lead + _flat(part.value) for part in expression.parts)
    return expression.opening + inner + expression.closing


def _is_tall(expression: Expression) -> bool:
    return not isinstance(expression, str) and (
        expression.tall or any(_is_tall(part.value) for part in expression.parts)
    )
