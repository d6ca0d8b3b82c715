"""A mapping with known keys: which there are, which are missing, which belong somewhere else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from durable_dsl.document import Json
from durable_dsl.places import BROKEN, KEY, Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.shapes import Shape
from durable_dsl.suggestions import did_you_mean, find_similar

FOREIGN_WORDS = {
    "args": "with", "arguments": "with", "condition": "when", "delay": "for", "each": "in",
    "else": "default", "function": "call", "if": "when",
    "inputs": "input", "items": "in", "jobs": "steps", "kwargs": "with", "nodes": "steps", "outputs": "output",
    "params": "with", "parameters": "with", "retries": "retry", "run": "call", "tasks": "steps",
    "variables": "constants", "vars": "constants",
}  # fmt: skip
"""What other systems call our keys; only ever used in hints."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a mapping: its shape, what it does in a sentence, and the document's attribute it becomes."""

    shape: Shape
    doc: str
    attribute: str | None = None
    required: bool = False
    # Put in when a required value is missing or broken, so that the rest of the document can be checked.
    placeholder: Any = None


def read_fields(
    collector: Collector,
    plain: Mapping[str, Json],
    path: Path,
    fields: Mapping[str, Field],
    owner: str,
    *,
    known: Collection[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Reads a mapping's values by their fields' attributes; what is absent or broken is left out, or its placeholder.

    `owner` names the mapping in messages. Keys in `known` are somebody else's to read, `elsewhere` tells for a key of
    the language where it belongs.
    """
    values: dict[str, Any] = {}
    for key, value in plain.items():
        field = fields.get(key)
        if field is not None:
            if value is not BROKEN and (read := field.shape.read(collector, value, (*path, key))) is not BROKEN:
                values[field.attribute or key] = read
        elif key not in known:
            _refuse_unknown(collector, key, (*path, key), fields, owner, elsewhere or {})
    for key, field in fields.items():
        if not field.required:
            continue
        if key not in plain:
            collector.report("W025", f"'{key}' is missing in {owner}", head(plain, path), hint=lower_first(field.doc))
        values.setdefault(field.attribute or key, field.placeholder)
    return values


def head(plain: Mapping[Any, Json], path: Path) -> Path:
    """Gives the path of a mapping's first key, where something that is missing in it is reported."""
    return (*path, next(iter(plain)), KEY) if plain else path


def lower_first(sentence: str) -> str:
    """Makes a sentence fit into another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _refuse_unknown(
    collector: Collector, key: str, path: Path, fields: Mapping[str, Field], owner: str, elsewhere: Mapping[str, str]
) -> None:
    foreign = FOREIGN_WORDS.get(key)
    if foreign in fields:
        collector.report(
            "W004", f"unknown key '{key}' in {owner}", path, hint=f"did you mean '{foreign}'?", at_key=True
        )
    elif key in elsewhere and not find_similar(key, fields, likeness=0.85):
        belongs = f"it belongs to {elsewhere[key]}" if elsewhere[key] else None
        collector.report("W006", f"'{key}' has no effect in {owner}", path, at_key=True, hint=belongs)
    else:
        shown = key if len(key) <= 60 else key[:57] + "..."
        hint = did_you_mean(key, fields) or (None if elsewhere else f"known keys: {', '.join(fields)}")
        collector.report("W004", f"unknown key '{shown}' in {owner}", path, hint=hint, at_key=True)
