from __future__ import annotations

import threading
from typing import Any

import pytest

from durable_dsl.expressions import ExpressionError, compile_expression, compile_template
from tests.unit.expressions.evaluating import NOW, failure_of, value_of

HUGE: dict[str, Any] = {
    "numbers": list(range(1000)),
    "text": "x" * 100_000,
    "big": "a" * 5_000_000,
    "lists": [[number] for number in range(1000)],
    "table": {f"k{number}": number for number in range(1000)},
}


def doubling(last: str, first: str, double: str) -> str:
    """Bind a0 to `first`, every further one to `double` of the one before, and evaluate `last` with a44 at hand."""
    binds = "".join(f"cel.bind(a{n}, {double.replace('?', f'a{n - 1}')}, " for n in range(1, 45))
    return f"cel.bind(a0, {first}, {binds}{last}{')' * 45}"


@pytest.mark.parametrize(
    "source",
    [
        "numbers.all(a, numbers.all(b, numbers.all(c, a + b + c >= 0)))",
        "lists.range(1000000000)",
        "lists.range(1000000).map(i, lists.range(1000000))",
        doubling("a44", "[1, 2]", "[?, ?]"),
        doubling("a44 == [a43, a43]", "[1, 2]", "[?, ?]"),
        doubling("a44 in [[a43, a43, 1], [a43, [a42, a42]]]", "[1, 2]", "[?, ?]"),
        doubling("to_json(a44)", "[1, 2]", "[?, ?]"),
        doubling("'%s'.format([a44])", "[1, 2]", "[?, ?]"),
        doubling("[a44].distinct()", "[1, 2]", "[?, ?]"),
        doubling("a44.flatten(100)", "[1, 2]", "[?, ?]"),
        doubling("a44", "{'k': 1}", "{'a': ?, 'b': ?}"),
        doubling("a44.size()", "text", "? + ?"),
        doubling("a44.size()", "numbers", "? + ?"),
        doubling("a44.size()", "text", "?.replace('x', 'xx')"),
        doubling("a44.size()", "text", "[?, ?].join()"),
        doubling("a44.size()", "text", "'%s%s'.format([?, ?])"),
        "text.replace('', text)",
        "numbers.map(i, text).join(text)",
        "numbers.map(i, text.split(''))",
        "numbers.map(i, text)",
        "numbers.map(i, table)",
        "numbers.map(i, strings.quote(big))",
        "numbers.map(i, base64.encode(big))",
        "numbers.map(i, parse_json('[' + text.replace('x', '[],') + '1]'))",
        "numbers.all(i, numbers.all(j, big.startsWith(big) && big.endsWith(big)))",
        "cel.bind(other, big + '', numbers.all(i, numbers.all(j, big == other)))",
        "cel.bind(other, big + '', numbers.all(i, numbers.all(j, big <= other)))",
        "numbers.map(i, big.contains('aaab') || big.indexOf('b') > 0 || big.lastIndexOf('b') > 0)",
        "numbers.all(i, big.matches('(a?){500}b$') || true)",
        "numbers.all(i, numbers.all(j, !('zz' in numbers) && !([1, 2] in lists)))",
        "numbers.map(i, numbers.map(j, numbers.sort()))",
        "numbers.map(i, numbers.map(j, table == table))",
    ],
)
def test_an_expression_that_would_take_too_long_or_too_much_room_ends_with_a_clean_error(source: str) -> None:
    failure = failure_of(source, HUGE, budget=500_000)
    assert failure.message == (
        "the expression takes more steps, or builds larger values, than its budget allows; "
        "filter earlier, or do this work in a step"
    )


def test_a_used_up_budget_is_absorbed_by_nothing() -> None:
    for source in (
        "numbers.all(i, numbers.all(j, i + j >= 0)) || true",
        "true && numbers.all(i, numbers.all(j, i + j >= 0)) && false",
        "[1].exists(x, numbers.all(i, numbers.all(j, i + j >= 0))) || true",
        "[1, 2].all(x, x == 2 ? false : numbers.all(i, numbers.all(j, i + j >= 0)))",
    ):
        assert "budget" in failure_of(source, HUGE, budget=10_000).message


def test_the_budget_is_a_number_of_steps_that_the_caller_may_choose() -> None:
    assert value_of("1 + 1", budget=10) == 2
    assert "budget" in failure_of("1 + 1", budget=2).message
    assert "budget" in failure_of("numbers.map(i, i)", HUGE, budget=1_000).message
    assert value_of("numbers.map(i, i)", HUGE, budget=10_000) == HUGE["numbers"]


def test_reading_costs_nothing_however_much_is_read() -> None:
    assert value_of("big", HUGE, budget=10) is HUGE["big"]
    assert value_of("lists", HUGE, budget=10) is HUGE["lists"]
    assert value_of("table.k7 + numbers[5]", HUGE, budget=10) == 12
    assert len(value_of("lists.filter(l, l[0] > 499)", HUGE, budget=20_000)) == 500


def test_a_text_of_a_template_has_a_budget_too() -> None:
    template = compile_template("${ big }" * 20)
    with pytest.raises(ExpressionError, match="longer than its budget allows"):
        template.render(HUGE, now=NOW)


def test_values_that_nest_too_deeply_are_a_clean_error() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for source in ("[x] == [y]", "to_json(x)", "[x].distinct()", "[x].map(i, i)"):
        expression = compile_expression(source)
        with pytest.raises(ExpressionError):
            expression.evaluate({"x": deep, "y": [deep[0]]}, now=NOW)
    assert "nest too deeply" in failure_of("parse_json(x)", {"x": "[" * 100_000}).message
    with pytest.raises(ExpressionError, match="cannot be written as JSON"):
        compile_template("is ${ x }").render({"x": deep}, now=NOW)


def test_numbers_and_names_of_any_length_are_a_clean_error() -> None:
    env: dict[str, Any] = {"n": 10**5000, "s": "k" * 1_000_000, "m": {"k" * 999_999: 1}}
    for source in ("string(n)", "to_json(n)", "[1][n]", "'a'.charAt(n)", "n + 1", "double(n)", "n + 0.5", "m[s]",
                   "next_weekday(s)", "timestamp(s)", "duration(s)", "int(s)", "double(s)", "bool(s)",
                   "now.getHours(s)",
                   "next_business_day(n)", "[1].slice(n, n)", "'%d'.format([n])", "math.abs(n)", "timestamp(n)",
                   "''.matches(s)", "parse_json(s)", "m.map(k, m[k + 'x'])"):  # fmt: skip
        assert len(str(failure_of(source, env))) < 400, source


def test_one_expression_may_be_evaluated_by_many_threads_at_once() -> None:
    expression = compile_expression("items.map(i, items.filter(j, j < i).map(j, j + offset).size() + offset).sum()")
    wrong: list[Any] = []

    def evaluate(offset: int) -> None:
        for _ in range(20):
            given = expression.evaluate({"items": list(range(30)), "offset": offset}, now=NOW)
            if given != 435 + 30 * offset:
                wrong.append(given)

    threads = [threading.Thread(target=evaluate, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
