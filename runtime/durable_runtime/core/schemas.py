"""JSON Schema (2020-12) of inputs and answers: defaults filled in, and reasons that name their place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from durable_dsl.suggestions import did_you_mean
from durable_runtime.core.environment import TimeError, parse_instant

Json: TypeAlias = Any
Resolver: TypeAlias = Any
"""What turns references into schemas; the library gives its type no public name."""

MAX_DEPTH = 200
"""How deep defaults are filled in; a schema that makes defaults inside of its own defaults would never end."""

_FORMATS = FormatChecker()
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "a text",
}
# What a keyword asks for, in words that stand behind "must" and before its value.
_BOUNDS = {
    "minimum": "be at least",
    "maximum": "be at most",
    "exclusiveMinimum": "be more than",
    "exclusiveMaximum": "be less than",
    "multipleOf": "be a multiple of",
    "const": "be",
    "pattern": "match the pattern",
    "format": "have the format",
}
_SIZES = {
    "minLength": ("at least", "character"),
    "maxLength": ("at most", "character"),
    "minItems": ("at least", "item"),
    "maxItems": ("at most", "item"),
    "minProperties": ("at least", "key"),
    "maxProperties": ("at most", "key"),
}


@_FORMATS.checks("date-time", raises=TimeError)
def _is_instant(value: object) -> bool:
    if isinstance(value, str):
        parse_instant(value)
    return True


class Schema:
    """A schema ready to be used. References stay inside of it: nothing is ever fetched from a network.

    `root` is what reasons call the value as a whole.
    """

    def __init__(self, schema: Json, root: str = "input") -> None:
        self._schema = schema
        self._name = root
        self._validator = Draft202012Validator(schema, registry=EMPTY_REGISTRY, format_checker=_FORMATS)
        self._root = EMPTY_REGISTRY.resolver_with_root(DRAFT202012.create_resource(schema))

    def fill_in(self, value: Json) -> None:
        """Puts the defaults of absent keys into `value`, in mappings and lists inside of it too.

        Followed are `properties`, `items`, `prefixItems`, `additionalProperties`, `allOf` and `$ref`. Which
        alternative of an `anyOf`, `oneOf` or `if` is meant is not known before the check, so no defaults are taken
        from there.
        """
        _fill_in(value, self._schema, self._root, 0, frozenset())

    def find_problems(self, value: Json) -> list[str]:
        """Gives every reason why `value` does not fit, each with its place; none when it fits."""
        try:
            errors = sorted(self._validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
            return list(dict.fromkeys(reason for error in errors for reason in _reasons(error, self._name)))
        except Unresolvable as error:
            return [f"the schema refers to {error.ref!r}, which is not in it; references to elsewhere are not followed"]


def _fill_in(value: Json, schema: Json, resolver: Resolver, depth: int, seen: frozenset[int]) -> None:
    """`seen` are the schemas that led here without going deeper into the value: a reference to itself ends there."""
    if not isinstance(schema, dict) or id(schema) in seen or depth > MAX_DEPTH:
        return
    seen |= {id(schema)}
    if "$ref" in schema:
        try:
            found = resolver.lookup(schema["$ref"])
        except Unresolvable:
            pass  # the check says it
        else:
            _fill_in(value, found.contents, found.resolver, depth, seen)
    for part in schema.get("allOf", ()):
        _fill_in(value, part, resolver, depth, seen)
    for inner, inner_schema in _inside(value, schema):
        _fill_in(inner, inner_schema, resolver, depth + 1, frozenset())


def _inside(value: Json, schema: dict[str, Json]) -> Iterator[tuple[Json, Json]]:
    """Yields what is inside of a value with its schema, having put in what is absent."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for key, inner in properties.items():
            if key not in value and isinstance(inner, dict) and "default" in inner:
                value[key] = json.loads(json.dumps(inner["default"]))
            if key in value:
                yield value[key], inner
        if "additionalProperties" in schema and "patternProperties" not in schema:
            for key in value.keys() - properties.keys():
                yield value[key], schema["additionalProperties"]
    elif isinstance(value, list):
        first = schema.get("prefixItems", ())
        yield from zip(value, first, strict=False)
        for inner in value[len(first) :]:
            yield inner, schema.get("items")


def _reasons(error: ValidationError, root: str) -> Iterator[str]:
    """Gives what is wrong in words, never the value itself beyond its beginning: it may be large."""
    place, keyword = _place(error, root), str(error.validator)
    wanted: Json = error.validator_value
    found: Json = error.instance
    schema: Json = error.schema
    match keyword:
        case "required":
            for key in wanted:
                if key not in found:
                    yield f"{place}{_step(key)} is required"
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            yield f"{place} must be {' or '.join(_TYPES.get(name, name) for name in names)}; it is {_shown(found)}"
        case "enum":
            yield f"{place} must be one of {', '.join(map(_shown, wanted))}; it is {_shown(found)}"
        case "additionalProperties" if wanted is False:
            known = schema.get("properties", {})
            patterns = schema.get("patternProperties", {})
            for key in found:
                if key not in known and not any(re.search(pattern, key) for pattern in patterns):
                    hint = did_you_mean(key, known)
                    yield f"{place}{_step(key)} is not known" + (f"; {hint}" if hint else "")
        case "anyOf" | "oneOf" if error.context:
            alternatives = dict.fromkeys(reason for inner in error.context for reason in _reasons(inner, root))
            yield f"{place} fits none of its {len(wanted)} alternatives: {'; or '.join(list(alternatives)[:6])}"
        case _ if keyword in _BOUNDS:
            bound = wanted if isinstance(wanted, str) and keyword != "const" else _shown(wanted)
            yield f"{place} must {_BOUNDS[keyword]} {bound}; it is {_shown(found)}"
        case _ if keyword in _SIZES:
            limit, unit = _SIZES[keyword]
            yield f"{place} must have {limit} {wanted} {unit}{'' if wanted == 1 else 's'}; it has {len(found)}"
        case "uniqueItems":
            yield f"{place} must not hold the same item twice"
        case _:
            yield f"{place} does not fit {keyword!r} of its schema ({_shown(wanted)}); it is {_shown(found)}"


def _place(error: ValidationError, root: str) -> str:
    return root + "".join(map(_step, error.absolute_path))


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key, ensure_ascii=False)}]"


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def flaw_of(schema: Json) -> str | None:
    """Tells why this is no JSON Schema, or gives None."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return str(error.message)
    return None
