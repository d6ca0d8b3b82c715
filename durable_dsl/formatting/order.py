"""The order of keys, taken from the schema that editors complete with, so that what it has is in order too.

A node begins with its kind and name, what it is for and when it runs. Then comes what is its own, then what happens
around it, at last the lists it holds. Keys that the author invented (data, arguments, schemas) stay as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from durable_dsl.editor_schema import editor_schema
from durable_dsl.reading.kinds import KINDS
from durable_dsl.yaml_writer import Collection, Tree

_FIRST = ("description", "when")
_BEGIN_OWN = ("in", "as", "batch")
_AROUND = ("retry", "compensate", "timeout", "on_timeout", "output", "save", "ignore_errors")
_LISTS = ("nodes", "maybe_no_nodes", "cases", "branches")
_AT_LAST = ("catch",)
_REFERENCE = "#/definitions/"

Schema = Mapping[str, Any]


def sort_keys(document: Collection) -> None:
    """Puts the keys of a document into their order, at every depth, in place."""
    _sort(document, _whole())


@cache
def _whole() -> Schema:
    return editor_schema()


def _sort(tree: Tree, schema: Schema) -> None:
    if not isinstance(tree, Collection):
        return
    kind = _kind(tree) if schema.get("$ref") == f"{_REFERENCE}node" else None
    meant = _whole()["definitions"][kind] if kind is not None else _meant(tree, schema)
    if not tree.mapping:
        for item in tree.items:
            _sort(item.value, meant.get("items", {}))
        return
    properties = meant.get("properties", {})
    if properties:
        order = _node_order(kind) if kind is not None else list(properties)
        places = {key: place for place, key in enumerate(order)}
        tree.items.sort(key=lambda item: places.get(item.key or "", len(places)))
    for item in tree.items:
        _sort(item.value, properties.get(item.key) or meant.get("additionalProperties") or {})


def _kind(tree: Collection) -> str | None:
    return next((item.key for item in tree.items if item.key in KINDS), None)


def _meant(tree: Collection, schema: Schema) -> Schema:
    """Gives the schema that a list or mapping is to follow where there are several; an empty one is the author's."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        if name == "json_schema":
            return {}
        return _meant(tree, _whole()["definitions"].get(name, {}))
    if "properties" not in schema:
        for inner in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
            if found := _meant(tree, inner):
                return found
    return schema if schema.get("type") == ("object" if tree.mapping else "array") else {}


@cache
def _node_order(kind: str) -> list[str]:
    schema = _whole()["definitions"][kind]
    properties = list(schema["properties"])
    forms = {key for form in schema.get("oneOf", ()) for key in form["required"]}
    companions = set(schema.get("dependencies", ())) - forms

    def rank(key: str) -> tuple[int, int]:
        """Gives the group of a key and its place there; what belongs to several forms is behind them."""
        named = [(_FIRST, 1), (_AT_LAST, 8), (_AROUND, 6)]
        for names, place in named:
            if key in names:
                return place, names.index(key)
        at = properties.index(key)
        if at == 0:
            return 0, 0
        if _holds_nodes(schema["properties"][key]):
            return 7, at
        if key in _BEGIN_OWN:
            return 2, _BEGIN_OWN.index(key)
        return (3 if key in forms else 4 if key in companions else 5), at

    return sorted(properties, key=rank)


def _holds_nodes(schema: Schema) -> bool:
    if str(schema.get("$ref", "")).removeprefix(_REFERENCE) in _LISTS:
        return True
    return any(_holds_nodes(inner) for inner in (*schema.get("allOf", ()), *schema.get("anyOf", ())))
