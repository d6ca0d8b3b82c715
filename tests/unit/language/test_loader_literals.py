from __future__ import annotations

from typing import Any

import pytest
import yaml

from durable_dsl.yaml_text import read_yaml

LITERALS: list[tuple[str, Any]] = [
    ("true", True),
    ("false", False),
    ("null", None),
    ("0", 0),
    ("-1", -1),
    ("42", 42),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("1.5", 1.5),
    ("-0.25", -0.25),
    ("1e3", 1000.0),
    ("2.5E-1", 0.25),
    # Everything that other readers of YAML take for something else stays text.
    ("no", "no"),
    ("on", "on"),
    ("yes", "yes"),
    ("True", "True"),
    ("FALSE", "FALSE"),
    ("Null", "Null"),
    ("~", "~"),
    ("12:30", "12:30"),
    ("010", "010"),
    ("0x1F", "0x1F"),
    ("0o17", "0o17"),
    ("1_000", "1_000"),
    ("+1", "+1"),
    (".5", ".5"),
    ("1.", "1."),
    (".inf", ".inf"),
    (".nan", ".nan"),
    ("2031-01-01", "2031-01-01"),
    ("2031-01-01T09:00:00Z", "2031-01-01T09:00:00Z"),
    ("٣", "٣"),
    ('"true"', "true"),
    ("'42'", "42"),
    ('""', ""),
    ('"\\u00e9"', "é"),
    ("hello world", "hello world"),
    ("a  # comment", "a"),
    ("[]", []),
    ("{}", {}),
    ("[1, a, {b: c}]", [1, "a", {"b": "c"}]),
    ("|\n  one\n  two", "one\ntwo"),
    (">-\n  one\n  two\n\n  three", "one two\nthree"),
]


@pytest.mark.parametrize("parser", [None, yaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize(("written", "value"), LITERALS)
def test_a_value_means_what_json_would_make_of_it_and_is_text_otherwise(written: str, value: Any, parser: Any) -> None:
    [document] = read_yaml(f"key: {written}", parser=parser)
    assert document.problems == []
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)


def test_minus_zero_keeps_the_type_it_is_written_with() -> None:
    [document] = read_yaml("[-0, -0.0]")
    assert str(document.value) == "[0, -0.0]"


def test_keys_are_always_text() -> None:
    [document] = read_yaml("{true: 1, 2: 2, null: 3, 2031-01-01: 4, '': 5, no: 6}")
    assert document.value == {"true": 1, "2": 2, "null": 3, "2031-01-01": 4, "": 5, "no": 6}
    assert document.problems == []


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"),
    [
        ("key:", "W003", 1, 1, "'key' has no value"),
        ("list:\n  -\n  - a", "W003", 2, 4, "this list item is empty"),
        ("{key: , other: 1}", "W003", 1, 2, "'key' has no value"),
        ("a: 1\nb: 2\na: 3", "W002", 3, 1, "the key 'a' is there twice"),
        ("a: &x 1", "W007", 1, 4, "the anchor '&x' is not part of the language"),
        ("a: &x [1]", "W007", 1, 4, "the anchor '&x' is not part of the language"),
        ("<<: {a: 1}", "W007", 1, 1, "the merge key '<<' is not part of the language"),
        ("a: !!int 5", "W008", 1, 4, "the tag '!!int' is not part of the language"),
        ("a: !!python/object:os.system x", "W008", 1, 4, "the tag '!!python/object:os.system' is not part of"),
        ("a: !!map {}", "W008", 1, 4, "the tag '!!map' is not part of the language"),
        ("!!str a: 1", "W008", 1, 1, "the tag '!!str' is not part of the language"),
        ("? [a]\n: 1", "W009", 1, 3, "a key must be text, not a list or a mapping"),
        ("a: {{ b }}", "W009", 1, 5, "a key must be text, not a list or a mapping"),
        ("a:\n  ?\n  : 1", "W009", 2, 4, "a key is missing before ':'"),
        ("a: 9223372036854775808", "W012", 1, 4, "the whole number does not fit into 64 bits"),
        ("a: " + "9" * 5000, "W012", 1, 4, "the whole number does not fit into 64 bits"),
        ("a: 1e999", "W012", 1, 4, "the number is too large"),
        ("a: \x07", "W011", 1, 4, "the character U+0007 cannot stand in YAML"),
        ("a: b\nc: \ud800", "W011", 2, 4, "the character U+D800 cannot stand in YAML"),
    ],
)
def test_what_the_language_has_not_is_refused_at_its_place(
    text: str, code: str, line: int, column: int, message: str
) -> None:
    [document] = read_yaml(text, "file.yaml")
    [problem] = document.problems
    assert (problem.code, problem.file, problem.line, problem.column) == (code, "file.yaml", line, column)
    assert problem.message.startswith(message)


def test_an_alias_is_refused_and_stands_for_nothing() -> None:
    [document] = read_yaml("a: &x 1\nb: *x")
    assert [(problem.code, problem.line) for problem in document.problems] == [("W007", 1), ("W007", 2)]
    assert document.value["a"] == 1
    assert repr(document.value["b"]) == "BROKEN"


def test_nested_aliases_build_nothing_large() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    [document] = read_yaml("\n".join(lines))
    assert {problem.code for problem in document.problems} == {"W007"}
    assert len(document.places) < 1000


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_too_deep_a_nesting_is_refused_before_it_is_built(opening: str) -> None:
    [document] = read_yaml(opening * 100_000)
    [problem] = document.problems
    assert (problem.code, problem.message) == ("W010", "the document is nested deeper than 100 levels")
    assert (problem.line, problem.column) == (1, 100 * len(opening) + 1)


def test_a_nesting_of_a_hundred_levels_is_read() -> None:
    [document] = read_yaml("[" * 100 + "]" * 100)
    assert document.problems == []


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durable_dsl.yaml_text.MAX_VALUES", 10)
    [document] = read_yaml("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]")
    [problem] = document.problems
    assert (problem.code, problem.message) == ("W010", "the document has more than 10 keys and values")


def test_too_long_a_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durable_dsl.yaml_text.MAX_CHARACTERS", 10)
    [document] = read_yaml("workflow: long")
    [problem] = document.problems
    assert (problem.code, problem.message) == ("W010", "the text has 14 characters; at most 10 are read")


def test_of_a_key_that_is_there_twice_the_first_value_and_its_place_count() -> None:
    [document] = read_yaml("a: {b: 1}\na: {b: 2}\nc: 3")
    assert document.value == {"a": {"b": 1}, "c": 3}
    assert document.places["a", "b"].line == 1
    assert [problem.code for problem in document.problems] == ["W002"]
