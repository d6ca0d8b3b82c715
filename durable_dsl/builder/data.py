"""Changes of the data as one says them; each becomes a `set` whose values are expressions, so YAML can show it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from durable_dsl.document import Json

_WHOLE_EXPRESSION = re.compile(r"\$\{(.*)\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Change:
    """What a step does to the data: the values it sets."""

    values: Mapping[str, Json]


def assign(key: str, value: Json) -> Change:
    """Puts a value at `data.key`; `${ … }` in it sees the data before."""
    return Change({key: value})


def update(key: str, expression: str) -> Change:
    """Puts at `data.key` what a bare expression makes of the `value` there: `update("total", "value * 1.19")`."""
    return Change({key: f"${{ cel.bind(value, {_field(key)}, {expression.strip()}) }}"})


def append(key: str, value: Json) -> Change:
    """Adds a value at the end of the list at `data.key`; a missing list counts as empty."""
    return Change({key: f"${{ {_field(key, '[]')} + [{_literal(value)}] }}"})


def increment(key: str, by: int | float | str = 1) -> Change:
    """Adds to the number at `data.key`; a missing number counts as 0."""
    return Change({key: f"${{ {_field(key, '0')} + {_literal(by)} }}"})


def _field(key: str, missing: str | None = None) -> str:
    """Gives the expression that reads `data.key`."""
    if missing is None:
        return f"data.{key}" if _NAME.fullmatch(key) else f"data[{json.dumps(key)}]"
    field = f"data.?{key}" if _NAME.fullmatch(key) else f"data[?{json.dumps(key)}]"
    return f"{field}.orValue({missing})"


def _literal(value: Json) -> str:
    """Gives a JSON value as an expression: JSON's literals are CEL's, and `${ x }` is `x` itself.

    Raises `ValueError` for a text that mixes words and expressions, which has no short form.
    """
    match value:
        case str():
            whole = _WHOLE_EXPRESSION.fullmatch(value.strip())
            if whole is not None and "${" not in whole[1]:
                return f"({whole[1].strip()})"
            if "${" in value:
                raise ValueError(f"{value!r} mixes text and expressions; write one expression, as ${{ 'a' + data.b }}")
            return json.dumps(value, ensure_ascii=False)
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(key)}: {_literal(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_literal(inner) for inner in value) + "]"
        case int() if not isinstance(value, bool) and value not in _LARGEST:
            raise ValueError(f"{value} does not fit an integer of an expression (64 bits)")
        case _:
            return json.dumps(value, allow_nan=False)
