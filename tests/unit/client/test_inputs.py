"""Inputs: what is refused and why, and what the schema's defaults put in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import InvalidInput
from durable_runtime.core.inputs import InputCheck

ORDER = {
    "type": "object",
    "required": ["order"],
    "additionalProperties": False,
    "properties": {
        "order": {
            "type": "object",
            "required": ["id", "lines"],
            "properties": {
                "id": {"type": "string", "minLength": 2},
                "currency": {"enum": ["EUR", "USD"], "default": "EUR"},
                "lines": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["sku"],
                        "properties": {
                            "sku": {"type": "string"},
                            "qty": {"type": "integer", "minimum": 1, "default": 1},
                        },
                    },
                },
            },
        },
        "gift": {"type": "boolean", "default": False},
    },
}


def stored(schema: Any, value: Any) -> Any:
    return json.loads(InputCheck("flow", schema).encode(value))


def problems(schema: Any, value: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as raised:
        InputCheck("flow", schema).encode(value)
    return raised.value.problems


def test_an_input_that_fits_is_stored_as_it_is() -> None:
    value = {"order": {"id": "A1", "currency": "USD", "lines": [{"sku": "x", "qty": 2}]}, "gift": True}

    assert stored(ORDER, value) == value


def test_defaults_are_filled_in_at_every_depth() -> None:
    assert stored(ORDER, {"order": {"id": "A1", "lines": [{"sku": "x"}, {"sku": "y", "qty": 4}]}}) == {
        "order": {"id": "A1", "lines": [{"sku": "x", "qty": 1}, {"sku": "y", "qty": 4}], "currency": "EUR"},
        "gift": False,
    }


def test_filling_in_changes_nothing_of_the_callers() -> None:
    value = {"order": {"id": "A1", "lines": [{"sku": "x"}]}}

    stored(ORDER, value)

    assert value == {"order": {"id": "A1", "lines": [{"sku": "x"}]}}


def test_a_default_that_is_a_mapping_gets_the_defaults_inside_of_it() -> None:
    schema = {
        "properties": {
            "limits": {"type": "object", "default": {}, "properties": {"retries": {"type": "integer", "default": 3}}}
        }
    }

    assert stored(schema, {}) == {"limits": {"retries": 3}}


def test_filling_in_never_changes_the_schemas_own_default() -> None:
    schema = {
        "properties": {
            "box": {"default": {}, "allOf": [{"properties": {"size": {"default": 1}}}]},
        }
    }

    assert stored(schema, {}) == {"box": {"size": 1}}
    assert schema["properties"]["box"]["default"] == {}


def test_defaults_come_through_references_and_allof() -> None:
    schema = {
        "allOf": [{"properties": {"zone": {"default": "UTC"}}}],
        "properties": {"home": {"$ref": "#/$defs/address"}},
        "$defs": {"address": {"properties": {"country": {"default": "DE"}}}},
    }

    assert stored(schema, {"home": {}}) == {"home": {"country": "DE"}, "zone": "UTC"}


def test_a_schema_that_refers_to_itself_ends_where_the_input_does() -> None:
    schema = {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {
                "properties": {
                    "size": {"default": 1},
                    "inner": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                }
            }
        },
    }

    assert stored(schema, {"inner": [{"inner": [{}]}]}) == {
        "inner": [{"inner": [{"size": 1}], "size": 1}],
        "size": 1,
    }


def test_a_default_that_does_not_fit_is_refused_like_a_given_value() -> None:
    schema = {"properties": {"qty": {"type": "integer", "default": "three"}}}

    assert problems(schema, {}) == ('input.qty must be a whole number; it is "three"',)


def test_every_reason_is_told_with_its_place() -> None:
    value = {
        "order": {"id": "A", "currency": "GBP", "lines": [{"sku": "x"}, {"sku": 5}, {"qty": 0}]},
        "gfit": True,
        "gift": "yes",
    }

    assert sorted(problems(ORDER, value)) == [
        "input.gfit is not known; did you mean 'gift'?",
        'input.gift must be true or false; it is "yes"',
        'input.order.currency must be one of "EUR", "USD"; it is "GBP"',
        "input.order.id must have at least 2 characters; it has 1",
        "input.order.lines[1].sku must be a text; it is 5",
        "input.order.lines[2].qty must be at least 1; it is 0",
        "input.order.lines[2].sku is required",
    ]


def test_the_message_names_the_workflow_and_lists_the_reasons() -> None:
    with pytest.raises(InvalidInput) as raised:
        InputCheck("ship", {"required": ["a", "b"]}).encode({})

    assert str(raised.value) == (
        "the input does not fit the workflow 'ship':\n  input.a is required\n  input.b is required"
    )


def test_a_message_of_very_many_reasons_is_cut_and_the_list_is_not() -> None:
    schema = {"properties": {"numbers": {"items": {"type": "number"}}}}

    with pytest.raises(InvalidInput) as raised:
        InputCheck("flow", schema).encode({"numbers": ["x"] * 500})

    assert len(raised.value.problems) == 500
    assert str(raised.value).endswith("and 480 more")


def test_a_key_that_is_no_name_is_quoted_in_its_place() -> None:
    schema = {"properties": {"unit price": {"type": "number"}}}

    assert problems(schema, {"unit price": None}) == ('input["unit price"] must be a number; it is null',)


def test_a_large_value_is_shown_by_its_beginning() -> None:
    [problem] = problems({"properties": {"id": {"type": "integer"}}}, {"id": "x" * 100_000})

    assert problem == f'input.id must be a whole number; it is "{"x" * 56}...'


def test_alternatives_are_told_in_words() -> None:
    schema = {"properties": {"to": {"oneOf": [{"type": "string"}, {"type": "object", "required": ["mail"]}]}}}

    assert problems(schema, {"to": {}}) == (
        "input.to fits none of its 2 alternatives: input.to must be a text; it is {}; or input.to.mail is required",
    )


@pytest.mark.parametrize(
    ("format", "wrong"),
    [
        ("date-time", "2026-01-31 at nine"),
        ("date-time", "2026-01-31T09:00:00"),
        ("email", "nobody"),
        ("date", "31.1.2026"),
    ],
)
def test_formats_are_checked(format: str, wrong: str) -> None:
    [problem] = problems({"properties": {"value": {"type": "string", "format": format}}}, {"value": wrong})

    assert problem == f'input.value must have the format {format}; it is "{wrong}"'


def test_a_timestamp_with_its_zone_fits() -> None:
    schema = {"properties": {"at": {"type": "string", "format": "date-time"}}}

    assert stored(schema, {"at": "2026-01-31T09:00:00Z"}) == {"at": "2026-01-31T09:00:00Z"}


@pytest.mark.filterwarnings("ignore")  # a warning on the way to a fetch must not be what prevents it
def test_a_reference_to_elsewhere_is_refused_and_never_fetched(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text('{"type": "integer"}')

    assert problems({"properties": {"a": {"$ref": elsewhere.as_uri()}}}, {"a": 1}) == (
        f"the schema refers to '{elsewhere.as_uri()}', which is not in it; references to elsewhere are not followed",
    )


def test_no_input_is_an_empty_mapping() -> None:
    assert stored(None, None) == {}
    assert stored({"properties": {"n": {"default": 1}}}, None) == {"n": 1}


def test_no_input_still_has_to_fit() -> None:
    assert problems(ORDER, None) == ("input.order is required",)


@pytest.mark.parametrize(
    ("value", "kind"), [([1, 2], "a list"), ("text", "a text"), (5, "a number"), (True, "true or false")]
)
def test_an_input_has_to_be_a_mapping(value: Any, kind: str) -> None:
    assert problems(None, value) == (f"the input has to be a mapping, since data begins as a copy of it; it is {kind}",)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"rate": math.nan}, "the input['rate'] is nan, which JSON cannot hold"),
        ({"a": [1, {"b": {1, 2}}]}, "the input['a'][1]['b'] is of type set, which is not JSON"),
        ({1: "one"}, "the input has the key 1; keys must be text"),
        ({"name": "a\x00b"}, "the input['name'] holds a NUL character"),
        ({"n": 2**64}, "the input['n'] is an integer beyond 64 bits"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(value: Any, reason: str) -> None:
    [problem] = problems(None, value)

    assert problem.startswith(reason)
