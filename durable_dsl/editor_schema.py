"""The JSON Schema that editors complete and check workflow files with, made from the tables of the reader.

Draft-07, since that is what editors know. It finds less than the reader does; whatever the reader takes, it takes too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_dsl.document import Json
from durable_dsl.reading.actions import HTTP_FIELDS, SHELL_FIELDS, SQL_FIELDS
from durable_dsl.reading.compensation import COMPENSATION_FIELDS, COMPENSATIONS
from durable_dsl.reading.containers import (
    BACKOFF_FIELDS,
    CASE_FIELDS,
    CATCH_FIELDS,
    CHOICE_FIELDS,
    FUNCTION_FIELDS,
    JOIN_FIELDS,
    MAYBE_NO_NODES,
    NODES,
)
from durable_dsl.reading.fields import Field
from durable_dsl.reading.forms import Form
from durable_dsl.reading.json_schema import editor_schema_of_schemas
from durable_dsl.reading.kinds import KINDS
from durable_dsl.reading.nodes import Kind
from durable_dsl.reading.policies import DEFAULT_FIELDS, RETRY_FIELDS
from durable_dsl.reading.settings import CANCEL_FIELDS, CONCURRENCY_FIELDS, SCHEDULE_FIELDS
from durable_dsl.reading.shapes import NAME
from durable_dsl.reading.waits import AWAITED, ON_TIMEOUT_FIELDS
from durable_dsl.reading.workflow import WORKFLOW_FIELDS

Schema = dict[str, Json]


def editor_schema() -> Schema:
    """Gives the schema of one document of a workflow file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A durable workflow",
        **_mapping(WORKFLOW_FIELDS, "A workflow: its name, what it is given and gives, and its steps."),
        "definitions": {
            "nodes": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/node"}},
            "maybe_no_nodes": {"type": "array", "items": {"$ref": "#/definitions/node"}},
            "node": _node(),
            **{name: _kind(name, kind) for name, kind in KINDS.items()},
            "function": _mapping(FUNCTION_FIELDS, "A function of the data in place of an expression."),
            "choice": _mapping(CHOICE_FIELDS, "A row of a decision."),
            "case": _mapping(CASE_FIELDS, "A case that is taken when its condition holds."),
            "cases": {
                "anyOf": [
                    {"type": "object", "minProperties": 1, "additionalProperties": MAYBE_NO_NODES.schema},
                    {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/case"}},
                ]
            },
            "branches": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": NAME.schema,
                "additionalProperties": NODES.schema,
            },
            "catch": {
                **_mapping(CATCH_FIELDS, "What is done about errors."),
                "anyOf": [{"required": ["steps"]}, {"required": ["rethrow"]}],
            },
            "json_schema": editor_schema_of_schemas(),
            "join": _mapping(JOIN_FIELDS, "A number of branches that must succeed."),
            "backoff": _mapping(BACKOFF_FIELDS, "How the sleep between turns grows."),
            "http": _mapping(HTTP_FIELDS, "An HTTP request."),
            "sql": _mapping(SQL_FIELDS, "An SQL statement."),
            "shell": _mapping(SHELL_FIELDS, "A program."),
            "awaited": _with_forms(_mapping({}, "One thing that is waited for."), AWAITED),
            "on_timeout": _mapping(ON_TIMEOUT_FIELDS, "What happens after the timeout of a wait."),
            "compensation": _with_forms(_mapping({}, "What undoes a step."), COMPENSATIONS, COMPENSATION_FIELDS),
            "concurrency": _mapping(CONCURRENCY_FIELDS, "How many executions may run at once."),
            "cancel_on": _mapping(CANCEL_FIELDS, "An event that cancels an execution."),
            "schedule": _mapping(SCHEDULE_FIELDS, "When executions are started by themselves."),
            "retry": _mapping(RETRY_FIELDS, "A retry policy."),
            "defaults": _mapping(DEFAULT_FIELDS, "What steps with attempts take when they say nothing themselves."),
        },
    }


def _node() -> Schema:
    """Tells the kinds apart by their keys, one after the other, so an editor shows the mistakes and keys of one."""
    names = {name: {**NAME.schema, "description": kind.doc} for name, kind in KINDS.items()}
    undecided: Schema = {"properties": names, "minProperties": 1, "additionalProperties": False}
    decided = undecided
    for name in reversed(list(KINDS)):
        decided = {"if": {"required": [name]}, "then": {"$ref": f"#/definitions/{name}"}, "else": decided}
    return {
        "type": "object",
        "description": "A node: its kind with its name, then what belongs to that kind.",
        # Where nothing is written yet every condition would hold, and only the first kind be offered.
        "if": {"type": "object", "minProperties": 1},
        "then": decided,
        "else": undecided,
    }


def _kind(name: str, kind: Kind) -> Schema:
    schema: Schema = {
        "type": "object",
        "description": kind.doc,
        "properties": {name: {**NAME.schema, "description": kind.doc}, **_properties(kind.fields)},
        "required": [name, *_required(kind.fields)],
        "additionalProperties": False,
    }
    return _with_forms(schema, kind.forms or {})


def _with_forms(schema: Schema, forms: Mapping[str, Form], fields: Mapping[str, Field] | None = None) -> Schema:
    """Adds to a mapping's schema the forms of which exactly one is there, and the fields that come after them."""
    # What marks a form stands before what belongs to it, and this is the order in which files are laid out.
    for key, form in forms.items():
        schema["properties"] |= _properties({key: form.fields[key]})
    for form in forms.values():
        schema["properties"] |= {key: value for key, value in _properties(form.fields).items() if key not in forms}
    schema["properties"] |= _properties(fields or {})
    if forms:
        schema["oneOf"] = [{"required": [key, *_required(form.fields)]} for key, form in forms.items()]
    owners: dict[str, list[str]] = {}
    for key, form in forms.items():
        for companion in form.fields:
            if companion not in forms:
                owners.setdefault(companion, []).append(key)
    if owners:
        schema["dependencies"] = {
            companion: keys if len(keys) == 1 else {"anyOf": [{"required": [key]} for key in keys]}
            for companion, keys in owners.items()
        }
    return schema


def _mapping(fields: Mapping[str, Field], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": _properties(fields),
        "required": _required(fields),
        "additionalProperties": False,
    }


def _properties(fields: Mapping[str, Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for key, field in fields.items():
        # In draft-07 nothing beside a `$ref` counts, not even a description.
        schema = {"allOf": [field.shape.schema]} if "$ref" in field.shape.schema else dict(field.shape.schema)
        properties[key] = {**schema, "description": field.doc}
    return properties


def _required(fields: Mapping[str, Field]) -> list[str]:
    return [key for key, field in fields.items() if field.required]
