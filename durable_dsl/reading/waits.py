"""What a wait waits for: a span, an instant, an event, an answer, or several of them at once."""

from __future__ import annotations

from typing import Any

from durable_dsl.document import Ask, Awaited, Event, Json, OnTimeout
from durable_dsl.places import BROKEN, KEY, Broken, Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, read_fields
from durable_dsl.reading.forms import Form, choose_forms
from durable_dsl.reading.json_schema import read_schema
from durable_dsl.reading.shapes import (
    CONDITION,
    DURATION,
    EVENT_NAME,
    JSON,
    MAPPING,
    NAME,
    TEXT,
    Shape,
    list_of,
    one_of,
)

_KINDS = ("approval", "choice", "text", "form", "json")
# Which kind of ask a field belongs to.
_BELONGS = {"choices": "choice", "fields": "form", "schema": "json"}


def _schema_of_json(collector: Collector, value: Json, path: Path) -> Json | Broken:
    return read_schema(collector, value, path, of_input=False)


def _form_fields(collector: Collector, value: Json, path: Path) -> dict[str, Json] | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping of JSON Schemas by field", value)
    if not value:
        return collector.report("W034", "'fields' is empty; a form needs at least one", path)
    fields: dict[str, Json] = {}
    for name, schema in value.items():
        read = BROKEN if schema is BROKEN else _schema_of_json(collector, schema, (*path, name))
        fields[name] = {} if isinstance(read, Broken) else read
    return fields


def _labels(collector: Collector, value: Json, path: Path) -> dict[str, Awaited] | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping by label of what is waited for", value)
    if not value:
        return collector.report("W034", "it must hold what is waited for", path)
    labels: dict[str, Awaited] = {}
    for name, plain in value.items():
        NAME.read(collector, name, (*path, name, KEY))
        labels[name] = _awaited(collector, plain, (*path, name))
    return labels


def _awaited(collector: Collector, plain: Json, path: Path) -> Awaited:
    if not isinstance(plain, dict):
        if plain is not BROKEN:
            collector.wrong_type(path, "a mapping with 'event', 'ask', 'for' or 'at'", plain)
        return Awaited(for_="1s")
    forms = choose_forms(collector, plain, path, AWAITED, f"'{path[-1]}'")
    fields: dict[str, Field] = {}
    for _key, form in forms:
        fields |= form.fields
    known = {"any", "all", *(key for form in AWAITED.values() for key in form.fields)} if not forms else set()
    elsewhere = dict.fromkeys(("timeout", "on_timeout", "save", "any", "all"), "the wait")
    values = read_fields(collector, plain, path, fields, f"'{path[-1]}'", known=known, elsewhere=elsewhere)
    for key, form in forms[:1]:
        values = form.build(values)
        if key == "ask" and "ask" in values:
            check_ask(collector, values["ask"], path)
        if key in ("for", "at") and not values:
            return Awaited(for_="1s")
    only = {key: values[key] for key in ("for_", "until_at", "event", "ask") if key in values}
    return Awaited(**dict(list(only.items())[:1])) if only else Awaited(for_="1s")


def check_ask(collector: Collector, ask: Ask, path: Path) -> None:
    """Reports what does not go with the kind of an ask, and what it lacks."""
    for key, kind in _BELONGS.items():
        # What is broken has been reported, and is there all the same.
        given = getattr(ask, key) not in ((), {}, None) or collector.place((*path, key)) is not None
        if given and ask.kind != kind:
            hint = f"it belongs to 'ask: {kind}'"
            collector.report(
                "W006", f"'{key}' has no effect on 'ask: {ask.kind}'", (*path, key), at_key=True, hint=hint
            )
        elif not given and ask.kind == kind and key != "schema":
            collector.report("W025", f"'{key}' is missing beside 'ask: {kind}'", (*path, "ask"), at_key=True)


def _on_timeout(collector: Collector, value: Json, path: Path) -> OnTimeout | Broken | None:
    if value == "fail":
        return None
    if not isinstance(value, dict):
        return collector.wrong_type(path, "fail, or a mapping with 'value' or 'goto'", value)
    values = read_fields(collector, value, path, ON_TIMEOUT_FIELDS, "'on_timeout'")
    if len(value) == 0:
        return collector.report("W034", "'on_timeout' is empty; it must hold 'value' or 'goto'", path)
    if "value" in value and "goto" in value:
        collector.report("W027", "'value' and 'goto' exclude each other", (*path, "goto"), at_key=True)
    return OnTimeout(**values)


def _build_event(values: dict[str, Any]) -> dict[str, Any]:
    taken = {key: values.pop(key) for key in ("key", "where") if key in values}
    return values | {"event": Event(name=values.pop("event"), **taken)} if "event" in values else values


def _build_ask(values: dict[str, Any]) -> dict[str, Any]:
    keys = ("prompt", "assignees", "choices", "fields", "schema", "metadata")
    taken = {key: values.pop(key) for key in keys if key in values}
    return values | {"ask": Ask(kind=values.pop("ask"), **taken)} if "ask" in values else values


SCHEMA = {"$ref": "#/definitions/json_schema"}
ON_TIMEOUT_FIELDS = {
    "value": Field(JSON, "The wait's value then."),
    "goto": Field(NAME, "A later node of this list or of one around it, or end."),
}

_EVENT_FIELDS = {
    "event": Field(EVENT_NAME, "Waits for an event of this name."),
    "key": Field(TEXT, "Takes events that were sent with this key; without it those sent to this execution."),
    "where": Field(CONDITION, "Takes only an 'event' for which this holds."),
}
_ASK_FIELDS = {
    "ask": Field(one_of(*_KINDS), "Asks people: approval, choice, text, form or json."),
    "prompt": Field(TEXT, "What people are asked."),
    "assignees": Field(list_of(TEXT, "a list of people", placeholder="x"), "Who is asked, such as role:manager."),
    "choices": Field(list_of(TEXT, "a list of texts", placeholder="x"), "What there is to choose from."),
    "fields": Field(
        Shape(_form_fields, {"type": "object", "minProperties": 1, "additionalProperties": SCHEMA}),
        "The fields of a form, each with its JSON Schema.",
    ),
    "schema": Field(Shape(_schema_of_json, SCHEMA), "A JSON Schema that the answer is checked against."),
    "metadata": Field(MAPPING, "What programs want to know about the question."),
}
AWAITED: dict[str, Form] = {
    "for": Form({"for": Field(DURATION, "How long it waits.", "for_")}),
    "at": Form({"at": Field(TEXT, "The instant it waits for, with its offset from UTC.", "until_at")}),
    "event": Form(_EVENT_FIELDS, build=_build_event),
    "ask": Form(_ASK_FIELDS, build=_build_ask),
}
_ON_TIMEOUT = {
    "on_timeout": Field(
        Shape(_on_timeout, {"anyOf": [{"const": "fail"}, {"$ref": "#/definitions/on_timeout"}]}),
        "What happens after the timeout: fail (default), {value: ...} or {goto: ...}.",
    )
}
_LABELS = Shape(
    _labels, {"type": "object", "minProperties": 1, "propertyNames": NAME.schema,
              "additionalProperties": {"$ref": "#/definitions/awaited"}}
)  # fmt: skip
WAITS: dict[str, Form] = {
    "for": AWAITED["for"],
    "at": AWAITED["at"],
    "event": Form({**_EVENT_FIELDS, **_ON_TIMEOUT}, build=_build_event),
    "ask": Form({**_ASK_FIELDS, **_ON_TIMEOUT}, build=_build_ask),
    "any": Form({"any": Field(_LABELS, "Waits for the first of these."), **_ON_TIMEOUT}),
    "all": Form({"all": Field(_LABELS, "Waits for all of these."), **_ON_TIMEOUT}),
}
