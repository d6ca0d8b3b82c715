"""Whatever stands in a document or in the data: a value, or one of the two errors, and never anything else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_dsl.expressions import ExpressionError, ExpressionSyntaxError, compile_expression, compile_template
from durable_dsl.expressions.functions import FUNCTIONS, METHODS
from durable_dsl.expressions.scope import MACRO_NAMES
from tests.unit.expressions.evaluating import NOW

NAMES = ("data", "a", "x")
TOKENS = [
    *"()[]{}?:,.!-+*/%<>=&|'\"\\`$ \n",
    *("&&", "||", "==", "in", "true", "null", "data", "x", "1", "2.5", "1u", "b'x'", "'s'", "r'\\'", '"""', ".?", "[?"),
    *("has(", "map(", "filter(x, ", "cel.bind(x, ", "now", "duration('1h')", "${", "$${", "//", "0x", "1e999", "}}"),
    *(f".{name}(" for name in METHODS),
    *(f"{name}(" for name in FUNCTIONS),
]
LEAVES = [
    *("1", "-1", "2.5", "1u", "0", "'a'", "''", "b'x'", "true", "null", "[]", "{}", "data", "data.a", "data.?a", "now"),
    *(
        "duration('1h')",
        "timestamp(0)",
        "optional.none()",
        "optional.of(1)",
        "x",
        "int",
        "9223372036854775807",
        "1e300",
    ),
    *(
        "{1: 2, true: 3}",
        "[1, 'a', null, [1]]",
        "'Europe/Berlin'",
        "'monday'",
        "{'a': {'b': 1}}",
        "'%s %d'",
        "[3, 1, 2]",
    ),
]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["a", "2024-01-01T00:00:00Z", "1h", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner),
    max_leaves=12,
)
environments = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=3).map(", ".join)
    operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in", "&&", "||"])
    bodies = st.lists(inner, min_size=1, max_size=2).map(", ".join)
    macros = st.sampled_from(sorted(MACRO_NAMES))
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}.{}({})".format, inner, st.sampled_from([*METHODS, "or", "orValue"]), several),
        st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), several),
        st.builds("{}.{}(x, {})".format, inner, macros, bodies),
        st.builds("{}.{}(i, x, {})".format, inner, macros, bodies),
        st.builds("cel.bind(x, {}, {})".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[?{}]".format, inner, inner),
        st.builds("has({}.a)".format, inner),
        st.builds("{}.a".format, inner),
        st.builds("{}.?a".format, inner),
        st.builds("!{}".format, inner),
        st.builds("-{}".format, inner),
        st.builds("[{}]".format, several),
        st.builds("{{{}: {}, ?{}: {}}}".format, inner, inner, inner, inner),
    )


expressions = st.recursive(st.sampled_from(LEAVES), larger, max_leaves=8)
sources = st.text(max_size=30) | st.lists(st.sampled_from(TOKENS), max_size=14).map("".join) | expressions


def value_or_error(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (ExpressionSyntaxError, ExpressionError) as problem:
        return problem


def render(text: str, env: dict[str, Any]) -> Any:
    return compile_template({"k": [text]}).render(env, now=NOW, budget=20_000)


def is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def gives_plain_json_or_an_error(source: str, env: dict[str, Any]) -> None:
    before = repr(env)
    outcome = value_or_error(lambda: compile_expression(source).evaluate(env, now=NOW, budget=20_000))
    if isinstance(outcome, ExpressionSyntaxError | ExpressionError):
        assert 0 <= outcome.offset <= len(source)
        assert outcome.message
        assert len(str(outcome)) < 1000
    else:
        assert is_plain(outcome)
    assert repr(env) == before


@given(source=sources, env=environments)
@settings(max_examples=500, deadline=None)
def test_an_expression_gives_plain_json_or_an_error_and_leaves_the_environment_alone(
    source: str, env: dict[str, Any]
) -> None:
    gives_plain_json_or_an_error(source, env)


@pytest.mark.long
@given(source=sources, env=environments)
@settings(max_examples=15_000, deadline=None)
@pytest.mark.timeout(900)
def test_many_expressions_give_plain_json_or_an_error_and_leave_the_environment_alone(
    source: str, env: dict[str, Any]
) -> None:
    gives_plain_json_or_an_error(source, env)


@given(source=sources, env=environments)
@settings(max_examples=500, deadline=None)
def test_a_template_renders_or_gives_an_error(source: str, env: dict[str, Any]) -> None:
    for text in (source, f"a ${{ {source} }} b", f"${{{source}}}"):
        outcome = value_or_error(partial(render, text, env))
        if isinstance(outcome, ExpressionSyntaxError | ExpressionError):
            assert outcome.path == ("k", 0)


@given(source=expressions)
@settings(max_examples=500, deadline=None)
def test_what_an_expression_reads_is_known_before_it_runs(source: str) -> None:
    try:
        expression = compile_expression(source, NAMES)
    except ExpressionSyntaxError:
        return
    read: set[str] = set()

    class Recorder(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            read.add(name)
            return {"a": [1, "x", {"a": True}]}

    value_or_error(lambda: expression.evaluate(Recorder(), now=NOW, budget=20_000))
    assert read <= expression.names
    assert {path[0] for path in expression.paths | expression.guarded_paths} == expression.names
