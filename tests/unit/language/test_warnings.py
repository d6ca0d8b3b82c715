"""What runs and is probably not meant: told, and in the way of nothing."""

from __future__ import annotations

import pytest

from durable_dsl import check_text, compile, compile_text, foreach, step, workflow
from durable_dsl.errors import Problem
from durable_dsl.pipeline import build

KEYED = """\
workflow: w
steps:
  - foreach: lines
    in: input.lines
    steps:
      - group: g
        steps:
          - {step: ship, workflow: ship_line, key: ship}
          - {step: bill, start: bill_line, key: "bill-${ item.id }"}
  - {step: once, workflow: ship_line, key: all}
"""


def told(text: str) -> list[str]:
    return [f"{found.line}:{found.column} {found.code} {found.message}; {found.hint}" for found in check_text(text)]


def test_a_constant_key_in_a_foreach_is_a_warning_and_compiles() -> None:
    assert told(KEYED) == [
        "8:52 W301 'ship' has the same key in every item, so all but the first attach to one execution; "
        "put something of the item or the turn into the key"
    ]
    [graph] = compile_text(KEYED)
    assert len(graph.steps) == 2


def test_a_constant_key_in_a_loop_is_one_too() -> None:
    text = "workflow: w\nsteps:\n  - {loop: l, until: data.x, steps: [{step: s, start: other, key: a}]}\n"
    assert [problem.code for problem in check_text(text)] == ["W301"]


def test_python_is_warned_as_well_and_gets_its_graph() -> None:
    built = workflow("w", foreach("f", step("s", workflow="other", key="a"), in_="input.lines"))
    assert compile(built).workflow == "w"
    [graph], [warning] = build([built])
    assert (graph, warning.code, warning.severity) == (compile(built), "W301", "warning")


EVENTS = """\
workflow: w
cancel_on: [{event: order.canceled, key: a}]
steps:
  - {step: one, emit: order.cancelled, key: a}
  - {step: two, emit: payment.received, key: a}
  - {wait: both, all: {paid: {event: payment.recieved}, shipped: {event: order.shipped}}}
"""


def test_an_event_that_is_nearly_one_of_the_file_is_asked_about() -> None:
    assert told(EVENTS) == [
        "2:21 W302 nothing in this file emits 'order.canceled', and nothing waits for 'order.cancelled'; "
        "did you mean 'order.cancelled'?",
        "6:38 W302 nothing in this file emits 'payment.recieved', and nothing waits for 'payment.received'; "
        "did you mean 'payment.received'?",
    ]


@pytest.mark.parametrize(
    "event",
    ["payment.received", "something.else", "payments"],
)
def test_an_event_that_comes_from_elsewhere_is_none_of_our_business(event: str) -> None:
    text = f"workflow: w\nsteps:\n  - {{step: a, emit: payment.received, key: a}}\n  - {{wait: b, event: {event}}}\n"
    assert told(text) == []


def test_names_are_compared_across_the_documents_of_a_file() -> None:
    text = (
        "workflow: w\nsteps: [{step: a, start: ship_ordr}, {wait: b, event: order.shiped}]\n---\n"
        "workflow: ship_order\nsteps: [{step: c, emit: order.shipped, to: '${ input.id }'}]\n"
    )
    assert [problem.code for problem in check_text(text)] == ["W303", "W302"]


def test_a_file_with_mistakes_is_not_warned() -> None:
    assert [problem.code for problem in check_text(EVENTS + "  - {step: x, lg: hi}\n")] == ["W025", "W004"]


def test_a_warning_says_that_it_is_one() -> None:
    assert str(Problem("W301", "one key", "w.yaml", 1, 2)) == "w.yaml:1:2: W301 warning: one key"
    assert str(Problem("W004", "unknown", "w.yaml", 1, 2)) == "w.yaml:1:2: W004 unknown"
