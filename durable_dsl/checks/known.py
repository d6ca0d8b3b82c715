"""What is known of the data at a place: the keys that something can have put there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from durable_dsl.graph import Json

# What lets a JSON Schema take properties that it does not list.
_OPENING = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas")


@dataclass(frozen=True, slots=True)
class Known:
    """The keys that the data may have; with `anything` it may have every other one too."""

    keys: frozenset[str] = frozenset()
    anything: bool = False

    def may_have(self, key: str) -> bool:
        return self.anything or key in self.keys

    def plus(self, keys: Iterable[str]) -> Known:
        return Known(self.keys | frozenset(keys), self.anything)

    def merged(self) -> Known:
        """Gives what is known after a mapping with unknown keys was merged."""
        return Known(self.keys, True)


def either(first: Known | None, second: Known | None) -> Known | None:
    """Gives what is known where two ways meet; None is a way that nothing takes."""
    if first is None or second is None:
        return first or second
    return Known(first.keys | second.keys, first.anything or second.anything)


def declared(schema: Json) -> Known:
    """Gives the properties that an input schema declares; without any, or if it is open, there may be every key."""
    if not isinstance(schema, Mapping):
        return Known(anything=True)
    properties = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False
    opened = schema.get("additionalProperties", False) is not False or any(word in schema for word in _OPENING)
    keys = frozenset(properties) | frozenset(schema.get("required", ()))
    return Known(keys, anything=opened or not (keys or closed))
