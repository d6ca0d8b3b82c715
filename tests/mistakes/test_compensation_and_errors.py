"""Mistakes that other engines made about undoing and about errors, one test for each; here they are not made."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from durable_dsl import compile_text
from durable_runtime import Fatal
from durable_runtime.core.interpreter import fold, settle
from durable_runtime.core.program import Program
from durable_runtime.core.starting import initial_state
from durable_runtime.testing import simulate
from durable_runtime.testing.clock import START
from tests.unit.core.simulating import run_with

TWO = """
- {step: reserve, call: shop.reserve, with: {}, save: seat, compensate: shop.release}
- {step: pay, call: shop.pay, with: {}}
"""


# A compensation's returned error counted as success; compensations saw an empty context; parallel steps were never
# compensated.


def test_a_compensation_that_fails_is_not_counted_as_success() -> None:
    def release(data: dict[str, Any]) -> None:
        raise ConnectionError("the gateway is down")

    result = run_with(TWO, mocks={"shop.reserve": "7A", "shop.pay": Fatal("no money"), "shop.release": release})

    assert result.status == "compensation_failed"
    assert result.error is not None
    assert (result.error.type, result.error.message) == ("Fatal", "no money")
    assert [error["message"] for error in result.error.data["compensation_errors"]] == ["the gateway is down"]


def test_a_compensation_sees_the_data_of_its_step() -> None:
    seen: list[Any] = []
    mocks = {"shop.reserve": "7A", "shop.pay": Fatal("no"), "shop.release": lambda data: seen.append(data)}
    run_with(TWO, {"customer": "ada"}, mocks=mocks)

    assert seen == [{"customer": "ada", "seat": "7A"}]


@pytest.mark.parametrize(
    "container",
    [
        "parallel: p\n  branches: {{left: [{step}], right: [{{step: other, set: {{k: 1}}}}]}}",
        "foreach: f\n  in: '[1]'\n  steps: [{step}]",
        "loop: l\n  until: iteration == 1\n  steps: [{step}]",
        "branch: b\n  match: data.kind\n  cases: {{odd: [{step}]}}",
        "group: g\n  steps: [{step}]",
    ],
)
def test_steps_inside_of_containers_are_compensated(container: str) -> None:
    step = "{step: inner, call: shop.reserve, with: {}, compensate: shop.release}"
    steps = f"- {container.format(step=step)}\n- {{fail: stop}}"
    result = run_with(steps, {"kind": "odd"}, mocks={"shop.reserve": 1, "shop.release": None})

    assert result.status == "compensated"
    assert [call.function for call in result.calls] == ["shop.reserve", "shop.release"]


# A value that JSON cannot hold crashed the engine after the work was done, and hid the real error. In memory
# `:approved`, from the store `"approved"`: a branch went another way after a resume.


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, object(), b"bytes", "\x00", 10**30])
def test_a_result_that_json_cannot_hold_fails_its_node_alone_and_says_why(value: Any) -> None:
    steps = "- {step: odd, call: x.odd, with: {}, retry: 3, ignore_errors: true}\n- {step: after, set: {done: true}}"
    result = run_with(steps, mocks={"x.odd": value})

    assert (result.status, result.output) == ("completed", {"done": True})
    assert result.attempts_of("odd") == 1  # the work was done: once more would give the same
    error = result.checkpoints[0].error
    assert error is not None
    assert error.type == "ResultNotStorable"
    assert "the value" in error.message


def test_data_of_an_error_that_json_cannot_hold_do_not_hide_the_error() -> None:
    result = run_with("- {step: odd, call: x.odd, with: {}}", mocks={"x.odd": Fatal("the real one", data=object())})

    assert result.error is not None
    assert (result.error.type, result.error.message, result.error.data) == ("Fatal", "the real one", None)


class Answer(enum.StrEnum):
    approved = "approved"


BRANCH = """
workflow: w
steps:
  - {step: ask, call: x.ask, save: answer}
  - branch: by
    match: data.answer.word
    cases: {approved: [{step: yes_please, set: {went: "yes"}}]}
    default: [{step: no_thanks, set: {went: "no"}}]
"""


def test_a_branch_goes_the_same_way_before_and_after_a_resume() -> None:
    (graph,) = compile_text(BRANCH)
    went = simulate(graph, {}, {"x.ask": {"word": Answer.approved, "pair": (1, 2)}})
    assert went.output["went"] == "yes"
    assert type(went.output["answer"]["word"]) is str
    assert went.output["answer"]["pair"] == [1, 2]

    program = Program(graph)
    start = initial_state(program, id="1", workflow="w", queue="default", input={}, started_at=START, scheduled_at=None)
    resumed = settle(program, fold(program, start, went.checkpoints[:1]), None, START)
    assert resumed.finish is not None
    assert resumed.finish.output == went.output
