"""The JSON Schema under `input`: whether it is one, with each mistake at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from durable_dsl.document import Json
from durable_dsl.places import BROKEN, Broken, Path
from durable_dsl.reading.collector import Collector, describe
from durable_dsl.reading.shapes import MAPPING
from durable_dsl.suggestions import did_you_mean

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_ONE_SCHEMA = frozenset(
    {
        "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_LIST_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPPING_OF_SCHEMAS = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})
_OTHERS = frozenset(
    {
        "$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary",
        "const", "contentEncoding", "contentMediaType", "default", "dependentRequired", "deprecated",
        "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains",
        "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength",
        "minProperties", "minimum", "multipleOf", "pattern", "readOnly", "required", "title", "type",
        "uniqueItems", "writeOnly",
    }
)  # fmt: skip
_COUNTS = frozenset(key for key in _OTHERS if re.fullmatch("(max|min)(Contains|Items|Length|Properties)", key))
_BOUNDS = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
_SWITCHES = frozenset({"deprecated", "readOnly", "uniqueItems", "writeOnly"})
_TEXTS = frozenset(
    {"$comment", "$id", "$ref", "$schema", "contentEncoding", "description", "format", "pattern", "title"}
)
KEYWORDS = _ONE_SCHEMA | _LIST_OF_SCHEMAS | _MAPPING_OF_SCHEMAS | _OTHERS


def editor_schema_of_schemas() -> dict[str, Json]:
    """Gives what an editor completes and checks a JSON Schema with.

    It stands for the official one, which an editor would have to fetch, and whose draft is another one.
    """
    names: dict[str, Json] = {"enum": list(TYPES)}
    own: dict[str, Json] = {"$ref": "#/definitions/json_schema"}
    shapes: dict[str, Json] = {
        "type": {"anyOf": [names, {"type": "array", "items": names}]},
        "required": {"type": "array", "items": {"type": "string"}},
        "enum": {"type": "array"},
        **{key: {"type": "integer", "minimum": 0} for key in _COUNTS},
        **{key: {"type": "number"} for key in _BOUNDS},
        **{key: {"type": "boolean"} for key in _SWITCHES},
        **{key: {"type": "string"} for key in _TEXTS},
        **{key: {"allOf": [own]} for key in _ONE_SCHEMA},
        **{key: {"type": "array", "minItems": 1, "items": own} for key in _LIST_OF_SCHEMAS},
        **{key: {"type": "object", "additionalProperties": own} for key in _MAPPING_OF_SCHEMAS},
    }
    return {
        "type": ["object", "boolean"],
        "description": "A JSON Schema (2020-12).",
        "properties": {
            key: {**shapes.get(key, {}), "description": f"'{key}' of JSON Schema (2020-12)."}
            for key in sorted(KEYWORDS)
            for key in sorted(KEYWORDS)
        },
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }


def read_schema(collector: Collector, value: Json, path: Path, *, of_input: bool = True) -> Json | Broken:
    """Reads a JSON Schema (2020-12), of an object if it is the input's; unknown keywords must begin with `x-`."""
    plain = MAPPING.read(collector, value, path)
    if plain is BROKEN:
        return BROKEN
    before = len(collector.problems)
    kind = plain.get("type", "object")
    if of_input and isinstance(kind, str) and kind in TYPES and kind != "object":
        message = f"the input is a mapping, so its 'type' is object, not {describe(plain['type'])}"
        collector.report("W033", message, (*path, "type"))
    for at, schema in _schemas(plain, ()):
        _check_keywords(collector, schema, plain, (*path, *at))
    told: set[Path] = set()
    for error in _meta_validator().iter_errors(plain):
        for leaf in _leaves(error):
            where = (*path, *leaf.absolute_path)
            # Below the first level the meta schema reaches every place by several ways.
            if where in told:
                continue
            told.add(where)
            collector.report("W033", f"this is not a JSON Schema: {_reason(leaf)}", where, hint=_hint(leaf))
    return plain if len(collector.problems) == before else BROKEN


@cache
def _meta_validator() -> Draft202012Validator:
    # Imported here because it takes longer than reading most files.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(Draft202012Validator.META_SCHEMA)


def _schemas(schema: Json, path: Path) -> Iterator[tuple[Path, dict[str, Json]]]:
    """Yields the schema and every schema inside it with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key, value in schema.items():
        inside: list[tuple[str | int, Json]] = []
        if key in _LIST_OF_SCHEMAS and isinstance(value, list):
            inside = list(enumerate(value))
        elif key in _MAPPING_OF_SCHEMAS and isinstance(value, dict):
            inside = list(value.items())
        for inner, subschema in inside:
            yield from _schemas(subschema, (*path, key, inner))
        if key in _ONE_SCHEMA:
            yield from _schemas(value, (*path, key))


def _check_keywords(collector: Collector, schema: dict[str, Json], root: dict[str, Json], path: Path) -> None:
    for key in schema:
        if key not in KEYWORDS and not key.startswith("x-"):
            hint = did_you_mean(key, KEYWORDS) or "the fields of the input stand under 'properties'"
            collector.report("W033", f"'{key}' is not a keyword of JSON Schema", (*path, key), at_key=True, hint=hint)
    pattern, reference = schema.get("pattern"), schema.get("$ref")
    if isinstance(pattern, str):
        _check_pattern(collector, pattern, (*path, "pattern"))
    if isinstance(schema.get("patternProperties"), dict):
        for key in schema["patternProperties"]:
            _check_pattern(collector, key, (*path, "patternProperties", key))
    if isinstance(reference, str) and not _resolves(reference, root):
        message = f"there is nothing at '{reference}' in this schema"
        hint = "references stay inside the schema, as in '#/$defs/address'"
        collector.report("W033", message, (*path, "$ref"), hint=hint)


def _check_pattern(collector: Collector, pattern: str, path: Path) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        collector.report("W033", f"{pattern!r} is not a regular expression: {error}", path)


def _resolves(reference: str, root: Json) -> bool:
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return False
    at = root
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isdecimal() and int(key) < len(at):
            at = at[int(key)]
        else:
            return False
    return isinstance(at, dict | bool)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yields the errors that say something: the meta schema is a tree of `allOf`, whose own messages do not."""
    if error.validator in ("allOf", "$ref", "$dynamicRef") and error.context:
        for inner in error.context:
            yield from _leaves(inner)
    else:
        yield error


def _reason(error: ValidationError) -> str:
    key = next((part for part in reversed(error.absolute_path) if isinstance(part, str)), "it")
    value: Any = error.instance
    if "type" in error.absolute_path and error.validator in ("anyOf", "enum", "type"):
        return f"'type' is one of {', '.join(TYPES)}, or a list of them; not {describe(value)}"
    if error.validator == "type":
        expected: Any = error.validator_value
        words: list[str] = expected if isinstance(expected, list) else [expected]
        named = {"object": "a mapping", "array": "a list", "string": "text", "boolean": "true or false"}
        return f"'{key}' must be {' or '.join(named.get(word, f'a {word}') for word in words)}, not {describe(value)}"
    if error.validator == "minItems":
        return f"'{key}' is empty"
    if error.validator in ("minimum", "exclusiveMinimum"):
        return f"'{key}' is too small: {value}"
    if error.validator == "uniqueItems":
        return f"'{key}' holds the same thing twice"
    return f"'{key}' cannot be {describe(value)}"


def _hint(error: ValidationError) -> str | None:
    if "type" in error.absolute_path and isinstance(error.instance, str):
        common = {
            "int": "integer",
            "float": "number",
            "str": "string",
            "text": "string",
            "bool": "boolean",
            "list": "array",
        }
        common |= {"dict": "object", "map": "object", "mapping": "object", "none": "null", "date": "string"}
        known = common.get(str(error.instance).lower())
        return f"write {known}" if known is not None else did_you_mean(str(error.instance), TYPES)
    return None
