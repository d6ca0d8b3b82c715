"""Waits from the command line: what is pending, answering it, sending events, ending a wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import Inside

WORKFLOW = """\
workflow: order
steps:
  - wait: approval
    ask: approval
    prompt: "Pay?"
    assignees: [role:boss]
    save: approval
  - wait: outcome
    any:
      paid: {event: order.paid}
      color: {ask: choice, choices: [red, "2"]}
      details: {ask: form, fields: {age: {type: integer}}}
    save: outcome
"""


@pytest.fixture
def execution(inside: Inside) -> str:
    """An execution that waits for its approval."""
    Path("order.yaml").write_text(WORKFLOW)
    id: str = inside("start", "order.yaml", "--json").json["id"]
    work(inside)
    return id


def work(inside: Inside) -> None:
    assert inside("worker", "--until-idle", "--quiet").code == 0


def outcome(inside: Inside, id: str) -> object:
    work(inside)
    return inside("status", id, "--json").json["execution"]["output"]["outcome"]


def test_what_is_pending_is_listed(inside: Inside, execution: str) -> None:
    [row] = inside("pending", "--json").json["pending"]
    assert (row["execution_id"], row["path"], row["kind"]) == (execution, "approval", "ask")
    assert row["detail"] == {"ask": "approval", "prompt": "Pay?", "assignees": ["role:boss"]}
    table = inside("pending", "--assignee", "role:boss").out
    assert execution in table
    assert "Pay?" in table
    assert execution not in inside("pending", "--kind", "event").out
    assert "for approval: Pay?" in inside("status", execution).out


def test_an_answer_moves_the_execution_on(inside: Inside, execution: str) -> None:
    answer = inside("provide-input", execution, "approval", "yes", "--by", "ada", "--comment", "ok")
    assert (answer.code, answer.out) == (0, "")
    assert "has its answer to approval" in answer.err
    work(inside)
    assert inside("provide-input", execution, "outcome.color", "2", "--json").json["wait"] == "outcome.color"
    assert outcome(inside, execution) == {"which": "color", "value": "2"}


def test_a_form_is_answered_with_json(inside: Inside, execution: str) -> None:
    inside("provide-input", execution, "approval", "false")
    work(inside)
    bad = inside("provide-input", execution, "outcome.details", '{"age": "x"}')
    assert (bad.code, bad.out) == (3, "")
    assert "answer.age must be a whole number" in bad.err
    assert inside("provide-input", execution, "outcome.details", '{"age": 3}').code == 0
    assert outcome(inside, execution) == {"which": "details", "value": {"age": 3}}


def test_an_event_with_a_payload_from_a_file(inside: Inside, execution: str) -> None:
    inside("provide-input", execution, "approval", "true")
    Path("payload.json").write_text('{"amount": 5}')
    answer = inside("send-event", execution, "order.paid", "@payload.json", "--json")
    assert (answer.code, answer.json["event"]) == (0, "order.paid")
    assert outcome(inside, execution) == {"which": "paid", "value": {"amount": 5}}
    late = inside("send-event", execution, "order.paid")
    assert (late.code, "takes no more events" in late.err) == (1, True)


def test_a_wait_is_ended(inside: Inside, execution: str) -> None:
    assert inside("cancel-wait", execution, "approval", "--reason", "not needed").code == 0
    work(inside)
    found = inside("status", execution, "--json").json["execution"]
    assert (found["status"], found["error"]["type"]) == ("failed", "WaitCancelled")
    assert found["error"]["message"] == "not needed"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("provide-input", "approval", "maybe"), 3, "an approval is true or false, not 'maybe'"),
        (("provide-input", "aproval", "yes"), 4, "open are: 'approval'"),
        (("send-event", "order.paid", "{nope"), 3, "the payload is not JSON"),
        (("send-event", "no good"), 2, "cannot be an event"),
        (("cancel-wait", "outcome"), 4, "open are: 'approval'"),
    ],
)
def test_what_cannot_be_is_told(inside: Inside, execution: str, words: tuple[str, ...], code: int, says: str) -> None:
    answer = inside(words[0], execution, *words[1:])
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err
