from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.expressions.evaluating import failure_of, refusal_of, value_of

ORDER: dict[str, Any] = {
    "data": {
        "total": 12.5,
        "items": [{"sku": "a1", "price": 3}, {"sku": "b2", "price": 4}],
        "address": {"city": "Köln", "zip code": "50667"},
        "note": None,
    }
}


def test_fields_and_items_are_read() -> None:
    assert value_of("data.address.city", ORDER) == "Köln"
    assert value_of("data['address']['city']", ORDER) == "Köln"
    assert value_of("data.address.`zip code`", ORDER) == "50667"
    assert value_of("data.items[1].price", ORDER) == 4
    assert value_of("data.items[2.0 - 1].sku", ORDER) == "b2"
    assert value_of("data.note", ORDER) is None


@pytest.mark.parametrize(
    ("source", "message", "column"),
    [
        ("data.totl", "no field 'totl' in data; did you mean 'total'?", 6),
        ("data['totl']", "no field 'totl' in data; did you mean 'total'?", 6),
        ("data.address.street", "no field 'street' in data.address; it has city, zip code", 14),
        ("dat.total", "there is no 'dat' here; did you mean 'data'?", 1),
        ("data.items[7]", "data.items has no item [7]; its last is [1]", 12),
        ("data.items[-1]", "data.items has no item [-1]; its last is [1]", 12),
        ("data.items.sku", "data.items is of type list and has no field 'sku'; write [0].sku for its first item, "
         ".map(x, x.sku) for all", 12),
        ("data.note.text", "data.note is null and has no field 'text'; where it may be null, write .?text.orValue(…)",
         11),
        ("data.total.net", "data.total is of type double and has no field 'net'", 12),
        ("data.items['x']", "data.items is a list, so what stands in [ ] must be a whole number, not string", 12),
        ("'abc'[0]", "the value is of type string and has no items; write .charAt(…) or .substring(…)", 7),
        ("[][0]", "the value has no item [0]; it is empty", 4),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_its_column(source: str, message: str, column: int) -> None:
    failure = failure_of(source, ORDER)
    assert failure.message == message
    assert failure.column == column
    assert failure.source == source
    assert str(failure) == f"{message} (column {column} of `{source}`)"


def test_a_field_may_be_optional() -> None:
    assert value_of("data.?total.orValue(0)", ORDER) == 12.5
    assert value_of("data.?discount.orValue(0)", ORDER) == 0
    assert value_of("data.?discount.?percent.orValue(0)", ORDER) == 0
    assert value_of("data.?address.city.orValue('?')", ORDER) == "Köln"
    assert value_of("data.?address.street.orValue('?')", ORDER) == "?"
    assert value_of("data.items[?5].orValue({})", ORDER) == {}
    assert value_of("data.items[?0].sku.orValue('')", ORDER) == "a1"
    assert value_of("data.?note.hasValue()", ORDER) is True
    assert value_of("data.?note.?text.orValue('none')", ORDER) == "none"
    assert value_of("data.?a.or(data.?total).value()", ORDER) == 12.5
    assert value_of("data.?total.optMap(t, t * 2).orValue(0.0)", ORDER) == 25.0
    assert value_of("[?data.?a, ?data.?total]", ORDER) == [12.5]
    assert value_of("{?'a': data.?a, ?'t': data.?total}", ORDER) == {"t": 12.5}


def test_an_optional_leaves_an_expression_as_its_value_or_null() -> None:
    assert value_of("data.?total", ORDER) == 12.5
    assert value_of("data.?discount", ORDER) is None
    assert value_of("[data.?discount, optional.of(1)]", ORDER) == [None, 1]


def test_the_default_of_an_optional_is_evaluated_only_if_needed() -> None:
    assert value_of("data.?total.orValue(1 / 0)", ORDER) == 12.5
    assert failure_of("data.?a.orValue(1 / 0)", ORDER).message == "division by zero"
    assert value_of("data.?total.or(data.missing).value()", ORDER) == 12.5


def test_what_is_no_optional_says_how_to_make_it_one() -> None:
    assert "write .?field.orValue(…)" in failure_of("data.total.orValue(1)", ORDER).message
    assert "value() of an optional that has none" in failure_of("data.?a.value()", ORDER).message
    assert "take its value with .orValue(…) first" in failure_of("data.?total.contains('x')", ORDER).message


def test_has_asks_whether_a_field_is_there() -> None:
    assert value_of("has(data.total)", ORDER) is True
    assert value_of("has(data.note)", ORDER) is True
    assert value_of("has(data.missing)", ORDER) is False
    assert value_of("has(data.note.text)", ORDER) is False
    assert value_of("has(data.address['zip code'])", ORDER) is True
    assert value_of("has(data.?missing.deeper)", ORDER) is False
    assert failure_of("has(data.missing.deeper)", ORDER).message.startswith("no field 'missing' in data")
    assert refusal_of("has(data)").message == "has() takes one field"
    assert refusal_of("has(data.a, data.b)").message == "has() takes one field"


def test_keys_of_maps_are_texts_ints_or_bools_and_stand_once() -> None:
    assert value_of("{1: 'a', true: 'b', 'c': 2u}") == {"1": "a", "true": "b", "c": 2}
    assert "must be a string, an int or a bool, not double" in failure_of("{1.5: 1}").message
    assert "must be a string, an int or a bool, not null" in failure_of("{null: 1}").message
    assert "stands twice" in failure_of("{x: 1, 'a': 2}", {"x": "a"}).message
    assert "the key 'a' stands twice" in refusal_of("{'a': 1, 'a': 2}").message
    assert "same text in JSON" in failure_of("{1: 'a', '1': 'b'}").message


def test_evaluation_never_changes_the_environment_and_gives_no_part_that_is_shared_with_a_literal() -> None:
    before = copy.deepcopy(ORDER)
    value_of("data.items.map(i, i.price).sort() + [1]", ORDER)
    value_of("data.items.sortBy(i, -i.price).reverse().flatten()", ORDER)
    assert before == ORDER
    first = value_of("[1, {'a': []}]")
    first[1]["a"].append("changed")
    assert value_of("[1, {'a': []}]") == [1, {"a": []}]


def test_a_dotted_name_reads_past_a_variable_of_a_macro() -> None:
    assert value_of("['inner'].map(x, .x + x)", {"x": "outer "}) == ["outer inner"]
