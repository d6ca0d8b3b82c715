"""Calls of functions and methods: found by name and number of arguments when compiled, by types when run."""

from __future__ import annotations

from typing import Any

from durable_dsl.expressions.access import compile_has
from durable_dsl.expressions.budget import Code, Frame
from durable_dsl.expressions.errors import Failure, SyntaxProblem, find_similar
from durable_dsl.expressions.functions import FUNCTIONS, METHODS, Function
from durable_dsl.expressions.functions.text import compile_pattern
from durable_dsl.expressions.macros import compile_macro
from durable_dsl.expressions.scope import MACRO_NAMES, Scope, find_binding
from durable_dsl.expressions.syntax import Call, Const, Name, static_path
from durable_dsl.expressions.values import Maybe, kind

# What other languages call it → what it is called here.
_FUNCTION_HINTS = {
    "len": "write size(x)",
    "length": "write size(x)",
    "count": "write size(x)",
    "str": "write string(x)",
    "float": "write double(x)",
    "number": "write double(x)",
    "abs": "write math.abs(x)",
    "round": "write math.round(x)",
    "floor": "write math.floor(x)",
    "ceil": "write math.ceil(x)",
    "min": "write math.least(a, b), or list.min()",
    "max": "write math.greatest(a, b), or list.max()",
    "sum": "write list.sum()",
    "sorted": "write list.sort()",
    "any": "write list.exists(x, …)",
    "all": "write list.all(x, …)",
    "range": "write lists.range(n)",
    "now": "`now` is a name: write it without ()",
    "date": "write timestamp('2024-05-01T00:00:00Z')",
    "datetime": "write timestamp('2024-05-01T00:00:00Z')",
    "timedelta": "write duration('1h30m')",
    "json": "write to_json(x) or parse_json(text)",
    "defined": "write has(data.field)",
    "exists": "write has(data.field), or list.exists(x, …)",
    "not": "write !x",
}
_METHOD_HINTS = {
    "length": "write .size()",
    "len": "write .size()",
    "count": "write .size()",
    "lower": "write .lowerAscii()",
    "upper": "write .upperAscii()",
    "toLowerCase": "write .lowerAscii()",
    "toUpperCase": "write .upperAscii()",
    "strip": "write .trim()",
    "includes": "write .contains(text), or x in list",
    "find": "write .indexOf(text), or .filter(x, …)",
    "get": "write .?field.orValue(other)",
    "keys": "a map's keys are map.map(k, k)",
    "values": "a map's values are map.transformList(k, v, v)",
    "items": "write map.transformList(k, v, …)",
    "any": "write .exists(x, …)",
    "some": "write .exists(x, …)",
    "every": "write .all(x, …)",
    "reduce": "there are .sum(), .min(), .max(), .join() and .avg()",
    "append": "write list + [x]",
    "toString": "write string(x)",
    "test": "write text.matches(pattern)",
}


def compile_call(node: Call, scope: Scope) -> Code:
    """Compile a macro, a function, a function of a namespace (`math.abs`) or a method."""
    if node.base is None and node.name == "has":
        return compile_has(node, scope)
    binding = find_binding(node)
    if binding is not None:
        return compile_macro(node, binding, scope)
    if node.base is None:
        return _compile_function(node, node.name, scope)
    if names_function(node, scope):
        path = static_path(node.base)
        return _compile_function(node, f"{path[0] if path else ''}.{node.name}", scope)
    if node.name in ("or", "orValue"):
        return _compile_otherwise(node, scope)
    entry = METHODS.get(node.name)
    if entry is None:
        raise _unknown(node, f".{node.name}", _METHOD_HINTS, [*METHODS, *MACRO_NAMES, "or", "orValue"])
    return _compile_overloaded(node, entry, (scope.code(node.base), *(scope.code(argument) for argument in node.args)))


def names_function(node: Call, scope: Scope) -> bool:
    """Say whether `a.b(…)` is a function of the namespace `a`, rather than a method of a value called `a`."""
    base = node.base
    return (
        type(base) is Name
        and not base.rooted
        and not scope.is_taken(base.name)
        and (f"{base.name}.{node.name}" in FUNCTIONS or base.name in ("math", "optional", "strings", "lists", "base64"))
    )


def _compile_function(node: Call, name: str, scope: Scope) -> Code:
    entry = FUNCTIONS.get(name)
    if entry is None:
        if name in METHODS or name in MACRO_NAMES:
            hint = _FUNCTION_HINTS.get(name, f"it is a method: write x.{name}(…)")
            raise SyntaxProblem(f"there is no function '{name}'", node.at, hint)
        raise _unknown(node, name, _FUNCTION_HINTS, [*FUNCTIONS, "has"])
    if name == "matches" and len(node.args) == 2:
        _check_pattern(node.args[1])
    return _compile_overloaded(node, entry, tuple(scope.code(argument) for argument in node.args))


def _unknown(node: Call, name: str, hints: dict[str, str], known: list[str]) -> SyntaxProblem:
    hint = hints.get(node.name)
    if hint is None:
        similar = find_similar(node.name if name.startswith(".") else name, [*known, *hints])
        if similar in hints and similar not in known:
            hint = hints[similar]
        elif similar is not None:
            hint = f"did you mean '{similar}'?"
    what = f"method '{name}()'" if name.startswith(".") else f"function '{name}'"
    return SyntaxProblem(f"there is no {what}", node.at, hint)


def _check_pattern(pattern: object) -> None:
    if type(pattern) is Const and type(pattern.value) is str:
        try:
            compile_pattern(pattern.value)
        except Failure as failure:
            raise SyntaxProblem(failure.message, pattern.at, "see github.com/google/re2/wiki/Syntax") from None


def _compile_overloaded(node: Call, entry: Function, codes: tuple[Code, ...]) -> Code:
    if not entry.accepts_count(len(codes)):
        raise SyntaxProblem(
            f"{node.name}() cannot be called with {len(node.args)} argument{'' if len(node.args) == 1 else 's'}",
            node.at,
            f"it is called {entry.usage()}",
        )
    if entry.is_method and node.name == "matches":
        _check_pattern(node.args[0])
    at, resolve = node.at, entry.resolve

    def run(frame: Frame) -> Any:
        args = [code(frame) for code in codes]
        try:
            overload = resolve(tuple(map(type, args)), args)
            return overload.run(frame, *args) if overload.framed else overload.run(*args)
        except Failure as failure:
            if failure.offset is None:
                failure.offset = at
            raise

    return run


def _compile_otherwise(node: Call, scope: Scope) -> Code:
    """`a.or(b)` and `a.orValue(b)`: `b` is evaluated only if `a` has no value."""
    if len(node.args) != 1 or node.base is None:
        raise SyntaxProblem(f"{node.name}() takes one argument", node.at, "as in data.?note.orValue('none')")
    base, other, at, name = scope.code(node.base), scope.code(node.args[0]), node.at, node.name

    def run(frame: Frame) -> Any:
        value = base(frame)
        if type(value) is not Maybe:
            raise Failure(f".{name}() needs an optional, not {kind(value)}; write .?field.{name}(…)", at)
        if name == "orValue":
            return value.value if value.present else other(frame)
        return value if value.present else _optional(other(frame), at)

    return run


def _optional(value: Any, at: int) -> Maybe:
    if type(value) is Maybe:
        return value
    raise Failure(f".or() takes an optional, not {kind(value)}; use .orValue(…)", at)
