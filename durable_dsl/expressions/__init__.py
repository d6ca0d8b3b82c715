"""Expressions of workflows: CEL on JSON values, compiled to closures, with a budget that makes every evaluation end."""

from __future__ import annotations

from durable_dsl.expressions.budget import DEFAULT_BUDGET
from durable_dsl.expressions.errors import ExpressionError, ExpressionSyntaxError
from durable_dsl.expressions.expression import Expression, compile_expression
from durable_dsl.expressions.template import Template, compile_template

__all__ = [
    "DEFAULT_BUDGET",
    "Expression",
    "ExpressionError",
    "ExpressionSyntaxError",
    "Template",
    "compile_expression",
    "compile_template",
]
