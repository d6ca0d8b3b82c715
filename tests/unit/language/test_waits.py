"""Waits for events and people: what they become in the graph, and what is wrong about them."""

from __future__ import annotations

from textwrap import indent

import pytest

from durable_dsl import check_text, compile, compile_text, minutes, step, wait, workflow
from durable_dsl.graph import Ask, Awaited, Event, Graph, OnTimeout, Wait, graph_from_json


def compiled(steps: str) -> Graph:
    [graph] = compile_text(f"workflow: w\nsteps:\n{indent(steps, '  ')}")
    assert graph_from_json(graph.to_json()) == graph
    return graph


def test_an_event_has_a_key_and_a_condition() -> None:
    [paid, _ship] = compiled(
        """\
- wait: paid
  event: payment.succeeded
  key: ${ input.invoice }
  where: " event.amount > 5 "
  timeout: 7d
  on_timeout: {goto: ship}
- step: ship
  log: ship
"""
    ).steps
    assert paid == Wait(
        id="paid",
        event=Event(name="payment.succeeded", key="${ input.invoice }", where="event.amount > 5"),
        timeout=604_800_000,
        on_timeout=OnTimeout(goto="ship"),
    )


def test_a_question_says_who_is_asked_what() -> None:
    [approval] = compiled(
        """\
- wait: approval
  ask: form
  prompt: Approve ${ input.total }?
  assignees: [role:manager]
  fields: {reason: {type: string}}
  metadata: {level: 3}
  timeout: 3d
  on_timeout: {value: {approved: false}}
"""
    ).steps
    assert approval == Wait(
        id="approval",
        ask=Ask(
            kind="form",
            prompt="Approve ${ input.total }?",
            assignees=["role:manager"],
            fields={"reason": {"type": "string"}},
            metadata={"level": 3},
        ),
        timeout=259_200_000,
        on_timeout=OnTimeout(value={"approved": False}),
    )


def test_several_are_waited_for_by_label() -> None:
    [either, both] = compiled(
        """\
- wait: either
  any: {paid: {event: paid}, late: {for: 7d}, over: {at: "${ input.over }"}}
- wait: both
  all: {legal: {ask: approval}, finance: {ask: choice, choices: [pay, wait]}}
"""
    ).steps
    assert either == Wait(
        id="either",
        any={
            "paid": Awaited(event=Event(name="paid")),
            "late": Awaited(for_=604_800_000),
            "over": Awaited(until_at="${ input.over }"),
        },
    )
    assert both == Wait(
        id="both",
        all={
            "legal": Awaited(ask=Ask(kind="approval")),
            "finance": Awaited(ask=Ask(kind="choice", choices=("pay", "wait"))),
        },
    )


def test_python_gives_the_same_waits_as_yaml() -> None:
    built = workflow(
        "w",
        wait(
            "paid", event="paid", key="a", where="event.x", timeout=minutes(5), on_timeout={"goto": "end"}, save="paid"
        ),
        wait("asked", ask="choice", choices=["a", "b"], prompt="Which?"),
        wait("either", any={"paid": {"event": "paid"}, "late": {"for": minutes(1)}}, timeout="1h", on_timeout="fail"),
        step("done", log="done"),
    )
    assert compile(built) == compiled(
        """\
- {wait: paid, event: paid, key: a, where: event.x, timeout: 5m, on_timeout: {goto: end}, save: paid}
- {wait: asked, ask: choice, choices: [a, b], prompt: Which?}
- {wait: either, any: {paid: {event: paid}, late: {for: 1m}}, timeout: 1h}
- {step: done, log: done}
"""
    )


CLOSED = "input: {type: object, properties: {x: {type: integer}}, additionalProperties: false}\n"


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("- {wait: a, event: e, key: '${ event.x }'}", "4:32 W110 there is no 'event' here"),
        ("- {wait: a, any: {b: {event: e, where: event.x > itm}}}", "4:50 W110 there is no 'itm' here"),
        ("- {wait: a, any: {b: {event: e, where: 5 + 5}}}",
         "4:40 W205 'where' must give true or false, and this always gives the number 10"),
        ("- {wait: a, ask: text, prompt: '${ data.y }'}", "4:36 W206 nothing can have put 'y' into the data here"),
        ("- {wait: a, all: {b: {ask: text, assignees: ['${ data.y }']}}}",
         "4:50 W206 nothing can have put 'y' into the data here"),
        ("- {wait: a, event: e, timeout: 1m, on_timeout: {goto: b}}", "4:55 W103 there is no node 'b'"),
    ],
)  # fmt: skip
def test_a_mistake_about_a_wait(steps: str, problem: str) -> None:
    found = check_text(f"workflow: w\n{CLOSED}steps:\n{steps}\n")
    assert [f"{each.line}:{each.column} {each.code} {each.message}" for each in found] == [problem]


def test_a_jump_after_a_timeout_saves_nothing() -> None:
    text = f"""workflow: w
{CLOSED}steps:
  - {{wait: a, event: e, timeout: 1m, on_timeout: {{goto: c}}, save: got}}
  - {{finish: done, output: "${{ data.got }}"}}
  - {{step: c, log: "${{ data.x }} ${{ data.got }}"}}
"""
    found = [f"{each.line} {each.code} {each.message}" for each in check_text(text)]
    assert found == ["6 W206 nothing can have put 'got' into the data here"]
