"""Events by key: sent by steps and from outside, awaited, and cancelling."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durable_runtime.testing import Event
from durable_runtime.worker import looking
from tests.unit.core.simulating import failure, kinds, output, run

HOUR = timedelta(hours=1)


def later(name: str, key: str, payload: Any = None, hours: float = 1) -> Event:
    return Event(name, payload, after=hours * HOUR, key=key)


def test_a_wait_takes_what_is_sent_with_its_key() -> None:
    steps = "- {wait: w, event: paid, key: '${ input.id }', save: p}"
    events = [later("paid", "b", 1, 1), later("paid", "a", 2, 2)]
    result = run(steps, {"id": "a"}, events=events)
    assert (result.output, result.slept) == ({"id": "a", "p": 2}, 2 * HOUR)


def test_what_was_sent_before_the_wait_is_found() -> None:
    steps = "- {wait: s, for: 3h}\n- {wait: w, event: paid, key: a, save: p}"
    result = run(steps, events=[later("paid", "a", 7)])
    assert (result.output, result.slept) == ({"p": 7}, 3 * HOUR)


def test_an_event_with_a_key_and_one_without_are_different() -> None:
    steps = "- {wait: w, event: paid, key: a, timeout: 5h, on_timeout: {value: none}, save: p}"
    assert output(steps, events=[Event("paid", 1, after=HOUR)]) == {"p": "none"}
    steps = "- {wait: w, event: paid, timeout: 5h, on_timeout: {value: none}, save: p}"
    assert output(steps, events=[later("paid", "a", 1)]) == {"p": "none"}


def test_it_is_taken_once_in_an_execution() -> None:
    steps = """
    - {wait: a, event: e, key: k, save: a}
    - {wait: b, event: e, key: k, timeout: 5h, on_timeout: {value: none}, save: b}
    """
    assert output(steps, events=[later("e", "k", 1)]) == {"a": 1, "b": "none"}
    assert output(steps, events=[later("e", "k", 1), later("e", "k", 2)]) == {"a": 1, "b": 2}


def test_what_a_key_has_told_is_known_by_a_mark_and_not_by_every_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MOST_BROADCASTS", 5)
    steps = """
    - loop: l
      until: iteration == 40
      steps: [{wait: w, event: e, key: k, save: w}, {step: s, call: m.note, with: {n: '${ data.w }'}}]
    """
    noted: list[int] = []
    result = run(steps, events=[later("e", "k", n, 1 + n / 10) for n in range(40)], l__s=lambda n: noted.append(n))
    assert noted == list(range(40))
    known = most_known = 0
    for checkpoint in result.checkpoints:
        if checkpoint.kind == "received":
            known += 1
            assert "xid" not in checkpoint.result
        elif checkpoint.kind == "looked":
            known -= len(checkpoint.result["gone"])
        most_known = max(most_known, known)
    assert most_known <= 10


def test_a_number_and_its_text_are_one_key() -> None:
    steps = "- {wait: w, event: e, key: '${ input.n }', save: w}"
    assert output(steps, {"n": 5}, events=[later("e", "5", 1)]) == {"n": 5, "w": 1}


def test_waits_with_keys_inside_of_parallels_items_and_turns() -> None:
    steps = """
    - parallel: p
      branches:
        one:
          - foreach: f
            in: "['a', 'b', 'c']"
            concurrency: 2
            steps: [{wait: w, event: e, key: '${ item }'}]
            save: items
        two: [{loop: l, until: iteration == 2, steps: [{wait: v, event: e, key: '${ string(iteration) }'}], save: last}]
    """
    events = [later("e", key, key.upper(), hours) for hours, key in enumerate(("c", "2", "a", "1", "b"), 1)]
    assert output(steps, events=events) == {"items": ["A", "B", "C"], "last": "2"}


def test_a_step_sends_an_event_by_key() -> None:
    steps = """
    - {step: s, emit: e, key: '${ input.k }', with: {n: '${ 1 + 1 }'}, save: nothing}
    - {wait: w, event: e, key: k, save: w}
    """
    result = run(steps, {"k": "k"})
    assert result.output == {"k": "k", "nothing": None, "w": {"n": 2}}
    assert kinds(result, "s") == ["completed"]


def test_a_step_sends_an_event_to_an_execution() -> None:
    steps = """
    - {step: s, emit: e, to: '${ execution.id }', with: {n: 1}}
    - {step: t, emit: e, to: '${ execution.id }', with: {n: 2}}
    - {wait: w, event: e, where: event.n == 2, save: w}
    - {wait: v, event: e, save: v}
    """
    assert output(steps) == {"w": {"n": 2}, "v": {"n": 1}}
    assert failure("- {step: s, emit: e, to: nobody}") == ("NotAnExecution", "s")
    assert output("- {step: s, emit: e, to: 0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f}") == {}


def test_each_item_and_turn_sends_its_own() -> None:
    steps = """
    - foreach: f
      in: "[1, 2, 3]"
      concurrency: 3
      steps: [{step: s, emit: e, key: k, with: {n: '${ item }'}}]
    - {loop: l, until: iteration == 3, steps: [{wait: w, event: e, key: k, save: last}]}
    """
    assert output(steps) == {"last": {"n": 3}}


def test_an_emit_that_is_skipped_sends_nothing() -> None:
    steps = """
    - {step: s, emit: e, key: k, when: false}
    - {wait: w, event: e, key: k, timeout: 1h, on_timeout: {value: none}, save: w}
    """
    assert output(steps) == {"w": "none"}


def test_what_undoes_a_step_may_send_an_event() -> None:
    steps = """
    - {step: a, set: {a: 1}, compensate: {emit: undone, key: k, with: {was: '${ data.a }'}}}
    - {fail: f, when: size(data) == 1}
    """
    result = run(steps, head="on_failure: [{wait: w, event: undone, key: k, save: w}]")
    assert result.status == "compensated", result.error
    received = [one.result for one in result.checkpoints if one.kind == "received"]
    assert [(one["name"], one["payload"]) for one in received] == [("undone", {"was": 1})]


CANCEL = "cancel_on: [{event: order.cancelled, key: '${ input.id }'}]"


def test_an_event_cancels_whoever_said_so() -> None:
    result = run("- {wait: w, for: 5h}", {"id": "a"}, head=CANCEL, events=[later("order.cancelled", "a", {"why": 1})])
    assert (result.status, result.slept) == ("cancelled", HOUR)
    assert result.error is not None
    assert result.error.message == "the event order.cancelled came with the key a"
    other = run("- {wait: w, for: 5h}", {"id": "a"}, head=CANCEL, events=[later("order.cancelled", "b")])
    assert other.status == "completed"


def test_an_event_that_cancels_and_undoes() -> None:
    head = "cancel_on: [{event: order.cancelled, key: '${ input.id }', compensate: true}]"
    steps = "- {step: a, set: {a: 1}, compensate: {log: undone}}\n- {wait: w, for: 5h}"
    result = run(steps, {"id": "a"}, head=head, events=[later("order.cancelled", "a")])
    assert result.status == "cancelled"
    assert [line.message for line in result.logs] == ["undone"]


def test_a_key_of_cancel_on_that_cannot_be_given_fails_the_execution() -> None:
    result = run("- {step: a, set: {a: 1}}", head=CANCEL)
    assert (result.status, result.error.type if result.error else None) == ("failed", "ExpressionError")
