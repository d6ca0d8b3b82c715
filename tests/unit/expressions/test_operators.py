from __future__ import annotations

from typing import Any

import pytest

from tests.unit.expressions.evaluating import failure_of, refusal_of, value_of


def test_arithmetic_binds_tighter_than_comparison_and_comparison_tighter_than_logic() -> None:
    assert value_of("1 + 2 * 3 == 7 && !false || false") is True
    assert value_of("2 - 3 - 4") == -5
    assert value_of("(2 - (3 - 4))") == 3
    assert value_of("true || true && false") is True
    assert value_of("1 < 2 == true") is True
    assert value_of("true ? 1 : false ? 2 : 3") == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("7.0 / 2", 3.5),
        ("7 / 2.0", 3.5),
        ("1 + 0.5", 1.5),
        ("0.5 - 1", -0.5),
        ("3 * 0.5", 1.5),
        ("--3", 3),
        ("-(-3)", 3),
        ("!!true", True),
        ("-9223372036854775808", -(2**63)),
        ("0x10 + 0XfF", 271),
        ("5u - 2u", 3),
    ],
)
def test_numbers(source: str, expected: Any) -> None:
    given = value_of(source)
    assert given == expected
    assert type(given) is type(expected)


@pytest.mark.parametrize(
    "source",
    [
        "9223372036854775807 + 1",
        "-9223372036854775807 - 2",
        "9223372036854775807 * 2",
        "-9223372036854775808 / -1",
        "-(-9223372036854775808 + 0)",
        "2u - 3u",
        "18446744073709551615u + 1u",
    ],
)
def test_an_int_that_leaves_64_bits_is_an_error_and_never_wraps(source: str) -> None:
    assert "does not fit in a 64-bit" in failure_of(source).message


def test_a_literal_beyond_64_bits_is_refused_when_compiled() -> None:
    assert "does not fit in 64 bits" in refusal_of("9223372036854775808").message
    assert "does not fit in 64 bits" in refusal_of("data.x < 9223372036854775808").message
    assert "does not fit in 64 unsigned bits" in refusal_of("18446744073709551616u").message
    assert "does not fit in 64 bits" in refusal_of("9" * 5000).message


def test_division_by_zero() -> None:
    assert failure_of("1 / 0").message == "division by zero"
    assert failure_of("1 % 0").message == "remainder of a division by zero"
    assert "Infinity, a double that JSON cannot hold" in failure_of("1.0 / 0.0").message
    assert value_of("1.0 / 0.0 > 1.0e300") is True


def test_a_bool_is_no_number() -> None:
    assert value_of("true == 1") is False
    assert value_of("x == 1", {"x": True}) is False
    assert value_of("x == true", {"x": 1}) is False
    assert value_of("1 in [true]") is False
    assert value_of("{1: 'a', true: 'b'}[true]") == "b"
    assert value_of("[1, true, 1.0].distinct()") == [1, True]
    assert "cannot add bool and int" in failure_of("true + 1").message
    assert "cannot compare bool < int" in failure_of("true < 1").message
    assert value_of("false < true") is True


def test_numbers_compare_by_value_across_types_and_exactly() -> None:
    assert value_of("1 == 1.0 && 1u == 1 && [1, {'a': 2}] == [1.0, {'a': 2u}]") is True
    assert value_of("1 < 1.5 && 1.5 < 2u && 3 >= 2.5") is True
    assert value_of("9007199254740993 == 9007199254740992.0") is False
    assert value_of("2 in [1.0, 2.0]") is True
    assert value_of("{1: 'a'}[1.0]") == "a"


def test_values_of_different_types_are_unequal_and_cannot_be_ordered() -> None:
    assert value_of("'1' == 1 || null == false || [] == {} || '' == null") is False
    assert value_of("x == 'a'", {"x": ["a"]}) is False
    assert value_of("null != 0") is True
    assert "cannot compare string < int; read the number in the text" in failure_of("'1' < 2").message
    assert "cannot compare list < list" in failure_of("[1] < [2]").message
    assert "cannot compare null >= null" in failure_of("null >= null").message


def test_nan_equals_nothing_not_even_in_a_list() -> None:
    assert value_of("[double('NaN')] == [double('NaN')]") is False
    assert value_of("cel.bind(n, double('NaN'), n == n)") is False
    assert value_of("cel.bind(n, [double('NaN')], n == n)") is False


@pytest.mark.parametrize("failing", ["x.missing", "1 / 0 == 1", "'text'", "[1][5]"])
def test_and_or_forget_an_error_that_cannot_change_the_answer(failing: str) -> None:
    env: dict[str, dict[str, int]] = {"x": {}}
    assert value_of(f"{failing} || true", env) is True
    assert value_of(f"true || {failing}", env) is True
    assert value_of(f"{failing} && false", env) is False
    assert value_of(f"false && {failing}", env) is False
    assert value_of(f"false || {failing} || true", env) is True
    assert value_of(f"true && {failing} && false", env) is False
    for kept in (f"{failing} || false", f"false || {failing}", f"{failing} && true", f"true && {failing} && true"):
        failure_of(kept, env)


def test_operands_of_logic_must_be_bools() -> None:
    assert failure_of("1 && true").message == "&& needs bools, not int"
    assert failure_of("true && 'a'").message == "&& needs bools, not string"
    assert failure_of("!'a'").message == "! needs a bool, not string"
    assert failure_of("-'a'").message == "- needs a number, not string"
    assert failure_of("1 ? 2 : 3").message == "the condition before ? must be a bool, not int"
    assert ".orValue(false)" in failure_of("x.?flag && true", {"x": {"flag": True}}).message


def test_in_looks_into_lists_and_keys_of_maps() -> None:
    assert value_of("x in ['US', 'CA']", {"x": "US"}) is True
    assert value_of("x in ['US', 'CA']", {"x": 1}) is False
    assert value_of("x in ['US', 'CA']", {"x": ["US"]}) is False
    assert value_of("[1] in [[1.0], 2]") is True
    assert value_of("'a' in {'a': 1} && !('b' in {'a': 1}) && 1.0 in {1: 'x'}") is True
    assert "write .contains" in failure_of("'a' in 'abc'").message
    assert "may be missing" in failure_of("'a' in x", {"x": None}).message


def test_text_and_lists_are_joined_with_plus() -> None:
    assert value_of("'a' + 'b' + 'c'") == "abc"
    assert value_of("[1] + [] + ['x']") == [1, "x"]
    assert value_of("b'ab' + b'c' == b'abc'") is True
    assert "string(…)" in failure_of("'total: ' + 5").message
    assert "orValue" in failure_of("null + 5").message


def test_a_chain_of_3000_terms_is_no_deeper_than_one_of_two() -> None:
    assert value_of(" + ".join(["x.a"] * 3000), {"x": {"a": 2}}) == 6000
    assert value_of(" && ".join(["true"] * 3000)) is True
    assert value_of(" || ".join(["x.a"] * 2999 + ["true"]), {"x": {}}) is True
    assert value_of("x == 0 ? 'a' : " * 3000 + "'b'", {"x": 1}) == "b"
    assert value_of("+".join(["'ab'"] * 3000)) == "ab" * 3000
