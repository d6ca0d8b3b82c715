"""What a compensation sees: everything as it was right after its step, and the later error."""

from __future__ import annotations

from typing import Any

import pytest

from durable_runtime import Fatal, StepContext
from tests.unit.core.simulating import run_with
from tests.unit.core.test_compensation import not_undone, undone


def test_it_sees_the_data_as_they_were_right_after_its_step() -> None:
    steps = """
- {step: first, set: {n: 1}}
- {step: a, call: x.a, with: {}, save: a, compensate: x.undo}
- {step: later, set: {n: 2, a: gone, more: true}}
- {fail: stop}
"""
    seen: list[Any] = []
    run_with(steps, {"from": "input"}, mocks={"x.a": "token", "x.undo": lambda data: seen.append(data)})

    assert seen == [{"from": "input", "n": 1, "a": "token"}]


def test_its_with_sees_input_result_and_the_result_is_the_reshaped_one() -> None:
    steps = """
- step: a
  call: x.a
  with: {}
  output: {id: "${ result.id }"}
  compensate: {call: x.undo, with: {all: "${ [result, input.who, size(data), execution.workflow] }"}}
- {fail: stop}
"""
    seen: list[Any] = []
    result = run_with(steps, {"who": "me"}, mocks={"x.a": {"id": 7, "more": 1}, "x.undo": lambda all: seen.append(all)})

    assert result.status == "compensated"
    assert seen == [[{"id": 7}, "me", 1, "w"]]


def test_it_sees_its_own_item_index_and_turn_newest_first() -> None:
    steps = """
- foreach: lines
  in: "['p', 'q']"
  as: line
  steps:
    - loop: twice
      until: iteration == 2
      steps:
        - step: reserve
          call: x.reserve
          with: {}
          compensate: {call: x.undo, with: {at: "${ [line, index, iteration] }"}}
- {fail: stop}
"""
    seen: list[Any] = []
    result = run_with(steps, mocks={"x.reserve": None, "x.undo": lambda at: seen.append(at)})

    assert seen == [["q", 1, 2], ["q", 1, 1], ["p", 0, 2], ["p", 0, 1]]
    assert undone(result) == [
        "lines[1]/twice#2/reserve/compensate",
        "lines[1]/twice#1/reserve/compensate",
        "lines[0]/twice#2/reserve/compensate",
        "lines[0]/twice#1/reserve/compensate",
    ]


def test_it_sees_the_copy_of_the_data_of_its_own_branch() -> None:
    steps = """
- parallel: both
  branches:
    left: [{step: l, set: {left: 1}, compensate: {call: x.undo, with: {data: "${ data }"}}}]
    right: [{step: r, set: {right: 2}, compensate: {call: x.undo, with: {data: "${ data }"}}}]
- {fail: stop}
"""
    seen: list[Any] = []
    run_with(steps, mocks={"x.undo": lambda data: seen.append(data)})

    assert seen == [{"right": 2}, {"left": 1}]


def test_the_error_for_which_it_is_undone_is_in_the_context() -> None:
    told: list[Any] = []

    def undo(ctx: StepContext) -> None:
        told.append(ctx.error)

    def charge(ctx: StepContext) -> None:
        told.append(ctx.error)

    steps = "- {step: a, call: x.a, with: {}, compensate: x.undo}\n- {step: b, call: x.b, with: {}}"
    run_with(steps, mocks={"x.a": charge, "x.b": Fatal("no", data=[1]), "x.undo": undo})

    assert told == [None, {"type": "Fatal", "message": "no", "data": [1], "node": "b", "attempt": 1}]


def test_an_argument_that_cannot_be_computed_fails_this_compensation_alone() -> None:
    steps = """
- {step: a, call: x.a, with: {}, compensate: x.undo}
- {step: b, call: x.a, with: {}, compensate: {call: x.undo, with: {n: "${ result.missing }"}}}
- {fail: stop}
"""
    result = run_with(steps, mocks={"x.a": {"k": 1}, "x.undo": None})

    assert undone(result) == ["a/compensate"]
    assert not_undone(result) == [("ExpressionError", "b/compensate")]


def test_an_output_that_cannot_be_stored_is_a_failure_that_undoes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durable_runtime.core.values.encode.__kwdefaults__", {"max_bytes": 300})
    head = 'on_failure: [{step: tell, call: x.tell, with: {type: "${ error.type }"}}]'
    steps = """
- {step: a, call: x.a, with: {}, save: a, compensate: {call: x.undo, with: {}}}
- {step: b, call: x.a, with: {}, save: b}
"""
    result = run_with(steps, head=head, mocks={"x.a": "x" * 200, "x.undo": None, "x.tell": None})

    assert result.status == "compensated"
    assert result.error is not None
    assert result.error.type == "ResultNotStorable"
    assert [call.node for call in result.calls] == ["a", "b", "a/compensate", "on_failure/tell"]


def test_errors_that_are_too_large_together_are_told_without_their_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durable_runtime.core.values.encode.__kwdefaults__", {"max_bytes": 700})
    steps = """
- {step: a, call: x.a, with: {}, compensate: {call: x.undo, with: {}}}
- {step: b, call: x.a, with: {}, compensate: {call: x.undo, with: {}}}
- {step: c, call: x.c, with: {}}
"""
    large = Fatal("no", data="x" * 300)
    result = run_with(steps, mocks={"x.a": 1, "x.undo": large, "x.c": Fatal("first", data={"k": 1})})

    assert result.status == "compensation_failed"
    assert result.error is not None
    assert (result.error.message, result.error.data["k"]) == ("first", 1)
    assert [(error["node"], error["data"]) for error in result.error.data["compensation_errors"]] == [
        ("b/compensate", None),
        ("a/compensate", None),
    ]
