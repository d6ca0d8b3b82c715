"""The same expressions in another implementation of CEL, where that is installed."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from durable_dsl.expressions import ExpressionError, compile_expression
from tests.unit.expressions.evaluating import NOW

celpy = pytest.importorskip("celpy", reason="cel-python, which these tests compare with, is not installed")

numbers = st.integers(-20, 20).map(str)
ENV = {"data": {"n": 7, "t": "abc", "l": [3, 1, 2], "m": {"k": 5}}}
leaves = numbers | st.sampled_from(["data.n", "data.l[0]", "data.m.k", "size(data.l)", "size(data.t)"])


def arithmetic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner) | st.builds("(-{})".format, inner)


ints = st.recursive(leaves, arithmetic, max_leaves=6)
comparisons = st.builds("({} {} {})".format, ints, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), ints)
conditions = st.sampled_from(
    [
        "data.t == 'abc'",
        "'b' in ['a', 'b']",
        "data.n in data.l",
        "has(data.n)",
        "has(data.x)",
        "data.t.startsWith('a')",
        "data.t.contains('z')",
        "data.l.exists(i, i > 2)",
        "data.l.all(i, i > data.n)",
        "1 / 0 == 1",
        "data.missing == 1",
    ]
)


def logic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("(!{})".format, inner)
        | st.builds("({} ? {} : {})".format, inner, inner, inner)
    )


bools = st.recursive(comparisons | conditions, logic, max_leaves=6)
lists = st.builds("data.l.map(i, i + {})".format, ints) | st.builds("data.l.filter(i, i > {})".format, ints)


def theirs(source: str) -> Any:
    limit = sys.getrecursionlimit()
    try:
        environment = celpy.Environment()
        program = environment.program(environment.compile(source))
        value = program.evaluate({name: celpy.json_to_cel(item) for name, item in ENV.items()})
    except celpy.CELEvalError:
        return "error"
    finally:
        # It raises the limit for the whole process, under which other tests would no longer mean what they say.
        sys.setrecursionlimit(limit)
    return json.loads(json.dumps(value, cls=celpy.CELJSONEncoder))


def ours(source: str) -> Any:
    try:
        return compile_expression(source).evaluate(ENV, now=NOW)
    except ExpressionError:
        return "error"


@given(source=ints | bools | lists)
@settings(max_examples=150, deadline=None)
def test_both_give_the_same_value_or_both_an_error(source: str) -> None:
    other = theirs(source)
    assume(not (isinstance(other, float) and math.isnan(other)))
    assert ours(source) == other
