"""A cancel that asks for undoing, and what is under way then: what a `catch` undoes, and children."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from durable_dsl import compile_text
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Keys
from durable_runtime.core.children import child_started
from durable_runtime.core.commands import Perform, StartChild
from durable_runtime.core.evolve import begin, evolve
from durable_runtime.core.interpreter import Pass, settle
from durable_runtime.core.program import Program
from durable_runtime.core.requests import answer_to
from durable_runtime.core.state import State

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TRIP = """
workflow: trip
steps:
  - group: trip
    steps:
      - {step: hotel, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
      - {step: car, call: x.do, with: {}, compensate: {call: x.undo, with: {}}}
      - {step: flight, call: x.flight, with: {}}
    catch: [{compensate: true, steps: []}]
"""
ASKED = {"reason": "enough", "compensate": True}
DOWN = ErrorValue(type="Down", message="no answer")


IGNORED = TRIP.replace("  - group: trip\n", "  - group: trip\n    ignore_errors: true\n")


class Told:
    """An execution that is told what happened, and looks at no more than what that touched."""

    def __init__(self, document: str = TRIP) -> None:
        self.program = Program(compile_text(document)[0])
        self.state: State = begin(self.program, input={}, execution={"id": "x"}, started_at=NOW)
        self.last: Pass = self._settle(None)

    def tell(self, path: str, kind: str, **more: object) -> None:
        self.take(Checkpoint(path=path, kind=kind, finished_at=NOW, **more))  # type: ignore[arg-type]

    def take(self, checkpoint: Checkpoint) -> None:
        self.state, touched = evolve(self.program, self.state, checkpoint)
        self.last = self._settle(touched)

    def _settle(self, touched: Sequence[Keys] | None) -> Pass:
        result = settle(self.program, self.state, touched, NOW)
        self.state = result.state
        return result

    @property
    def begun(self) -> list[str]:
        return [each.path for each in self.last.performs if isinstance(each, Perform)]


def failed_on_its_way(document: str = TRIP) -> Told:
    told = Told(document)
    told.tell("trip/hotel", "completed")
    told.tell("trip/car", "completed")
    told.tell("trip/flight", "failed", error=DOWN)
    assert told.begun == ["trip/car/compensate"]
    return told


def test_it_ends_a_pause_and_the_undoing_goes_on() -> None:
    told = failed_on_its_way()
    told.tell("", "paused", result={})
    told.tell("trip/car/compensate", "compensated")
    assert told.begun == []

    told.tell("", "cancelled", result=ASKED)

    assert told.begun == ["trip/hotel/compensate"]


@pytest.mark.parametrize("document", [TRIP, IGNORED])
def test_what_the_catch_could_not_undo_is_told_by_the_status_and_the_error(document: str) -> None:
    told = failed_on_its_way(document)
    told.tell("trip/car/compensate", "failed", error=DOWN)

    told.tell("", "cancelled", result=ASKED)
    told.tell("trip/hotel/compensate", "compensated")

    finish = told.last.finish
    assert finish is not None
    assert finish.status == "compensation_failed"
    assert finish.error is not None
    assert [each["type"] for each in finish.error.data["compensation_errors"]] == ["Down"]
    assert finish.error.data["reason"] == "enough"


def test_what_a_child_says_after_a_cancel_does_not_begin_it_again() -> None:
    told = Told("workflow: w\nsteps: [{step: child, workflow: other, retry: {max_attempts: 3}}]\n")
    [start] = told.last.performs
    assert isinstance(start, StartChild)
    begun = child_started(told.program, told.state, start, started_at=NOW, at=NOW)
    assert begun is not None
    told.take(begun[0])
    told.take(Checkpoint(path="", kind="cancelled", result=ASKED, finished_at=NOW))

    says = {"path": "child", "call": begun[1], "id": begun[1], "status": "cancelled", "output": None, "error": None}

    assert answer_to(told.program, told.state, "child", says, NOW) is None
