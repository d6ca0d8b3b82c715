"""The functions that expressions may call. Importing this package fills the two tables."""

from __future__ import annotations

from durable_dsl.expressions.functions import (
    calendar,
    conversions,
    lists,
    numbers,
    optionals,
    text,
)
from durable_dsl.expressions.functions.registry import FUNCTIONS, METHODS, Function, Overload

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "Function",
    "Overload",
    "calendar",
    "conversions",
    "lists",
    "numbers",
    "optionals",
    "text",
]
