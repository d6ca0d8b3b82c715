"""`catch … compensate: true`: what the node had completed is undone before the row's list runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durable_runtime import Retry, StepContext
from durable_runtime.core import undoing
from durable_runtime.core.commands import Abandon
from durable_runtime.testing import SimulationResult
from tests.unit.core.simulating import run_with


class Down(Exception):
    """The gateway does not answer."""


def called(result: SimulationResult) -> list[str]:
    return [call.node for call in result.calls]


TRIP = """
- {step: before, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
- group: trip
  save: trip
  steps:
    - {step: hotel, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
    - {step: car, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
    - {step: flight, call: x.flight, with: {}}
  catch:
    - errors: [Down]
      compensate: true
      steps: [{step: apologise, call: x.mail, with: {type: "${ error.type }"}, save: mail}]
"""
MOCKS: dict[str, Any] = {"x.do": 1, "x.undo": None, "x.mail": "sent", "x.flight": Down("no seats")}


def test_only_what_lies_below_the_node_is_undone_then_the_list_runs_and_the_flow_goes_on() -> None:
    result = run_with(TRIP + "- {step: after, set: {done: true}}", mocks=MOCKS)

    assert result.status == "completed"
    assert [(one.path, one.kind) for one in result.checkpoints] == [
        ("before", "completed"),
        ("trip", "entered"),
        ("trip/hotel", "completed"),
        ("trip/car", "completed"),
        ("trip/flight", "failed"),
        ("trip", "caught"),
        ("trip/car/compensate", "compensated"),
        ("trip/hotel/compensate", "compensated"),
        ("trip/catch/apologise", "completed"),
        ("trip", "completed"),
        ("after", "completed"),
    ]
    assert result.output == {"mail": "sent", "trip": "sent", "done": True}


def test_what_a_catch_has_undone_is_not_undone_again() -> None:
    result = run_with(TRIP + "- {fail: stop}", mocks=MOCKS)

    assert result.status == "compensated"
    assert [path for path in called(result) if path.endswith("compensate")] == [
        "trip/car/compensate",
        "trip/hotel/compensate",
        "before/compensate",
    ]


def test_a_row_that_does_not_ask_for_it_undoes_nothing_and_leaves_it_for_a_later_failure() -> None:
    result = run_with(TRIP.replace("compensate: true", "") + "- {fail: stop}", mocks=MOCKS)

    assert [path for path in called(result) if path.endswith("compensate")] == [
        "trip/car/compensate",
        "trip/hotel/compensate",
        "before/compensate",
    ]


def test_when_a_part_cannot_be_undone_the_rest_is_and_the_node_fails_with_its_first_error() -> None:
    mocks = {name: value for name, value in MOCKS.items() if name != "x.undo"}
    mocks |= {"trip/car/compensate": Down("closed"), "trip/hotel/compensate": 1, "before/compensate": 1}
    result = run_with(TRIP, mocks=mocks)

    assert "trip/catch/apologise" not in called(result)
    assert called(result)[-3:] == ["trip/car/compensate", "trip/hotel/compensate", "before/compensate"]
    assert result.status == "compensation_failed"
    assert result.error is not None
    assert (result.error.type, result.error.message, result.error.node) == ("Down", "no seats", "trip/flight")
    assert result.error.data == {
        "compensation_errors": [
            {"type": "Down", "message": "closed", "data": None, "node": "trip/car/compensate", "attempt": 1}
        ]
    }


def test_an_outer_catch_can_take_what_an_inner_one_could_not_undo() -> None:
    steps = """
- group: outer
  steps:
    - group: trip
      steps:
        - {step: hotel, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
        - {step: flight, call: x.flight, with: {}}
      catch: [{compensate: true, steps: []}]
  catch:
    - when: "error.data.compensation_errors.size() == 1"
      steps: [{step: ask, set: {left: "${ error.data.compensation_errors[0].node }"}}]
"""
    result = run_with(steps, mocks=(_without("x.mail") | {"x.undo": Down("closed")}))

    assert result.status == "completed"
    assert result.output == {"left": "outer/trip/hotel/compensate"}


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in MOCKS.items() if name not in names}


def test_each_item_undoes_its_own() -> None:
    steps = """
- foreach: lines
  in: "[1, 2, 3]"
  concurrency: 3
  save: all
  steps:
    - group: g
      steps:
        - {step: reserve, call: x.do, with: {}, compensate: {call: x.undo, with: {n: "${ item }"}}}
        - {step: pay, call: x.pay, with: {n: "${ item }"}}
      catch: [{compensate: true, steps: [{step: no, set: {k: 1}, output: "no"}]}]
"""

    def pay(n: int) -> int:
        if n == 2:
            raise Down("no")
        return n

    seen: list[int] = []
    result = run_with(steps, mocks={"x.do": 1, "x.pay": pay, "x.undo": lambda n: seen.append(n)})

    assert result.output == {"all": [1, "no", 3]}
    assert seen == [2]


def test_undoing_in_an_item_looks_at_nothing_older_than_the_item(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Counted(Abandon, frozen=True):
        def covers(self, path: str) -> bool:
            nonlocal looks
            looks += 1
            return super().covers(path)

    monkeypatch.setattr(undoing, "Abandon", Counted)
    steps = f"""
- foreach: each
  in: "{[0] * 100}"
  steps:
    - {{step: kept, set: {{k: 1}}, compensate: {{log: no}}}}
    - group: g
      steps: [{{step: done, set: {{k: 2}}, compensate: {{log: undone}}}}, {{fail: stop}}]
      catch: [{{compensate: true, steps: []}}]
"""
    result = run_with(steps, mocks={})

    assert len([one for one in result.checkpoints if one.kind == "compensated"]) == 100
    assert looks == 100


def test_a_loop_undoes_all_of_its_turns() -> None:
    steps = """
- loop: l
  until: iteration == 5
  steps:
    - {step: a, call: x.do, with: {}, compensate: {call: x.undo, with: {n: "${ iteration }"}}}
    - {step: b, when: iteration == 3, call: x.flight, with: {}}
  catch: [{compensate: true, steps: []}]
"""
    seen: list[int] = []
    result = run_with(steps, mocks=(_without("x.mail") | {"x.undo": lambda n: seen.append(n)}))

    assert result.status == "completed"
    assert seen == [3, 2, 1]


def test_rethrow_passes_the_error_on_after_undoing() -> None:
    result = run_with(TRIP.replace("compensate: true", "compensate: true\n      rethrow: true"), mocks=MOCKS)

    assert called(result)[-4:] == [
        "trip/car/compensate",
        "trip/hotel/compensate",
        "trip/catch/apologise",
        "before/compensate",
    ]
    assert result.status == "compensated"


GONE_ON = """
- group: outer
  steps:
    - group: trip
      steps:
        - {step: hotel, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
        - {step: flight, call: x.flight, with: {}}
      catch: [{compensate: true, rethrow: true}]
  catch: [{steps: []}]
- {fail: stop}
"""


@pytest.mark.parametrize("undo", [None, Down("closed")])
def test_what_was_undone_before_the_flow_went_on_does_not_count_at_the_end(undo: Any) -> None:
    result = run_with(GONE_ON, mocks=_without("x.mail") | {"x.undo": undo})

    assert result.status == "failed"
    assert result.error is not None
    assert (result.error.node, result.error.data) == ("stop", None)
    assert called(result) == ["outer/trip/hotel", "outer/trip/flight", "outer/trip/hotel/compensate"]


@pytest.mark.parametrize(("undo", "status"), [(None, "compensated"), (Down("closed"), "compensation_failed")])
def test_what_was_undone_for_the_error_that_ends_the_execution_counts(undo: Any, status: str) -> None:
    result = run_with(GONE_ON.replace("catch: [{steps: []}]", ""), mocks=_without("x.mail") | {"x.undo": undo})

    assert result.status == status
    assert result.error is not None
    assert result.error.node == "outer/trip/flight"
    assert len((result.error.data or {}).get("compensation_errors", [])) == (undo is not None)


def test_errors_of_an_inner_and_of_the_last_undoing_are_told_together() -> None:
    steps = "- {step: before, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}\n"
    steps += GONE_ON.replace("catch: [{steps: []}]", "").strip()
    result = run_with(steps, mocks=_without("x.mail") | {"x.undo": Down("closed")})

    assert result.status == "compensation_failed"
    assert result.error is not None
    assert [error["node"] for error in result.error.data["compensation_errors"]] == [
        "outer/trip/hotel/compensate",
        "before/compensate",
    ]


def test_a_step_that_completed_within_a_catch_can_be_undone_later() -> None:
    steps = """
- step: pay
  call: x.flight
  with: {}
  catch: [{steps: [{step: borrow, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}]}]
- {fail: stop}
"""
    result = run_with(steps, mocks=_without("x.mail"))

    assert called(result) == ["pay", "pay/catch/borrow", "pay/catch/borrow/compensate"]
    assert result.status == "compensated"


CUT = """
- parallel: both
  branches:
    left:
      - group: g
        steps:
          - {step: a, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
          - step: b
            call: x.do
            with: {}
            compensate: {call: x.slow, with: {}, retry: {max_attempts: 3, delay: 1m}}
          - {fail: odd}
        catch: [{compensate: true, steps: []}]
    right: [{wait: w, for: 10s}, {fail: stop}]
"""


def test_undoing_that_a_failure_beside_it_cuts_off_goes_on_where_it_stood() -> None:
    attempts: list[int] = []

    def slow(ctx: StepContext) -> None:
        attempts.append(ctx.attempt)
        if ctx.attempt == 1:
            raise Retry("later", after=timedelta(seconds=20))

    result = run_with(CUT, mocks={"x.do": 1, "x.undo": None, "x.slow": slow})

    assert attempts == [1, 2]
    assert called(result)[-3:] == ["both/g/b/compensate", "both/g/b/compensate", "both/g/a/compensate"]
    assert result.slept == timedelta(seconds=20)
    assert result.status == "compensated"
    assert result.error is not None
    assert result.error.node == "both/stop"


def test_the_timeout_of_a_container_bounds_the_undoing_inside_of_it() -> None:
    steps = """
- group: outer
  timeout: 1h
  steps:
    - group: trip
      steps:
        - {step: a, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
        - {fail: odd}
      catch: [{compensate: true, steps: []}]
  catch: [{errors: [Timeout], steps: [{step: note, set: {late: true}}]}]
- {fail: stop}
"""
    attempts: list[int] = []

    def undo(ctx: StepContext) -> None:
        attempts.append(ctx.attempt)
        if ctx.attempt == 1:
            raise Retry("later", after=timedelta(hours=2))

    steps = steps.replace("{call: x.undo, with: {}}", "{call: x.undo, with: {}, retry: 2}")
    result = run_with(steps, mocks={"x.do": 1, "x.undo": undo})

    assert attempts == [1, 2]
    assert result.status == "compensated"
    assert ("outer", "caught") in [(one.path, one.kind) for one in result.checkpoints]
