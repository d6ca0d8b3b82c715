"""Waits for events, for people and for several things, alone and inside of everything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durable_runtime.errors import InvalidAnswer, InvalidOption
from durable_runtime.testing import Answer, Event
from tests.unit.core.simulating import failure, kinds, output, run

HOUR = timedelta(hours=1)


def later(name: str, payload: Any = None, hours: float = 1) -> Event:
    return Event(name, payload, after=hours * HOUR)


# -- events


def test_an_event_gives_its_payload_to_the_wait() -> None:
    result = run("- {wait: w, event: paid, save: p}", events=[later("paid", {"amount": 5})])
    assert (result.status, result.output, result.slept) == ("completed", {"p": {"amount": 5}}, HOUR)
    assert kinds(result, "w") == ["waiting", "arrived", "completed"]
    assert kinds(result, "") == ["received"]


def test_an_event_that_comes_before_its_wait_is_kept_for_it() -> None:
    result = run("- {wait: a, for: 2h}\n- {wait: w, event: paid, save: p}", events=[later("paid", 7)])
    assert (result.output, result.slept) == ({"p": 7}, 2 * HOUR)


def test_a_null_payload_is_a_payload() -> None:
    result = run("- {wait: w, event: paid, save: p, timeout: 5h}", events=[later("paid", None)])
    assert (result.output, result.slept) == ({"p": None}, HOUR)


def test_events_of_one_name_are_taken_once_each_and_the_oldest_first() -> None:
    steps = "- {wait: a, for: 3h}\n- {wait: b, event: e, save: b}\n- {wait: c, event: e, save: c}"
    assert output(steps, events=[later("e", "first", 1), later("e", "second", 2)]) == {"b": "first", "c": "second"}


def test_the_same_payload_twice_is_two_events() -> None:
    steps = "- {wait: b, event: e, save: b}\n- {wait: c, event: e, save: c}"
    assert output(steps, events=[later("e", 1), later("e", 1)]) == {"b": 1, "c": 1}


def test_an_event_of_another_name_is_not_taken() -> None:
    result = run("- {wait: w, event: paid}", events=[later("refunded")])
    assert (result.status, kinds(result, "")) == ("waiting", ["received"])


def test_where_lets_events_pass_and_the_next_wait_may_take_them() -> None:
    steps = "- {wait: w, event: e, where: event > data.least, save: w}\n- {wait: v, event: e, save: v}"
    assert output(steps, {"least": 5}, events=[later("e", 1, 1), later("e", 9, 2)]) == {"least": 5, "w": 9, "v": 1}


def test_an_event_that_where_cannot_be_evaluated_for_does_not_fit() -> None:
    steps = "- {wait: w, event: e, where: event.amount > 1, save: w}"
    assert output(steps, events=[later("e", "nonsense", 1), later("e", {"amount": 2}, 2)]) == {"w": {"amount": 2}}


def test_the_oldest_open_wait_that_fits_takes_the_event() -> None:
    steps = """
    - parallel: p
      branches:
        young: [{wait: pause, for: 1h}, {wait: y, event: e, save: y}]
        old: [{wait: o, event: e, save: o}]
        strict: [{wait: s, event: e, where: event == 3, save: s}]
    """
    events = [later("e", n, hours) for n, hours in ((1, 2), (2, 3), (3, 4))]
    assert output(steps, events=events) == {"y": 2, "o": 1, "s": 3}


def test_events_that_came_early_go_to_the_waits_in_the_order_in_which_these_open() -> None:
    steps = """
    - {wait: first, for: 5h}
    - foreach: f
      in: "[1, 2, 3]"
      concurrency: 3
      steps: [{wait: w, event: e}]
      save: got
    """
    events = [later("e", n, n) for n in (1, 2, 3)]
    assert output(steps, events=events) == {"got": [1, 2, 3]}


def test_a_timeout_fails_or_gives_its_value_or_jumps() -> None:
    assert failure("- {wait: w, event: e, timeout: 1h}") == ("Timeout", "w")
    value = "- {wait: w, event: e, timeout: 1h, on_timeout: {value: {n: '${ data.n }'}}, save: r}"
    assert output(value, {"n": 4}) == {"n": 4, "r": {"n": 4}}
    goto = """
    - {wait: w, event: e, timeout: 1h, on_timeout: {goto: late}, save: r}
    - {step: a, set: {a: 1}}
    - {step: late, set: {late: true}}
    """
    assert output(goto) == {"r": None, "late": True}
    assert output(goto, {"r": 1}) == {"r": 1, "late": True}


def test_a_jump_out_of_a_group_and_to_the_end() -> None:
    steps = """
    - group: g
      steps:
        - {wait: w, event: e, timeout: 1h, on_timeout: {goto: late}}
        - {step: a, set: {a: 1}}
    - {step: b, set: {b: 1}}
    - {step: late, set: {late: true}}
    """
    assert output(steps) == {"late": True}
    ends = """
    - foreach: f
      in: "[1, 2]"
      steps: [{wait: w, event: e, timeout: 1h, on_timeout: {goto: end}}, {step: a, set: {a: 1}}]
      save: f
    """
    assert output(ends) == {"f": [None, None]}


def test_an_event_after_the_timeout_is_left_for_others() -> None:
    steps = "- {wait: w, event: e, timeout: 1h, on_timeout: {value: none}, save: w}\n- {wait: v, event: e, save: v}"
    assert output(steps, events=[later("e", 1, 2)]) == {"w": "none", "v": 1}


def test_an_event_at_the_moment_of_the_timeout_wins() -> None:
    assert output("- {wait: w, event: e, timeout: 1h, save: w}", events=[later("e", 1, 1)]) == {"w": 1}


def test_a_wait_cannot_hold_up_the_timeout_around_it() -> None:
    steps = "- {group: g, timeout: 1h, steps: [{wait: w, event: e}], catch: [{steps: [{step: a, set: {a: 1}}]}]}"
    assert output(steps, events=[later("e", 1, 2)]) == {"a": 1}


def test_a_wait_in_every_turn_of_a_loop() -> None:
    steps = "- {loop: l, until: data.n == 3, steps: [{wait: w, event: e, save: n}]}"
    assert output(steps, events=[later("e", n, 1) for n in (1, 2, 3)]) == {"n": 3}


# -- people

APPROVAL = "- {wait: a, ask: approval, prompt: 'Pay ${ data.n }?', assignees: ['role:${ data.r }'], save: a}"


def test_an_approval_says_who_gave_it_and_why() -> None:
    given = Answer(True, by="ada", comment="fine", after=HOUR)
    result = run(APPROVAL, {"n": 4, "r": "boss"}, answers={"a": given})
    assert result.output["a"] == {"approved": True, "by": "ada", "comment": "fine"}
    assert result.slept == HOUR
    waiting = result.checkpoints[0]
    assert waiting.result == {"for": {"": {"ask": "approval", "prompt": "Pay 4?", "assignees": ["role:boss"]}}}


@pytest.mark.parametrize(
    ("ask", "value", "problem"),
    [
        ("ask: approval", "yes", 'an approval is true or false, not "yes"'),
        ("ask: choice, choices: [red, blue]", "green", 'the choices are "red", "blue", not "green"'),
        ("ask: text", 5, "the answer is a text, not 5"),
        ("ask: form, fields: {age: {type: integer}}", {"age": "x"}, 'answer.age must be a whole number; it is "x"'),
        ("ask: form, fields: {age: {type: integer}}", {}, "answer.age is required"),
        ("ask: form, fields: {age: {type: integer}}", {"age": 1, "b": 2}, "answer.b is not known"),
        ("ask: json, schema: {type: array}", {}, "answer must be a list; it is {}"),
    ],
)
def test_a_bad_answer_is_told_with_its_reason(ask: str, value: Any, problem: str) -> None:
    with pytest.raises(InvalidAnswer, match="the answer to a does not fit") as raised:
        run(f"- {{wait: a, {ask}}}", answers={"a": value})
    assert raised.value.problems == (problem,)


@pytest.mark.parametrize(
    ("ask", "value", "result"),
    [
        ("ask: approval", False, {"approved": False, "by": None, "comment": None}),
        ("ask: choice, choices: [red, blue]", "blue", "blue"),
        ("ask: text", "", ""),
        ("ask: form, fields: {age: {type: integer}, pet: {default: cat}}", {"age": 3}, {"pet": "cat", "age": 3}),
        ("ask: json", None, None),
        ("ask: json, schema: {type: array}", [1], [1]),
    ],
)
def test_a_good_answer_is_the_value_of_the_wait(ask: str, value: Any, result: Any) -> None:
    assert output(f"- {{wait: a, {ask}, save: a}}", answers={"a": value}) == {"a": result}


def test_nobody_answers() -> None:
    steps = "- {wait: a, ask: approval, timeout: 3d, on_timeout: {value: {approved: false}}, save: a}"
    assert output(steps) == {"a": {"approved": False}}
    assert run("- {wait: a, ask: text}").status == "waiting"


def test_each_item_of_a_foreach_asks_for_itself() -> None:
    steps = "- {foreach: f, in: '[1, 2]', concurrency: 2, steps: [{wait: a, ask: text}], save: f}"
    assert output(steps, answers={"f[0]/a": "x", "f[1]/a": "y"}) == {"f": ["x", "y"]}
    assert output(steps, answers={"a": "both"}) == {"f": ["both", "both"]}


def test_an_answer_that_nobody_asks_for_is_told() -> None:
    with pytest.raises(InvalidOption, match="asks nothing at 'aproval'; did you mean 'approval'"):
        run("- {wait: approval, ask: approval}", answers={"aproval": True})


# -- several things

ANY = "- {wait: w, any: {paid: {event: paid}, gone: {event: gone}, late: {for: 7d}}, save: w}"


def test_any_takes_the_first_that_comes() -> None:
    assert output(ANY, events=[later("gone", 1, 2), later("paid", 2, 1)]) == {"w": {"which": "paid", "value": 2}}
    result = run(ANY)
    assert (result.output, result.slept) == ({"w": {"which": "late", "value": None}}, timedelta(days=7))


def test_losers_of_any_take_nothing() -> None:
    steps = f"{ANY}\n- {{wait: v, event: gone, save: v}}"
    assert output(steps, events=[later("paid", 1, 1), later("gone", 2, 2)])["v"] == 2
    early = f"- {{wait: s, for: 3h}}\n{steps}"
    assert output(early, events=[later("paid", 1, 1), later("gone", 2, 2)]) == {
        "w": {"which": "paid", "value": 1},
        "v": 2,
    }


def test_an_event_that_fits_two_labels_is_taken_by_one() -> None:
    steps = "- {wait: w, any: {a: {event: e}, b: {event: e}}, save: w}\n- {wait: v, event: e, save: v}"
    assert output(steps, events=[later("e", 1, 1), later("e", 2, 2)]) == {"w": {"which": "a", "value": 1}, "v": 2}


ALL = "- {wait: w, all: {legal: {ask: approval}, paid: {event: paid}, rest: {for: 1h}}, timeout: 7d, save: w}"


def test_all_gives_everything_by_label_in_the_order_written() -> None:
    result = run(ALL, answers={"w.legal": Answer(True, after=5 * HOUR)}, events=[later("paid", 2)])
    assert list(result.output["w"].items()) == [
        ("legal", {"approved": True, "by": None, "comment": None}),
        ("paid", 2),
        ("rest", None),
    ]
    assert result.slept == 5 * HOUR


def test_a_timeout_of_all_tells_what_had_arrived() -> None:
    result = run(ALL, events=[later("paid", 2)])
    assert result.error is not None
    assert (result.error.type, result.error.data) == ("Timeout", {"arrived": {"rest": None, "paid": 2}})


def test_a_timeout_of_any() -> None:
    result = run("- {wait: w, any: {a: {event: e}, b: {ask: text}}, timeout: 1h}")
    assert result.error is not None
    assert (result.error.type, result.error.data) == ("Timeout", {"arrived": {}})


def test_all_of_one_event_takes_as_many() -> None:
    steps = "- {wait: w, all: {a: {event: e}, b: {event: e, where: event > 1}}, save: w}"
    assert output(steps, events=[later("e", 1, 1), later("e", 5, 2)]) == {"w": {"a": 1, "b": 5}}


def test_a_wait_in_on_failure_takes_events() -> None:
    result = run(
        "- {fail: f}",
        head="on_failure: [{wait: w, event: e, save: w}, {step: a, set: {seen: '${ data.w }'}}]",
        events=[later("e", 1)],
    )
    assert (result.status, kinds(result, "on_failure/w")) == ("failed", ["waiting", "arrived", "completed"])


def test_output_reshapes_and_catch_takes_a_timeout() -> None:
    assert output("- {wait: w, event: e, output: '${ [result] }', save: w}", events=[later("e", 1)]) == {"w": [1]}
    steps = "- {wait: w, event: e, timeout: 1h, catch: [{errors: [Timeout], steps: [{step: a, set: {a: 1}}]}]}"
    assert output(steps) == {"a": 1}


def test_what_a_wait_for_asks_cannot_be_rendered() -> None:
    assert failure("- {wait: a, ask: text, prompt: '${ data.nothing }'}") == ("ExpressionError", "a")
