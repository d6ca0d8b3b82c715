"""Conditions whose value is known before anything runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from durable_dsl.expressions import ExpressionError, compile_expression
from durable_dsl.graph import Condition


class Varies:
    """The value of an expression that depends on where and when it is evaluated; there is exactly one, `VARIES`."""


VARIES: Final = Varies()

# Nothing that reads the time is evaluated, so any instant will do.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


# Reading an expression costs a hundred times this look at it; a constant text that holds such a word is taken to vary.
_VARYING = re.compile(r"\b(?:data|input|constants|execution|item|index|iteration|error|event|result|now)\b")


def constant_value(source: str) -> Any | Varies:
    """Gives the value that an expression has everywhere, or `VARIES`; one that always fails varies too."""
    if _VARYING.search(source):
        return VARIES
    expression = compile_expression(source)
    if expression.names or expression.uses_now:
        return VARIES
    try:
        return expression.evaluate({}, now=_ANY_TIME)
    except ExpressionError:
        return VARIES


def is_constant(source: Condition, value: bool) -> bool:
    """Tells whether a condition is always this value."""
    return isinstance(source, str) and constant_value(source) is value
