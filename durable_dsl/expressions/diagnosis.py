"""Why a text is not an expression, said so that it can be mended: usual slips get their own sentence."""

from __future__ import annotations

import re

from durable_dsl.expressions.errors import ExpressionSyntaxError, shorten
from durable_dsl.expressions.literals import TEXT_LITERAL

_BRACKET = re.compile(TEXT_LITERAL + r"|//[^\n]*|(?P<bracket>[()\[\]{}])")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LAST_TOKEN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9.]+|&&|\|\||[=!<>]=|\S)\s*\Z")

# What people write who come from another language, with what CEL has instead.
_WORDS = {
    "and": "use && for 'and'",
    "or": "use || for 'or'",
    "not": "use ! for 'not'",
    "AND": "use && for 'and'",
    "OR": "use || for 'or'",
    "NOT": "use ! for 'not'",
    "is": "use == or != to compare, also with null",
    "if": "write condition ? value : other",
    "then": "write condition ? value : other",
    "else": "write condition ? value : other",
    "for": "use .map(x, …) and .filter(x, …) on a list",
    "lambda": "write list.map(x, …) or list.filter(x, …)",
    "between": "write low <= x && x <= high",
    "like": "use .contains(), .startsWith() or .matches()",
}
_CHARACTERS = {
    "&": "use && for 'and'",
    "|": "use || for 'or'",
    ";": "an expression is one value, without statements",
    "#": "a comment starts with //",
    "~": "use math.bitNot(x)",
    "^": "use math.bitXor(a, b)",
    "\\": "a backslash only has a place inside quotes",
    "“": "use straight quotes",
    "”": "use straight quotes",
    "‘": "use straight quotes",
    "’": "use straight quotes",
    "@": None,
}


def explain(source: str, at: int | None, token: str | None) -> ExpressionSyntaxError:
    """Make the error for a parse that stopped at offset `at`, before `token`; None if no token could be read there."""
    at = len(source) if at is None else at
    before = _LAST_TOKEN.search(source, max(0, at - 200), at)  # the whole of it would be quadratic
    last = before.group(1) if before else ""
    if not source.strip():
        return ExpressionSyntaxError("the expression is empty", source, 0, "write a value, or leave the key out")
    dollar = source.find("${")
    if dollar != -1 and dollar <= at:
        return _dollar(source, dollar)
    if token is None:
        return _character(source, at, last)
    if last in _WORDS and _WORD.fullmatch(last):
        word_at = source.rindex(last, 0, at)
        return ExpressionSyntaxError(f"'{last}' is not an operator here", source, word_at, _WORDS[last])
    if token in _WORDS:
        return ExpressionSyntaxError(f"unexpected '{token}'", source, at, _WORDS[token])
    broken = _broken_bracket(source, at)
    if broken is not None:
        return broken
    if at >= len(source):
        return _too_short(source, last)
    return ExpressionSyntaxError(f"unexpected '{shorten(token, 30)}'", source, at, _hint(source, at, token, last))


def refuse_deep_brackets(source: str, limit: int) -> None:
    """Raise ExpressionSyntaxError if brackets nest deeper than `limit`; those inside texts do not count."""
    depth = 0
    for match in _BRACKET.finditer(source):
        bracket = match["bracket"]
        if bracket is None:
            continue
        depth += -1 if bracket in _CLOSES else 1
        if depth > limit:
            raise ExpressionSyntaxError(
                f"brackets nest more than {limit} levels deep",
                source,
                match.start(),
                "compute part of it in a `set` step",
            )


def _dollar(source: str, at: int) -> ExpressionSyntaxError:
    whole = re.fullmatch(r"\s*\$\{([\s\S]*)\}\s*", source)
    hint = f"write {shorten(whole[1].strip(), 60)}" if whole else "write it without ${ and }"
    return ExpressionSyntaxError("this is an expression already, so ${ … } has no place in it", source, at, hint)


def _character(source: str, at: int, last: str) -> ExpressionSyntaxError:
    character = source[at : at + 1]
    if character in ("'", '"'):
        end = source.find("\n", at)
        hint = "a text over several lines stands in triple quotes" if end != -1 else f"add the closing {character}"
        return ExpressionSyntaxError("this text is never closed", source, at, hint)
    if character == "`":
        hint = "only a field name stands in backticks: data.`content-type`; texts stand in ' or \""
        return ExpressionSyntaxError("unexpected '`'", source, at, hint)
    if character == "=":
        if source[at + 1 : at + 2] == ">":
            return ExpressionSyntaxError("unexpected '=>'", source, at, "use >= to compare, or .map(x, …) on a list")
        hint = f"use {last} to compare" if last in ("==", "!=") else "use == to compare"
        return ExpressionSyntaxError("unexpected '='", source, at, hint)
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return ExpressionSyntaxError(f"unexpected '{shown}'", source, at, _CHARACTERS.get(character))


def _broken_bracket(source: str, at: int) -> ExpressionSyntaxError | None:
    """Find the bracket that is never closed, closed by another kind, or closed without having been opened."""
    opened: list[tuple[str, int]] = []
    for match in _BRACKET.finditer(source):
        bracket, place = match["bracket"], match.start()
        if bracket is None:
            continue
        if bracket not in _CLOSES:
            opened.append((bracket, place))
        elif not opened:
            if place <= at:
                return ExpressionSyntaxError(f"this '{bracket}' closes nothing", source, place, "remove it")
            return None
        elif opened[-1][0] != _CLOSES[bracket]:
            if place <= at:
                left, where = opened[-1]
                message = f"'{left}' at column {where + 1} is closed by '{bracket}'"
                return ExpressionSyntaxError(message, source, place)
            return None
        else:
            opened.pop()
    if opened and at >= len(source):
        bracket, place = opened[-1]
        return ExpressionSyntaxError(f"this '{bracket}' is never closed", source, place)
    return None


def _too_short(source: str, last: str) -> ExpressionSyntaxError:
    if "?." in source:
        return ExpressionSyntaxError("':' is missing", source, source.index("?."), "an optional field is written a.?b")
    if "?" in source and ":" not in source:
        return ExpressionSyntaxError("':' is missing", source, source.index("?"), "write condition ? value : other")
    at = len(source.rstrip())
    return ExpressionSyntaxError(f"something is missing after '{last}'", source, at)


def _hint(source: str, at: int, token: str, last: str) -> str | None:
    if token == "*" and last == "*":
        return "there is no power operator; write x * x"
    if token == ">" and last == "<":
        return "use != for 'not equal'"
    if token == "?" and last == "?":
        return "write data.?field.orValue(other)"
    if token == "{" and _WORD.fullmatch(last):
        return "messages of protobuf are not part of these expressions; a map is written {'key': value}"
    if token in ("+", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "in") and last in (
        "+",
        "-",
        "*",
        "/",
    ):
        return f"a value is missing between '{last}' and '{token}'"
    if token == ":" and "?" not in source[:at]:
        return "a map is written {'key': value}"
    word = _WORD.match(source, at)
    if word and re.fullmatch(r"[0-9.]+", last):
        return f"a span of time is written duration('{last}{word.group()}'), and a name cannot start with a digit"
    if last and (word or source[at] in "'\"0123456789") and (_WORD.fullmatch(last) or last[-1] in "'\")]}0123456789"):
        return f"an operator is missing between '{last}' and '{shorten(token, 30)}'"
    return None
