"""What drawings show of an execution that is being undone."""

from __future__ import annotations

import msgspec

from durable_dsl.drawing import NodeState, NodeStatus
from durable_runtime.core.outcomes import Failure, Success
from tests.unit.client.test_statuses import BROKEN, DONE, Story

BOOK = """
  - {step: a, call: m.f, compensate: {call: m.undo, retry: {max_attempts: 2, delay: 90s, jitter: 0}}}
  - {step: b, call: m.f, compensate: m.undo}
  - {step: c, call: m.f, compensate: m.undo}
"""


def test_the_step_that_is_being_undone_says_so() -> None:
    story = Story(BOOK, {"a": DONE, "b": DONE, "c": BROKEN})

    assert story.states() == {
        "a": NodeState(NodeStatus.completed),
        "b": NodeState(NodeStatus.running, detail="undoing"),
        "c": NodeState(NodeStatus.failed, detail="CardDeclined"),
    }


def test_what_is_undone_is_compensated_and_a_retry_of_it_tells_when() -> None:
    story = Story(BOOK, {"a": DONE, "b": DONE, "c": BROKEN, "b/compensate": DONE, "a/compensate": BROKEN_ONCE})

    assert story.states("waiting") == {
        "a": NodeState(NodeStatus.retrying, attempts=2, detail="undoing, retry at 12:01:30"),
        "b": NodeState(NodeStatus.compensated),
        "c": NodeState(NodeStatus.failed, detail="CardDeclined"),
    }


BROKEN_ONCE = Failure(type="Down", message="later", names=("Down",))


def test_what_could_not_be_undone_has_failed() -> None:
    story = Story(BOOK, {"a": DONE, "b": BROKEN, "c": DONE})
    story.go_on({"a/compensate": msgspec.structs.replace(BROKEN_ONCE, names=("Down", "Fatal"))})

    assert story.finish == "compensation_failed"
    assert story.states() == {
        "a": NodeState(NodeStatus.failed, detail="not undone: Down"),
        "b": NodeState(NodeStatus.failed, detail="CardDeclined"),
        "c": NodeState(NodeStatus.pending),
    }


def test_of_the_items_of_a_foreach_one_that_was_undone_counts_before_those_that_completed() -> None:
    steps = """
  - foreach: f
    in: "[1, 2]"
    steps: [{step: s, call: m.f, compensate: m.undo}]
  - {step: last, call: m.f}
"""
    story = Story(steps, {"f[0]/s": DONE, "f[1]/s": DONE, "last": BROKEN, "f[1]/s/compensate": Success(None)})

    assert story.states()["f/s"] == NodeState(NodeStatus.running, detail="undoing")
    story.go_on({"f[0]/s/compensate": DONE})
    assert story.finish == "compensated"
    assert story.words() == {"f": "completed", "f/s": "compensated", "last": "failed"}


def test_a_catch_that_undoes_paints_its_list_afterwards() -> None:
    steps = """
  - group: g
    steps: [{step: s, call: m.f, compensate: m.undo}, {step: t, call: m.f}]
    catch: [{compensate: true, steps: [{step: sorry, call: m.f}]}]
"""
    story = Story(steps, {"g/s": DONE, "g/t": BROKEN})
    assert story.words() == {"g": "running", "g/s": "running", "g/t": "failed", "g/catch/sorry": "pending"}

    story.go_on({"g/s/compensate": DONE})
    assert story.words()["g/catch/sorry"] == "running"

    story.go_on({"g/catch/sorry": DONE})
    assert story.words() == {"g": "completed", "g/s": "compensated", "g/t": "failed", "g/catch/sorry": "completed"}
