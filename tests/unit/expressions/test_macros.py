from __future__ import annotations

from typing import Any

import pytest

from tests.unit.expressions.evaluating import failure_of, refusal_of, value_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[1, 2, 3].all(x, x > 0)", True),
        ("[1, 2, 3].all(x, x > 1)", False),
        ("[].all(x, false)", True),
        ("[1, 2, 3].exists(x, x == 2)", True),
        ("[].exists(x, true)", False),
        ("[1, 2, 2].exists_one(x, x == 2)", False),
        ("[1, 2, 2].existsOne(x, x == 1)", True),
        ("[1, 2, 3].filter(x, x % 2 == 1)", [1, 3]),
        ("[1, 2, 3].map(x, x * x)", [1, 4, 9]),
        ("[1, 2, 3].map(x, x > 1, x * 10)", [20, 30]),
        ("{'a': 1, 'b': 2}.map(k, k + '!')", ["a!", "b!"]),
        ("{'a': 1, 'b': 2}.filter(k, k != 'a')", ["b"]),
        ("{'a': 1}.exists(k, v, k == 'a' && v == 1)", True),
        ("['x', 'y'].all(i, v, i < 2 && v != '')", True),
        ("['x', 'y'].transformList(i, v, string(i) + v)", ["0x", "1y"]),
        ("['x', 'y'].transformList(i, v, i > 0, v)", ["y"]),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v * 10)", {"a": 10, "b": 20}),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, k)", {"b": "b"}),
        ("{true: 1}.map(k, k == true)", [True]),
        ("[{'p': 3}, {'p': 1}].sortBy(x, x.p).map(x, x.p)", [1, 3]),
        ("cel.bind(x, 2 + 3, x * x)", 25),
        ("[1, 2].map(x, [10, 20].map(y, x + y))", [[11, 21], [12, 22]]),
        ("[[1, 2], [3]].map(x, x.map(x, x + 1))", [[2, 3], [4]]),
    ],
)
def test_macros(source: str, expected: Any) -> None:
    assert value_of(source) == expected


def test_the_variable_of_a_macro_hides_an_outer_name_and_only_inside() -> None:
    assert value_of("[1].map(data, data + 1) + [data.n]", {"data": {"n": 7}}) == [2, 7]
    assert value_of("[1].map(now, now)") == [1]
    assert value_of("[1].map(int, int)") == [1]
    assert value_of("['abc'].map(math, math.size())") == [3]


def test_exists_and_all_forget_an_error_that_cannot_change_the_answer() -> None:
    items = {"items": [{}, {"ok": True}, {"ok": False}]}
    assert value_of("items.exists(i, i.ok)", items) is True
    assert value_of("items.all(i, i.ok)", items) is False
    assert failure_of("items.exists(i, i.ok)", {"items": [{"ok": False}, {}]}).column == 19
    assert failure_of("items.all(i, i.ok || true == false)", {"items": [{}]}).message.startswith("no field 'ok' in i")
    assert failure_of("items.exists_one(i, i.ok)", items).message.startswith("no field 'ok' in i")


def test_a_macro_needs_a_list_or_a_map_and_a_bool() -> None:
    assert failure_of("x.map(i, i)", {"x": "abc"}).message == "map() needs a list or a map, not string"
    assert ".orValue([])" in failure_of("x.filter(i, true)", {"x": None}).message
    assert failure_of("[1].filter(i, i)").message == "the condition of filter() must be a bool, not int"
    assert failure_of("[1].all(i, 'x')").message == "the condition of all() must be a bool, not string"
    assert failure_of("[1].map(i, 'x', i)").message == "the condition of map() must be a bool, not string"


def test_a_macro_that_is_not_formed_as_it_must_be_is_refused() -> None:
    refused = refusal_of("data.map(x.y, 1)")
    assert (refused.message, refused.column) == ("map() needs the name of a variable here", 12)
    assert refusal_of("data.filter(x)").message == "filter() takes 2 arguments, not 1"
    assert refusal_of("data.exists(x, x, true)").message == "exists() binds 'x' twice"
    assert refusal_of("cel.bind(x, 1)").message == "cel.bind() takes a name, its value and an expression"
    assert refusal_of("all(data, x)").hint == "write list.all(x, …)"
