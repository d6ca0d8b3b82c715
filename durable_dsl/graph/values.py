"""What all values of a graph have in common."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import msgspec

END = "end"
"""The target of a jump to the end of the decision's own list. No node can be called so."""

Json: TypeAlias = Any
Milliseconds: TypeAlias = int
Span: TypeAlias = int | str
"""Milliseconds, or a text with one `${ … }` that gives a duration when it is needed."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Frozen, compared by value, unknown keys refused."""

    def __post_init__(self) -> None:
        # msgspec leaves a default out only where the value is the very same object. A default that was written out
        # would then be another JSON, and another version, of an equal graph.
        for name, default in _plain_defaults(type(self)):
            value = getattr(self, name)
            if value is not default and type(value) is type(default) and value == default:
                msgspec.structs.force_setattr(self, name, default)


class Function(Value, frozen=True, kw_only=True):
    """A Python function, by its import path, that is given the data and answers in place of an expression."""

    call: str

    def __str__(self) -> str:
        return f"{self.call}()"


Condition: TypeAlias = str | Function
"""An expression, or a function whose answer is asked for by an attempt and stored."""


@cache
def _plain_defaults(struct: type[msgspec.Struct]) -> tuple[tuple[str, str | int | float], ...]:
    return tuple(
        (each.name, each.default)
        for each in msgspec.structs.fields(struct)
        if isinstance(each.default, str | int | float)
    )
