"""Checks of everything that holds expressions: they parse, and they read only names that exist where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from durable_dsl.compiler.policies import has_expression
from durable_dsl.compiler.scope import ELSEWHERE, Scope
from durable_dsl.errors import Position
from durable_dsl.expressions import ExpressionSyntaxError, compile_expression, compile_template
from durable_dsl.findings import Findings
from durable_dsl.places import Path

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_expression(text: str, path: Path, near: Position | None, scope: Scope, findings: Findings) -> None:
    """Checks a bare expression, as in `when`."""
    try:
        compile_expression(text, names=scope.names)
    except ExpressionSyntaxError as error:
        _add(error, path, near, findings)


def check_value(value: Any, path: Path, near: Position | None, scope: Scope, findings: Findings) -> None:
    """Checks every `${ … }` in a JSON value, each text by itself, so that all mistakes are found."""
    match value:
        case str():
            try:
                compile_template(value, names=scope.names)
            except ExpressionSyntaxError as error:
                _add(error, path, near, findings)
        case Mapping():
            for key, inner in value.items():
                check_value(inner, (*path, key), near, scope, findings)
        case list() | tuple():
            for index, inner in enumerate(value):
                check_value(inner, (*path, index), near, scope, findings)
        case _:
            return


def check_no_expressions(value: Any, path: Path, near: Position | None, findings: Findings) -> None:
    """Refuses `${ … }` in values that are stored as they are, where it would stay text."""
    match value:
        case str() if has_expression(value):
            findings.add(
                "W113",
                "what is stored as it is written cannot hold an expression",
                findings.place(path, near),
                hint="write the value itself, or compute it in a step with 'set'",
            )
        case Mapping():
            for key, inner in value.items():
                check_no_expressions(inner, (*path, key), near, findings)
        case list() | tuple():
            for index, inner in enumerate(value):
                check_no_expressions(inner, (*path, index), near, findings)
        case _:
            return


def check_instant(text: str, path: Path, near: Position | None, scope: Scope, findings: Findings) -> None:
    """Checks the instant of a wait: an expression, or a date and time with its offset from UTC."""
    if has_expression(text):
        check_value(text, path, near, scope, findings)
        return
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        findings.add(
            "W114",
            f"'{text}' is not an instant",
            findings.place(path, near),
            hint="write a date and time with its offset, as 2031-01-31T09:00:00Z, or an expression",
        )


def _add(error: ExpressionSyntaxError, path: Path, near: Position | None, findings: Findings) -> None:
    word = _WORD.match(error.source, error.offset)
    width = len(word[0]) if word else 1
    full = (*path, *error.path)
    if error.message == "there is no 'secrets' here":
        message, hint = "a secret cannot be read here, where it would be stored", ELSEWHERE["secrets"]
        findings.add_inside("W117", message, full, near, error.offset, width=width, hint=hint)
        return
    if word and word[0] in ELSEWHERE and error.message == f"there is no '{word[0]}' here":
        findings.add_inside("W110", error.message, full, near, error.offset, width=width, hint=ELSEWHERE[word[0]])
    elif error.message.startswith("there is no '"):
        findings.add_inside("W110", error.message, full, near, error.offset, width=width, hint=error.hint)
    else:
        findings.add_inside("W109", error.message, full, near, error.offset, width=width, hint=error.hint)
