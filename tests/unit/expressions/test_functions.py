from __future__ import annotations

from typing import Any

import pytest

from tests.unit.expressions.evaluating import failure_of, refusal_of, value_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')", True),
        ("'order-17'.matches('^order-[0-9]+$')", True),
        ("matches('abc', 'b')", True),
        ("size('größe') + 'ab'.size()", 7),
        ("'a,b,,c'.split(',')", ["a", "b", "", "c"]),
        ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("'äbc'.split('')", ["ä", "b", "c"]),
        ("['a', 'b'].join() + ['a', 'b'].join('-')", "aba-b"),
        ("'a-b-c'.replace('-', '+') + 'a-b-c'.replace('-', '', 1)", "a+b+cab-c"),
        ("'  x\\n'.trim()", "x"),
        ("'MiXÄ'.lowerAscii() + 'mixä'.upperAscii()", "mixÄMIXä"),
        ("'tacocat'.substring(4) + 'tacocat'.substring(0, 4)", "cattaco"),
        ("['tacocat'.indexOf('c'), 'tacocat'.indexOf('c', 3), 'tacocat'.indexOf('z')]", [2, 4, -1]),
        ("['tacocat'.lastIndexOf('a'), 'tacocat'.lastIndexOf('a', 4)]", [5, 1]),
        ("'abc'.charAt(1) + 'abc'.charAt(3)", "b"),
        ("'abc'.reverse()", "cba"),
        ("'%s is %d of %.2f (%x)'.format(['a', 3, 4.567, 255])", "a is 3 of 4.57 (ff)"),
        ("'%s %s %s'.format([[1, 'a'], {'k': null}, duration('90s')])", "[1, a] {k: null} 90s"),
        ("strings.quote('a\"b\\n')", '"a\\"b\\n"'),
        ("parse_json('{\"a\": [1, 2.5, null]}').a[1]", 2.5),
        ("to_json({'a': [1, null, 'ü'], 't': timestamp(0)})", '{"a":[1,null,"ü"],"t":"1970-01-01T00:00:00Z"}'),
    ],
)
def test_texts(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[1, 2, 3].sum()", 6),
        ("[1, 2.5].sum()", 3.5),
        ("[].sum()", 0),
        ("[duration('1m'), duration('30s')].sum()", "90s"),
        ("[3, 1, 2].min() + [3, 1, 2].max()", 4),
        ("['b', 'a'].min()", "a"),
        ("[1, 2].avg()", 1.5),
        ("[duration('1m'), duration('30s')].avg()", "45s"),
        ("[3, 1.5, 2].sort()", [1.5, 2, 3]),
        ("['b', 'a'].sort()", ["a", "b"]),
        ("[2, 1, 2, '2', [1], [1.0], {'a': 1}, {'a': 1}].distinct()", [2, 1, "2", [1], {"a": 1}]),
        ("[1, [2, [3]], []].flatten()", [1, 2, [3]]),
        ("[1, [2, [3]]].flatten(2)", [1, 2, 3]),
        ("[1, 2].first() + [1, 2].last()", 3),
        ("[1, 2, 3, 4].slice(1, 3)", [2, 3]),
        ("[1, 2].reverse()", [2, 1]),
        ("lists.range(3)", [0, 1, 2]),
        ("size([1, 2]) + {'a': 1}.size()", 3),
    ],
)
def test_lists(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("math.greatest(1, 2.5, 2)", 2.5),
        ("math.least([3, 1, 2])", 1),
        ("[math.abs(-3), math.sign(-2), math.bitAnd(6, 3), math.bitShiftLeft(1, 4)]", [3, -1, 2, 16]),
        ("[math.ceil(1.2), math.floor(-1.2), math.trunc(-1.7)]", [2.0, -2.0, -1.0]),
        (
            "[math.round(0.5), math.round(-0.5), math.round(2.4), math.round(0.49999999999999994)]",
            [1.0, -1.0, 2.0, 0.0],
        ),
        ("math.isNaN(0.0 / 0.0) && math.isInf(1.0 / 0.0) && math.isFinite(1.0)", True),
    ],
)
def test_math(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int('42') + int(3.9) + int(-3.9)", 42),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("double('1.5e3') + double(1)", 1501.0),
        ("string(1.5) + string(2.0) + string(true) + string(null_type == type(null))", "1.52truetrue"),
        ("string(duration('1h')) + ' ' + string(timestamp(0))", "3600s 1970-01-01T00:00:00Z"),
        ("bool('true') && !bool('0')", True),
        ("type(1) == int && type('') == string && type([]) == list && type(1) != double", True),
        ("[type(1), type({}), type(null), type(now)]", ["int", "map", "null_type", "google.protobuf.Timestamp"]),
        ("string(b'abc') + base64.encode('abc')", "abcYWJj"),
        ("base64.decode('YWJj')", "YWJj"),
        ("uint(3) + 4u", 7),
    ],
)
def test_conversions(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("'abc'.substring(4)", "position 4 lies outside a text of 3 characters"),
        ("'abc'.substring(2, 1)", "substring() starts at 2 and ends before, at 1"),
        ("'abc'.charAt(-1)", "position -1 lies outside a text of 3 characters"),
        ("x.startsWith('a')", ".startsWith() needs a string, not int"),
        ("'a'.substring('b')", ".substring() does not take (string) here; it is called .substring(int) or "
         ".substring(int, int)"),
        ("size(x)", "size() does not take (int); it is called size(list) or size(map) or size(string) or size(bytes)"),
        ("int('1.5')", "'1.5' is not a whole number"),
        ("int(1e30)", "the double does not fit in a 64-bit int"),
        ("double('x')", "'x' is not a number"),
        ("bool('yes')", "'yes' is neither true nor false"),
        ("[1].join(',')", "join() needs texts, and one item is int; write .map(x, string(x)).join(…)"),
        ("[1, 'a'].sum()", "sum() needs numbers or durations, and one item is string"),
        ("[1, 'a'].sort()", "cannot sort int and string; all must be numbers, or all of one type that has an order"),
        ("[].first()", "first() of an empty list; where it may be empty, write [?0].orValue(…)"),
        ("[].avg()", "avg() of an empty list; where it may be empty, write size(list) > 0 ? … : …"),
        ("parse_json('{')", "parse_json() was given no JSON: Expecting property name enclosed in double quotes: line 1 "
         "column 2 (char 1)"),
        ("'%d'.format(['a'])", "format() cannot write string with %d"),
        ("'%d'.format([])", "format() has 0 values, too few for its template"),
        ("'%y'.format([1])", "format() knows no '%y'; there are %s %d %f %e %b %o %x %X and %%"),
        ("'%.999f'.format([1.0])", "format() writes at most 100 digits after the point"),
        ("base64.decode('***')", "base64.decode() was given a text that is not base64"),
    ],
)  # fmt: skip
def test_a_function_says_what_it_needs(source: str, message: str) -> None:
    assert failure_of(source, {"x": 5}).message == message


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_parse_json_takes_json_and_nothing_else(text: str) -> None:
    assert "is not a JSON number" in failure_of(f"parse_json('{text}')").message


def test_a_pattern_is_one_of_re2_and_a_constant_one_is_checked_when_compiled() -> None:
    refused = refusal_of("data.id.matches('^(a+)+(?=b)')")
    assert refused.message == "the pattern is not one of RE2: invalid perl operator: (?="
    assert refused.column == 17
    assert "missing )" in failure_of("'a'.matches(x)", {"x": "("}).message
    assert "longer than 1,000 characters" in failure_of("'a'.matches(x)", {"x": "a" * 1001}).message
    assert value_of("x.matches('^(a+)+$')", {"x": "a" * 50_000 + "b"}) is False


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("len(data)", "write size(x)"),
        ("data.lenght()", "write .size()"),
        ("data.startswith('a')", "did you mean 'startsWith'?"),
        ("data.lower()", "write .lowerAscii()"),
        ("data.get('x')", "write .?field.orValue(other)"),
        ("round(1.5)", "write math.round(x)"),
        ("math.qqqqqq(1)", None),
        ("math.rond(1.0)", "did you mean 'math.round'?"),
        ("split('a', ',')", "it is a method: write x.split(…)"),
        ("now()", "`now` is a name: write it without ()"),
    ],
)
def test_an_unknown_function_is_refused_when_compiled_with_the_one_meant(source: str, hint: str | None) -> None:
    refused = refusal_of(source)
    assert refused.message.startswith("there is no ")
    assert refused.hint == hint


def test_a_wrong_number_of_arguments_is_refused_when_compiled() -> None:
    refused = refusal_of("'a'.substring()")
    assert refused.message == "substring() cannot be called with 0 arguments"
    assert refused.hint == "it is called substring(int) or substring(int, int)"
