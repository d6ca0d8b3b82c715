"""Checks of what reads `secrets`: each is named, and declared at the top of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from durable_dsl.errors import Position
from durable_dsl.expressions import ExpressionSyntaxError, compile_template
from durable_dsl.findings import Findings
from durable_dsl.places import Path
from durable_dsl.suggestions import did_you_mean


def check_secrets(value: Any, path: Path, near: Position | None, declared: tuple[str, ...], findings: Findings) -> None:
    """Reports every read of a secret in a JSON value that is not declared, or not by a name that is known now."""
    match value:
        case str() if "secrets" in value:
            _check_text(value, path, near, declared, findings)
        case Mapping():
            for key, inner in value.items():
                check_secrets(inner, (*path, key), near, declared, findings)
        case list() | tuple():
            for index, inner in enumerate(value):
                check_secrets(inner, (*path, index), near, declared, findings)
        case _:
            return


def _check_text(text: str, path: Path, near: Position | None, declared: tuple[str, ...], findings: Findings) -> None:
    try:
        found = compile_template(text).expressions
    except ExpressionSyntaxError:
        return  # reported already
    read = {each for _path, expression in found for each in expression.paths | expression.guarded_paths}
    for name in sorted({each[1] if len(each) > 1 else "" for each in read if each[0] == "secrets"}):
        if name in declared:
            continue
        written = re.search(rf"(?<![\w.])secrets(?=\b)(\W{{1,2}}{re.escape(name)})?" if name else r"\bsecrets\b", text)
        offset, width = (written.start(), len(written[0])) if written else (0, 1)
        if name:
            message = f"there is no secret '{name}'"
            hint = did_you_mean(name, declared) or f"declare it at the top of the file: secrets: [{name}]"
        else:
            message, hint = "a secret is read by its name, so that a worker knows which ones", "write secrets.NAME"
        findings.add_inside("W118", message, path, near, offset, width=width, hint=hint)
