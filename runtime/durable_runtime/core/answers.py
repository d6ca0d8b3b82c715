"""People's answers to an ask: what a bad one is, and the value that a good one gives the wait. Pure.

A client checks before anything is stored, and the owner checks again: the wait may be another one by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any

KINDS = ("approval", "choice", "text", "form", "json")
"""What people can be asked."""


def problems_of(spec: Mapping[str, Json], value: Json) -> list[str]:
    """Gives every reason why `value` is no answer to an open ask, each naming its place; none when it is one.

    `spec` is what the ask's `waiting` checkpoint stored: its kind under `ask`, and choices, fields or schema.
    """
    kind: str = spec["ask"]
    match kind:
        case "approval":
            if not isinstance(value, bool):
                return [f"an approval is true or false, not {_shown(value)}"]
        case "choice":
            choices = spec.get("choices", [])
            if value not in choices:
                return [f"the choices are {', '.join(map(_shown, choices))}, not {_shown(value)}"]
        case "text":
            if not isinstance(value, str):
                return [f"the answer is a text, not {_shown(value)}"]
        case "form":
            fields = spec.get("fields", {})
            schema = {
                "type": "object",
                "properties": fields,
                "required": [name for name in fields if name not in _defaults_of(spec)],
                "additionalProperties": False,
            }
            return _problems_in(schema, value)
        case _:
            return _problems_in(spec.get("schema"), value)
    return []


def flaws_of(spec: Mapping[str, Json]) -> list[str]:
    """Gives every reason why this is no question that a function can ask; what a file asks was checked with it."""
    kind = spec["ask"]
    if kind not in KINDS:
        return [f"{_shown(kind)} is no kind of question; there are {', '.join(KINDS)}"]
    flaws: list[str] = []
    for name, goes_with in {"choices": "choice", "fields": "form", "schema": "json"}.items():
        if name in spec and kind != goes_with:
            flaws.append(f"'{name}' has no effect on {kind!r}; it belongs to {goes_with!r}")
        elif name not in spec and kind == goes_with and name != "schema":
            flaws.append(f"'{name}' is missing beside {kind!r}")
    flaws += [f"a {what} is a text" for what in ("choice", "assignee") if not _are_texts(spec.get(f"{what}s", []))]
    if not isinstance(spec.get("prompt", ""), str):
        flaws.append("the prompt is a text")
    if flaws or kind not in ("form", "json"):
        return flaws
    from durable_runtime.core.schemas import flaw_of

    schemas = spec["fields"] if kind == "form" else {"schema": spec.get("schema", {})}
    told = {name: flaw_of(schema) for name, schema in schemas.items()}
    return [f"{name!r} is no JSON Schema: {flaw}" for name, flaw in told.items() if flaw is not None]


def _are_texts(values: Json) -> bool:
    return all(isinstance(value, str) for value in values)


def _problems_in(schema: Json, value: Json) -> list[str]:
    if schema is None:
        return []
    # Imported here: the library is large, and most processes never see an answer.
    from durable_runtime.core.schemas import Schema

    return Schema(schema, root="answer").find_problems(value)


def value_of(spec: Mapping[str, Json], value: Json, by: str | None, comment: str | None) -> Json:
    """Gives what the wait gets: of an approval who gave it and why too; a form's absent fields by their defaults."""
    if spec["ask"] == "approval":
        return {"approved": value, "by": by, "comment": comment}
    if spec["ask"] == "form":
        return _defaults_of(spec) | value
    return value


def _defaults_of(spec: Mapping[str, Json]) -> dict[str, Json]:
    """Gives the defaults of a form's fields that need not be filled in."""
    fields = spec.get("fields", {}).items()
    return {name: field["default"] for name, field in fields if isinstance(field, dict) and "default" in field}


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
