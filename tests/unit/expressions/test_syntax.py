from __future__ import annotations

import pickle

import pytest

from durable_dsl.expressions import ExpressionError, ExpressionSyntaxError, compile_expression
from tests.unit.expressions.evaluating import refusal_of, value_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"'it\'s \"quoted\"'", 'it\'s "quoted"'),
        (r'"\n\t\\\x41\u00e4\U0001F600\101"', "\n\t\\Aä😀A"),
        (r"r'\n' + R'\d'", "\\n\\d"),
        ("'''two\nlines 'with' quotes'''", "two\nlines 'with' quotes"),
        ('"""a \\""" b"""', 'a """ b'),
        ("r'''raw \\n'''", "raw \\n"),
        ("'// no comment' // a comment\n + '!'", "// no comment!"),
        ("''", ""),
    ],
)
def test_texts(source: str, expected: str) -> None:
    assert value_of(source) == expected


def test_lists_and_maps_may_end_with_a_comma_and_span_lines() -> None:
    assert value_of("{\n  'a': [1, 2,],\n  // why\n  'b': 2,\n}") == {"a": [1, 2], "b": 2}


def test_words_that_are_reserved_elsewhere_are_fields_like_any_other() -> None:
    assert value_of("x.in + x.if + x.true + x.loop", {"x": {"in": 1, "if": 2, "true": 3, "loop": 4}}) == 10
    assert value_of("index + inside", {"index": 1, "inside": 2}) == 3


@pytest.mark.parametrize(
    ("source", "column", "message", "hint"),
    [
        ("a = b", 3, "unexpected '='", "use == to compare"),
        ("a === b", 5, "unexpected '='", "use == to compare"),
        ("a => b", 3, "unexpected '=>'", "use >= to compare, or .map(x, …) on a list"),
        ("a <> b", 4, "unexpected '>'", "use != for 'not equal'"),
        ("a and b", 3, "unexpected 'and'", "use && for 'and'"),
        ("a or b", 3, "unexpected 'or'", "use || for 'or'"),
        ("not a", 1, "'not' is not an operator here", "use ! for 'not'"),
        ("a && not b", 6, "'not' is not an operator here", "use ! for 'not'"),
        ("a is null", 3, "unexpected 'is'", "use == or != to compare, also with null"),
        ("a is not null", 3, "unexpected 'is'", "use == or != to compare, also with null"),
        ("a & b", 3, "unexpected '&'", "use && for 'and'"),
        ("a | b", 3, "unexpected '|'", "use || for 'or'"),
        ("1 if a else 2", 3, "unexpected 'if'", "write condition ? value : other"),
        ("a ? b", 3, "':' is missing", "write condition ? value : other"),
        ("a?.b", 2, "':' is missing", "an optional field is written a.?b"),
        ("a ?? b", 4, "unexpected '?'", "write data.?field.orValue(other)"),
        ("2 ** 3", 4, "unexpected '*'", "there is no power operator; write x * x"),
        ("${ data.n > 5 }", 1, "this is an expression already, so ${ … } has no place in it", "write data.n > 5"),
        ("a == ${ b }", 6, "this is an expression already, so ${ … } has no place in it", "write it without ${ and }"),
        ("f(a, (b)", 2, "this '(' is never closed", None),
        ("[1, 2", 1, "this '[' is never closed", None),
        ("{'a': 1", 1, "this '{' is never closed", None),
        ("(a + b))", 8, "this ')' closes nothing", "remove it"),
        ("[1, (2]", 7, "'(' at column 5 is closed by ']'", None),
        ("'abc", 1, "this text is never closed", "add the closing '"),
        ("'two\nlines'", 1, "this text is never closed", "a text over several lines stands in triple quotes"),
        ("'\\d+'", 2, "\\d is not an escape", "write \\\\ for a backslash, or r'…' for a raw text"),
        ("'\\ud800'", 2, "\\ud800 is not a character", None),
        ("b'\\u00e4'", 3, "\\u and \\U have no place in bytes", "use \\x"),
        ("“a”", 1, "unexpected '“'", "use straight quotes"),
        ("a # b", 3, "unexpected '#'", "a comment starts with //"),
        ("a; b", 2, "unexpected ';'", "an expression is one value, without statements"),
        ("a b", 3, "unexpected 'b'", "an operator is missing between 'a' and 'b'"),
        ("3d", 2, "unexpected 'd'", "a span of time is written duration('3d'), and a name cannot start with a digit"),
        ("a + * b", 5, "unexpected '*'", "a value is missing between '+' and '*'"),
        ("a &&", 5, "something is missing after '&&'", None),
        ("", 1, "the expression is empty", "write a value, or leave the key out"),
        (" \n ", 1, "the expression is empty", "write a value, or leave the key out"),
        ("Value{a: 1}", 6, "unexpected '{'", "messages of protobuf are not part of these expressions; a map is written "
         "{'key': value}"),
        ("True && a", 1, "there is no 'True'", "write true"),
        ("a == None", 6, "there is no 'None'", "write null"),
        ("a == undefined", 6, "there is no 'undefined'", "write null, or has(data.field) to ask whether a field is "
         "there"),
    ],
)  # fmt: skip
def test_usual_slips_are_told_with_what_to_write(source: str, column: int, message: str, hint: str | None) -> None:
    refused = refusal_of(source)
    assert (refused.column, refused.message, refused.hint) == (column, message, hint)


def test_line_and_column_count_from_one_within_the_source() -> None:
    refused = refusal_of("data.total > 1 &&\n  data.count = 2")
    assert (refused.line, refused.column) == (2, 14)
    assert str(refused) == (
        "unexpected '=' (line 2, column 14 of `data.total > 1 && data.count = 2`); use == to compare"
    )


def test_a_long_source_is_shown_around_the_mistake_only() -> None:
    refused = refusal_of("1 + " * 5000 + "= 2" + " + 3" * 5000)
    assert refused.column == 20_001
    assert len(str(refused)) < 200


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("dta.total", "did you mean 'data'?"),
        ("total > 5", "there are data, input; a field of the data is read as data.total"),
        ("data.items.map(line, lin.price)", "did you mean 'line'?"),
        ("none == data", "there are data, input; a field of the data is read as data.none"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused_with_those_that_can(source: str, hint: str) -> None:
    refused = refusal_of(source, ["data", "input"])
    assert refused.message.startswith("there is no ")
    assert refused.hint == hint


def test_names_that_are_declared_win_over_types_and_now() -> None:
    env = {"type": "a", "now": "b", "math": {"x": 1}}
    assert compile_expression("[type, now, math.x]", ["type", "now", "math"]).names == {"type", "now", "math"}
    assert value_of("[1].map(x, type(x) == int)") == [True]
    assert compile_expression("type + now", list(env)).uses_now is False


@pytest.mark.parametrize(
    "source",
    [
        "!" * 5000 + "true",
        "-" * 5000 + "x",
        "(" * 5000 + "1" + ")" * 5000,
        "(" * 5000,
        "[" * 5000,
        "{" * 5000,
        "x" + ".a" * 5000,
        "x" + "[0]" * 5000,
        "x" + ".size()" * 5000,
        "f(" * 5000 + ")" * 5000,
        "x.map(a, " * 5000 + "1" + ")" * 5000,
        "x ? (" * 5000 + "1" + ") : 2" * 5000,
        "1 + (" * 5000 + "1" + ")" * 5000,
        "a.?b" * 5000,
        "x" * 100_001,
        "'" * 99_999,
        "\\'" * 49_999,
        "'\\" * 49_999,
        "\"\"\"'''" * 9_999 + "'",
        "a " * 40_000,
        "/" * 50_000 + "*",
    ],
)
def test_hostile_sources_end_in_a_clean_error(source: str) -> None:
    assert len(str(refusal_of(source))) < 600


def test_an_expression_may_nest_a_hundred_levels() -> None:
    assert value_of("(" * 100 + "1" + ")" * 100) == 1
    assert value_of("!" * 100 + "true") is True
    # A bracket inside a text is no bracket.
    assert value_of("'" + "(" * 500 + "'") == "(" * 500
    assert refusal_of("(" * 101 + "1" + ")" * 101).message == "brackets nest more than 100 levels deep"
    assert refusal_of("x" + ".a" * 100).message == "the expression nests more than 100 levels deep"


def test_errors_survive_pickling_with_all_they_say() -> None:
    refused = pickle.loads(pickle.dumps(ExpressionSyntaxError("no", "a = b", 2, "use ==", ("k", 0))))
    assert (refused.message, refused.column, refused.hint, refused.path) == ("no", 3, "use ==", ("k", 0))
    failed = pickle.loads(pickle.dumps(ExpressionError("no", "a\nb", 2)))
    assert (failed.message, failed.line, failed.column, str(failed)) == ("no", 2, 1, "no (line 2, column 1 of `a b`)")


def test_the_same_source_and_names_are_compiled_once() -> None:
    assert compile_expression("data.total > 17", ["data"]) is compile_expression("data.total > 17", {"data"})
    assert compile_expression("data.total > 17") is not compile_expression("data.total > 17", ["data"])
