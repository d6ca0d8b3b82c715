"""Functions in place of expressions: asked by an attempt, their answer stored, and asked once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from durable_runtime.actions import StepContext
from tests.unit.core.simulating import failure, kinds, output, run


def counting(answer: Callable[..., Any]) -> tuple[list[dict[str, Any]], Callable[[dict[str, Any]], Any]]:
    """Gives a function and the list of what it is given."""
    seen: list[dict[str, Any]] = []

    def asked(data: dict[str, Any]) -> Any:
        seen.append(data)
        return answer(data)

    return seen, asked


def _opened(_data: Any) -> bool:
    return True


def _closed(_data: Any) -> bool:
    return False


def named(mocks: dict[str, Any]) -> Any:
    """Names mocks by the import paths of functions, which are no names of Python's arguments."""
    return mocks


WHEN = """
- step: before
  set: {n: 1}
- step: s
  when: {call: shop.is_open}
  set: {ran: true}
"""


def test_when_is_given_the_data_and_decides() -> None:
    for is_open, expected in ((True, {"n": 1, "ran": True}), (False, {"n": 1})):
        seen, asked = counting(_opened if is_open else _closed)
        assert output(WHEN, **named({"shop.is_open": asked})) == expected
        assert seen == [{"n": 1}]


def test_an_answer_is_a_checkpoint_of_its_node_before_what_it_leads_to() -> None:
    result = run(WHEN, **named({"shop.is_open": True}))
    assert kinds(result, "s") == ["answered", "completed"]
    [answered] = [each for each in result.checkpoints if each.kind == "answered"]
    assert answered.result == {"of": "when", "answer": True}
    assert answered.started_at is not None


def test_the_rows_of_a_decision_are_asked_in_order_until_one_holds() -> None:
    steps = """
    - decision: d
      choose:
        - {when: "data.n > 100", goto: end}
        - {when: {call: shop.is_late}, goto: end}
        - {when: {call: shop.is_big}, goto: t}
        - {when: {call: shop.is_new}, goto: end}
    - step: s
      set: {s: true}
    - step: t
      set: {t: true}
    """
    never, asked = counting(lambda _data: True)
    mocks: dict[str, Any] = {"shop.is_late": False, "shop.is_big": True, "shop.is_new": asked}
    assert output(steps, {"n": 1}, **named(mocks)) == {"n": 1, "t": True}
    assert never == []


def test_nothing_chosen_carries_on() -> None:
    steps = """
    - {decision: d, choose: [{when: {call: shop.is_late}, goto: end}]}
    - {step: s, set: {s: true}}
    """
    assert output(steps, **named({"shop.is_late": False})) == {"s": True}


def test_the_cases_of_a_branch_are_asked_in_order() -> None:
    steps = """
    - branch: b
      cases:
        - {when: {call: shop.is_late}, steps: [{step: late, set: {was: late}}]}
        - {when: {call: shop.is_big}, steps: [{step: big, set: {was: big}}]}
      default: [{step: other, set: {was: other}}]
    """
    assert output(steps, **named({"shop.is_late": True, "shop.is_big": True})) == {"was": "late"}
    assert output(steps, **named({"shop.is_late": False, "shop.is_big": True})) == {"was": "big"}
    assert output(steps, **named({"shop.is_late": False, "shop.is_big": False})) == {"was": "other"}


MATCH = """
- branch: b
  match: {call: shop.kind}
  cases: {"1": [{step: one, set: {was: one}}], two: [{step: two, set: {was: two}}]}
"""


def test_the_answer_to_match_is_any_value_compared_as_text() -> None:
    assert output(MATCH, **named({"shop.kind": 1})) == {"was": "one"}
    assert output(MATCH, **named({"shop.kind": "two"})) == {"was": "two"}
    result = run(MATCH, **named({"shop.kind": {"a": 3}}))
    assert result.error is not None
    assert (result.error.type, result.error.data) == ("BranchNotMatched", {"value": {"a": 3}})
    assert "'shop.kind()' gave '{\"a\":3}', which matches no case of b" in result.error.message


IN = """
- foreach: f
  in: {call: shop.open_orders}
  concurrency: 2
  save: r
  steps: [{step: s, call: x.y, with: {order: "${ item }", place: "${ index }"}}]
"""


def test_a_function_gives_the_items_of_a_foreach_once() -> None:
    seen, asked = counting(lambda _data: ["a", "b", "c"])
    mocks: dict[str, Any] = {"shop.open_orders": asked, "f/s": lambda order, place: f"{order}{place}"}
    assert output(IN, **named(mocks)) == {"r": ["a0", "b1", "c2"]}
    assert len(seen) == 1


def test_items_that_are_no_list_fail() -> None:
    assert failure(IN, f__s=1, **named({"shop.open_orders": "abc"})) == ("NotAList", "f")


def test_while_and_until_are_asked_for_each_turn() -> None:
    steps = "- {{loop: l, {word}: {{call: shop.go_on}}, steps: [{{step: s, set: {{n: '${{ data.n + 1 }}'}}}}]}}"
    seen, asked = counting(lambda data: data["n"] < 3)
    assert output(steps.format(word="while"), {"n": 0}, **named({"shop.go_on": asked})) == {"n": 3}
    assert seen == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    seen, asked = counting(lambda data: data["n"] >= 3)
    assert output(steps.format(word="until"), {"n": 0}, **named({"shop.go_on": asked})) == {"n": 3}
    assert seen == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize(("word", "answers"), [("until", [False, False, True]), ("while", [True, True, True, False])])
def test_a_loop_that_sleeps_asks_after_its_sleep_or_before_it(word: str, answers: list[bool]) -> None:
    steps = f"- {{loop: l, {word}: {{call: shop.go_on}}, every: 1h, steps: [{{step: s, call: x.y, with: {{}}}}]}}"
    given = iter(answers)
    result = run(steps, l__s=1, **named({"shop.go_on": lambda _data: next(given)}))
    assert result.status == "completed"
    assert [call.node for call in result.calls if call.slot is None] == ["l#1/s", "l#2/s", "l#3/s"]
    # An `until` that holds ends the loop at once, a `while` is tested when the sleep after a turn is over.
    assert result.slept == timedelta(hours=2 if word == "until" else 3)


def test_each_turn_of_a_loop_asks_its_own_conditions_again() -> None:
    answers = itertools.cycle([True, False])
    steps = """
    - loop: l
      until: iteration == 4
      steps: [{step: s, when: {call: shop.is_open}, set: {n: "${ data.n + 1 }"}}]
    """
    assert output(steps, {"n": 0}, **named({"shop.is_open": lambda _data: next(answers)})) == {"n": 2}


def test_a_function_that_answers_no_bool_fails_its_node() -> None:
    result = run(WHEN, **named({"shop.is_open": "yes"}))
    assert result.error is not None
    assert (result.error.type, result.error.node) == ("ConditionNotBool", "s")
    assert result.error.message == "shop.is_open answered a text; a condition is true or false"


def test_what_a_function_raises_is_caught_at_its_node() -> None:
    steps = """
    - step: s
      when: {call: shop.is_open}
      set: {ran: true}
      catch: [{errors: [ValueError], steps: [{step: t, set: {was: "${ error.message }"}}]}]
    """
    assert output(steps, **named({"shop.is_open": ValueError("closed for ever")})) == {"was": "closed for ever"}


def test_an_answer_that_cannot_be_stored_fails_its_node() -> None:
    assert failure(MATCH, **named({"shop.kind": object()})) == ("ResultNotStorable", "b")


def test_a_condition_has_no_context() -> None:
    def asked(_data: Any, ctx: StepContext) -> bool:
        return bool(ctx.node)

    assert failure(WHEN, **named({"shop.is_open": asked})) == ("ConditionTakesContext", "s")


def test_a_timeout_around_it_cuts_a_question_off() -> None:
    import asyncio

    async def never(_data: Any) -> bool:
        await asyncio.sleep(3600)
        return True

    steps = """
    - group: g
      timeout: 1m
      steps: [{step: s, when: {call: shop.is_open}, set: {ran: true}}]
    """
    result = run(steps, **named({"shop.is_open": never}))
    assert result.error is not None
    assert (result.error.type, result.error.node) == ("Timeout", "g")
    loop = "- {loop: l, timeout: 1m, until: {call: shop.is_open}, steps: [{step: s, set: {a: 1}}]}"
    assert failure(loop, **named({"shop.is_open": never})) == ("Timeout", "l")


def test_branches_of_a_parallel_ask_at_once() -> None:
    steps = """
    - parallel: p
      branches:
        a: [{step: x, when: {call: shop.is_open}, set: {a: 1}}]
        b: [{group: y, when: {call: shop.is_open}, steps: [{step: z, set: {b: 1}}]}]
    """
    seen, asked = counting(lambda _data: True)
    assert output(steps, **named({"shop.is_open": asked})) == {"a": 1, "b": 1}
    assert len(seen) == 2
