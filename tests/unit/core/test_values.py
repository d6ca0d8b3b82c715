"""The border of JSON: what may be stored, what is refused and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from durable_runtime.core.values import MAX_DEPTH, NotStorable, encode


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (1e16, "1e16"),
        (0.1, "0.1"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        ("", '""'),
        ('"\\\n\x7f', '"\\"\\\\\\n\x7f"'),
        ("\u2028 é 😀", '"\u2028 é 😀"'),
        ({"z": 1, "a": {"": []}}, '{"z":1,"a":{"":[]}}'),
        ((1, (2,)), "[1,[2]]"),
        ({"text": "\\u0000"}, '{"text":"\\\\u0000"}'),
        ("1234567890123456789012", '"1234567890123456789012"'),
    ],
)
def test_what_json_holds_is_stored_as_it_is(value: Any, text: str) -> None:
    encoded, stored = encode(value)
    assert encoded == text.encode()
    # repr tells 1 from 1.0 and True, and 0.0 from -0.0.
    assert repr(stored) == repr(json.loads(text))


class Named(str):
    pass


def test_a_kind_of_text_becomes_a_text() -> None:
    assert type(encode(Named("x"))[1]) is str


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "the value is nan, which JSON cannot hold"),
        ({"a": [1.0, float("-inf")]}, "the value['a'][1] is -inf, which JSON cannot hold"),
        ("a\x00b", "the value holds a NUL character, which PostgreSQL cannot store"),
        ({"a\x00": 1}, "a key of the value holds a NUL character, which PostgreSQL cannot store"),
        (["\ud800"], "the value[0] holds a lone surrogate, which UTF-8 cannot hold"),
        ({"k": {"\udfff": 1}}, "a key of the value['k'] holds a lone surrogate, which UTF-8 cannot hold"),
        ({1: "a"}, "the value has the key 1; keys must be text"),
        ({"a": {True: 1}}, "the value['a'] has the key True; keys must be text"),
        ({None: 1}, "the value has the key None; keys must be text"),
        (2**63, "the value is an integer beyond 64 bits; store it as text"),
        ([-(2**63) - 1], "the value[0] is an integer beyond 64 bits; store it as text"),
        (10**400, "the value is an integer beyond 64 bits; store it as text"),
        (b"x", "the value is of type bytes, which is not JSON; convert it to text, numbers, lists and mappings"),
        (
            {"a": {1, 2}},
            "the value['a'] is of type set, which is not JSON; convert it to text, numbers, lists and mappings",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(value: Any, reason: str) -> None:
    with pytest.raises(NotStorable) as refused:
        encode(value)
    assert str(refused.value) == reason


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotStorable, match=f"the value nests deeper than {MAX_DEPTH} levels, or holds itself"):
        encode(endless)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_value_nested_too_deeply_is_refused() -> None:
    assert encode(nested(MAX_DEPTH))[1] == nested(MAX_DEPTH)
    with pytest.raises(NotStorable, match="nests deeper than"):
        encode(nested(5_000))


def test_a_value_that_is_too_large_is_refused_with_its_size() -> None:
    assert encode("x" * 98, max_bytes=100)[0] == b'"' + b"x" * 98 + b'"'
    with pytest.raises(NotStorable, match="the value takes 102 bytes as JSON; at most 100 are allowed"):
        encode("é" * 50, max_bytes=100)


def test_what_is_stored_is_a_copy() -> None:
    value = {"list": [1]}
    _encoded, stored = encode(value)
    value["list"].append(2)
    assert stored == {"list": [1]}
