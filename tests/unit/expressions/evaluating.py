"""What the tests of expressions share: one instant, and short ways to evaluate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from durable_dsl.expressions import (
    DEFAULT_BUDGET,
    ExpressionError,
    ExpressionSyntaxError,
    compile_expression,
    compile_template,
)

# A Friday.
NOW = datetime(2024, 5, 3, 10, 30, 15, 250_000, tzinfo=UTC)


def value_of(source: str, env: dict[str, Any] | None = None, *, budget: int = DEFAULT_BUDGET) -> Any:
    return compile_expression(source).evaluate(env or {}, now=NOW, budget=budget)


def failure_of(source: str, env: dict[str, Any] | None = None, *, budget: int = DEFAULT_BUDGET) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source).evaluate(env or {}, now=NOW, budget=budget)
    return caught.value


def refusal_of(source: str, names: list[str] | None = None) -> ExpressionSyntaxError:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(source, names)
    return caught.value


def rendering_of(value: Any, env: dict[str, Any] | None = None) -> Any:
    return compile_template(value).render(env or {}, now=NOW)
