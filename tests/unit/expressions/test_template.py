from __future__ import annotations

import copy
from typing import Any

import pytest

from durable_dsl.expressions import ExpressionError, ExpressionSyntaxError, compile_template
from tests.unit.expressions.evaluating import NOW, rendering_of

ENV: dict[str, Any] = {"data": {"total": 12.5, "name": "Ada", "tags": ["a", "b"], "note": None, "ok": True}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        (5, 5),
        (None, None),
        ("${ data.total }", 12.5),
        ("${data.tags}", ["a", "b"]),
        ("${ data.note }", None),
        ("${ data.ok }", True),
        (" ${ data.total }", " 12.5"),
        ("Hello ${ data.name }!", "Hello Ada!"),
        ("${ data.name }${ data.name }", "AdaAda"),
        ("${ data.tags } and ${ data.note } and ${ data.ok }", '["a","b"] and null and true'),
        ("due ${ timestamp(0) + duration('1h') }", "due 1970-01-01T01:00:00Z"),
        ("$${ data.total }", "${ data.total }"),
        ("$$${ data.name }", "$${ data.name }"),
        ("costs $5 {really} $ {x}", "costs $5 {really} $ {x}"),
        ("${ {'a': {'b': 1}} }", {"a": {"b": 1}}),
        ("${ '}' + \"}\" + '''}''' + r'\\}' }", "}}}\\}"),
        ("${ {'a}': '{'}['a}'] }", "{"),
        ("${ 'it\\'s }' }", "it's }"),
        ("${ data.name // not } here\n }", "Ada"),
        ({"a": ["${ data.name }", {"b": "x${ 1 + 1 }"}], "c": 1}, {"a": ["Ada", {"b": "x2"}], "c": 1}),
        ({"${ data.name }": 1}, {"${ data.name }": 1}),
        ("a} ${ data.name } }", "a} Ada }"),
    ],
)
def test_expressions_inside_values(value: Any, expected: Any) -> None:
    given = rendering_of(value, ENV)
    assert given == expected
    assert type(given) is type(expected)


def test_a_template_without_expressions_is_constant() -> None:
    constant = compile_template({"a": ["x", 1, "$${ y }"]})
    assert constant.is_constant
    assert constant.expressions == ()
    assert constant.render({}, now=NOW) == {"a": ["x", 1, "${ y }"]}


def test_every_expression_is_listed_with_the_path_of_its_scalar() -> None:
    template = compile_template({"a": ["${ data.x }", {"b": "${ input.y } of ${ data.z }"}]})
    assert [(path, expression.source) for path, expression in template.expressions] == [
        (("a", 0), "data.x"),
        (("a", 1, "b"), "input.y"),
        (("a", 1, "b"), "data.z"),
    ]
    assert not template.is_constant
    assert [sorted(expression.paths) for _, expression in template.expressions] == [
        [("data", "x")],
        [("input", "y")],
        [("data", "z")],
    ]


def test_rendering_gives_new_mappings_and_lists_each_time_and_changes_nothing() -> None:
    source = {"list": [1], "text": "${ data.name }"}
    template = compile_template(source)
    first = template.render(ENV, now=NOW)
    first["list"].append(2)
    before = copy.deepcopy(ENV)
    assert template.render(ENV, now=NOW) == {"list": [1], "text": "Ada"}
    assert before == ENV
    assert source == {"list": [1], "text": "${ data.name }"}


@pytest.mark.parametrize(
    ("value", "path", "column", "message"),
    [
        ("total: ${ data.total = 5 }", (), 22, "unexpected '='"),
        ({"a": [{"b": "x ${ nope.x }"}]}, ("a", 0, "b"), 6, "there is no 'nope' here"),
        ("a ${ data.x", (), 3, "this ${ is never closed"),
        ("${ data.x } ${ 'abc }", (), 13, "this ${ is never closed"),
        ("${ data.x // 2 }", (), 1, "this ${ is never closed"),
        ("${}", (), 3, "the expression is empty"),
        ("${ data.a ${ data.b } }", (), 11, "this is an expression already, so ${ … } has no place in it"),
    ],
)
def test_a_mistake_is_told_with_the_path_and_the_column_in_the_text(
    value: Any, path: tuple[str | int, ...], column: int, message: str
) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_template(value, ["data"])
    assert (caught.value.path, caught.value.column, caught.value.message) == (path, column, message)


def test_a_line_is_counted_in_the_text_of_the_scalar() -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_template("first\nsecond ${ a = b }")
    assert (caught.value.line, caught.value.column) == (2, 13)


def test_what_fails_when_rendered_says_where() -> None:
    template = compile_template({"lines": ["ok", "sum: ${ data.totl }"]})
    with pytest.raises(ExpressionError) as caught:
        template.render(ENV, now=NOW)
    assert caught.value.path == ("lines", 1)
    assert str(caught.value) == ("no field 'totl' in data; did you mean 'total'? (column 6 of `data.totl` at lines[1])")


def test_a_value_may_nest_two_hundred_levels() -> None:
    value: Any = "${ data.name }"
    for _ in range(200):
        value = [value]
    inner = compile_template(value).render(ENV, now=NOW)
    for _ in range(200):
        inner = inner[0]
    assert inner == "Ada"
    with pytest.raises(ExpressionSyntaxError, match="nests more than 200 levels deep"):
        compile_template([value])
