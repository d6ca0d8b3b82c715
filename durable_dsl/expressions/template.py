"""Values of a document with `${ … }` inside their texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeAlias, final

from durable_dsl.expressions.budget import CHARACTERS_PER_STEP, DEFAULT_BUDGET
from durable_dsl.expressions.errors import ExpressionError, ExpressionSyntaxError
from durable_dsl.expressions.expression import Expression, compile_expression
from durable_dsl.expressions.literals import TEXT_LITERAL
from durable_dsl.expressions.rendering import compact_json

Json: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]
Found: TypeAlias = tuple[Path, Expression]
Render: TypeAlias = Callable[[Mapping[str, Any], datetime, int], Json]

MAX_DEPTH = 200

# What may hold a brace that does not end the expression: texts, and comments up to the end of their line.
_INSIDE = re.compile(TEXT_LITERAL + r"|//[^\n]*|(?P<brace>[{}])")
_OPENING = re.compile(r"\$?\$\{")


@final
class Template:
    """A compiled value: mappings, lists and scalars, with expressions inside its texts.

    `expressions` are all of them, each with the path of its scalar inside the value. A template without any is
    constant. It never changes and may be rendered by several threads at once.
    """

    __slots__ = ("_render", "expressions", "is_constant", "source")

    source: Json
    expressions: tuple[Found, ...]
    is_constant: bool

    def __init__(self, source: Json, render: Render, expressions: tuple[Found, ...]) -> None:
        self.source = source
        self.expressions = expressions
        self.is_constant = not expressions
        self._render = render

    def render(self, env: Mapping[str, Any], *, now: datetime, budget: int = DEFAULT_BUDGET) -> Json:
        """Give the value with every expression replaced; each may take `budget` steps. Raises ExpressionError.

        Mappings and lists are new each time; what an expression gives may share parts with `env`.
        """
        try:
            return self._render(env, now, budget)
        except RecursionError:
            raise ExpressionError("the value nests too deeply for where it is rendered", "") from None

    def __repr__(self) -> str:
        return f"Template({self.source!r})"


def compile_template(value: Json, names: Collection[str] | None = None) -> Template:
    """Compile every `${ … }` in the texts of a value; keys of mappings are taken as they are.

    A text that is exactly one expression takes on the type of its value. In a longer text strings stand as they are,
    other values as compact JSON. `$${` is a plain `${`. Raises ExpressionSyntaxError whose `path` leads to the scalar
    and whose column counts within its text.
    """
    found: list[Found] = []
    allowed = None if names is None else frozenset(names)
    try:
        render = _compile_value(value, (), allowed, found)
    except RecursionError:
        raise ExpressionSyntaxError("the value nests too deeply for where it is compiled", "") from None
    return Template(value, render, tuple(found))


def _compile_value(value: Json, path: Path, names: frozenset[str] | None, found: list[Found]) -> Render:
    if len(path) > MAX_DEPTH:
        raise ExpressionSyntaxError(f"the value nests more than {MAX_DEPTH} levels deep", "", 0, None, path)
    if isinstance(value, str):
        return _compile_text(value, path, names, found)
    if isinstance(value, dict):
        entries = [(key, _compile_value(item, (*path, key), names, found)) for key, item in value.items()]
        return lambda env, now, budget: {key: render(env, now, budget) for key, render in entries}
    if isinstance(value, list):
        items = [_compile_value(item, (*path, place), names, found) for place, item in enumerate(value)]
        return lambda env, now, budget: [render(env, now, budget) for render in items]
    return lambda env, now, budget: value


def _compile_text(text: str, path: Path, names: frozenset[str] | None, found: list[Found]) -> Render:
    parts: list[str | Expression] = []
    for part, offset in _split(text, path):
        if offset is None:
            parts.append(part)
            continue
        source = part.strip()
        offset += len(part) - len(part.lstrip())
        try:
            expression = compile_expression(source, names)
        except ExpressionSyntaxError as error:
            raise ExpressionSyntaxError(error.message, text, offset + error.offset, error.hint, path) from None
        found.append((path, expression))
        parts.append(expression)
    if not any(isinstance(part, Expression) for part in parts):
        constant = "".join(part for part in parts if isinstance(part, str))
        return lambda env, now, budget: constant
    if len(parts) == 1 and isinstance(parts[0], Expression):
        only = parts[0]
        return lambda env, now, budget: _evaluate(only, path, env, now, budget)

    def render(env: Mapping[str, Any], now: datetime, budget: int) -> str:
        written: list[str] = []
        room = budget * CHARACTERS_PER_STEP
        for part in parts:
            piece = part if isinstance(part, str) else _text(_evaluate(part, path, env, now, budget), part, path)
            room -= len(piece)
            if room < 0:
                raise ExpressionError("the text becomes longer than its budget allows", text, 0, path)
            written.append(piece)
        return "".join(written)

    return render


def _split(text: str, path: Path) -> list[tuple[str, int | None]]:
    """Cut a text into plain parts (without an offset) and the sources of expressions (with theirs)."""
    parts: list[tuple[str, int | None]] = []
    at = 0
    while True:
        opening = _OPENING.search(text, at)
        if opening is None:
            break
        if opening.start() > at:
            parts.append((text[at : opening.start()], None))
        at = opening.end()
        if opening.group() == "$${":
            parts.append(("${", None))
            continue
        end = _find_end(text, at)
        if end is None:
            raise _unclosed(text, opening.start(), path)
        parts.append((text[at:end], at))
        at = end + 1
    if at < len(text):
        parts.append((text[at:], None))
    return parts


def _find_end(text: str, start: int) -> int | None:
    depth = 0
    for match in _INSIDE.finditer(text, start):
        brace = match["brace"]
        if brace == "{":
            depth += 1
        elif brace == "}":
            if depth == 0:
                return match.start()
            depth -= 1
    return None


def _unclosed(text: str, at: int, path: Path) -> ExpressionSyntaxError:
    if "//" in text[at:] and "}" in text[at:]:
        hint = "// starts a comment up to the end of the line; division is written with one /"
    elif "}" in text[at:]:
        hint = "a quote or a brace before the } is never closed"
    else:
        hint = "add the closing }, or write $${ for a plain ${"
    return ExpressionSyntaxError("this ${ is never closed", text, at, hint, path)


def _evaluate(expression: Expression, path: Path, env: Mapping[str, Any], now: datetime, budget: int) -> Json:
    try:
        return expression.evaluate(env, now=now, budget=budget)
    except ExpressionError as error:
        if not path:
            raise
        raise ExpressionError(error.message, error.source, error.offset, path) from None


def _text(value: Json, expression: Expression, path: Path) -> str:
    if isinstance(value, str):
        return value
    try:
        return compact_json(value)
    except (ValueError, RecursionError):
        raise ExpressionError("the value cannot be written as JSON", expression.source, 0, path) from None
