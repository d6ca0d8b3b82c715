"""Other workflows and events that a workflow starts and sends: what they become in the graph."""

from __future__ import annotations

from textwrap import indent

import pytest

from durable_dsl import check_text, compile, compile_text, step, workflow
from durable_dsl.drawing import to_dot, to_mermaid, to_svg_blocks
from durable_dsl.graph import Child, Emit, Graph, Publish, RetryPolicy, Start, Step, graph_from_json

STEPS = """\
- step: ship
  workflow: ship_order
  with: {order: "${ input.id }"}
  key: ship-${ input.id }
  queue: parcels
  retry: 3
  timeout: 1d
- {step: survey, start: ask, attached: true}
- {step: tell, emit: order.shipped, key: "${ input.id }", with: {parcels: 2}}
- {step: tell_one, emit: order.shipped, to: "${ input.parent }"}
- {step: show, publish: {parcels: "${ data.n }", state: sent}}
"""


def compiled(steps: str, more: str = "") -> Graph:
    [graph] = compile_text(f"workflow: w\n{more}steps:\n{indent(steps, '  ')}")
    assert graph_from_json(graph.to_json()) == graph
    return graph


def test_children_and_events_become_actions() -> None:
    ship, survey, tell, tell_one, show = (node for node in compiled(STEPS).steps if isinstance(node, Step))
    assert ship == Step(
        id="ship",
        action=Child(
            workflow="ship_order", with_={"order": "${ input.id }"}, key="ship-${ input.id }", queue="parcels"
        ),
        retry=RetryPolicy(max_attempts=3),
        timeout=86_400_000,
    )
    assert survey.action == Start(workflow="ask", attached=True)
    assert tell.action == Emit(event="order.shipped", key="${ input.id }", with_={"parcels": 2})
    assert tell_one.action == Emit(event="order.shipped", to="${ input.parent }")
    assert show.action == Publish(values={"parcels": "${ data.n }", "state": "sent"})


def test_the_defaults_do_not_hold_for_children() -> None:
    [node] = compiled("- {step: a, workflow: b}\n", "defaults: {retry: 5, timeout: 1m}\n").steps
    assert node == Step(id="a", action=Child(workflow="b"))


def test_python_gives_the_same_children_as_yaml() -> None:
    ask = workflow("ask", step("a", log="a"))
    built = workflow(
        "w",
        step(
            "ship",
            workflow="ship_order",
            with_={"order": "${ input.id }"},
            key="ship-${ input.id }",
            queue="parcels",
            retry=3,
            timeout="1d",
        ),
        step("survey", start=ask, attached=True),
        step("tell", emit="order.shipped", key="${ input.id }", with_={"parcels": 2}),
        step("tell_one", emit="order.shipped", to="${ input.parent }"),
        step("show", publish={"parcels": "${ data.n }", "state": "sent"}),
    )
    assert compile(built) == compiled(STEPS)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("start: b, retry: 3", "W108 'retry' has no effect on 'start', which has no attempts"),
        ("emit: b, key: c, timeout: 3s", "W108 'timeout' has no effect on 'emit', which has no attempts"),
        ("publish: {a: 1}, retry: 3", "W108 'retry' has no effect on 'publish', which has no attempts"),
        ("publish: {a: '${ itm }'}", "W110 there is no 'itm' here"),
        ("workflow: b, key: '${ itm }'", "W110 there is no 'itm' here"),
        ("emit: b, to: '${ itm }'", "W110 there is no 'itm' here"),
        ("call: a.b, compensate: {emit: b}", "W025 'emit' needs 'to' or 'key'"),
    ],
)
def test_a_mistake_about_children_and_events(step: str, problem: str) -> None:
    found = check_text(f"workflow: w\nsteps:\n  - {{step: a, {step}}}\n")
    assert [f"{each.code} {each.message}" for each in found] == [problem]


def test_a_child_is_drawn_with_a_double_frame() -> None:
    graph = compiled("- {step: a, workflow: b}\n")
    assert "peripheries=2" in to_dot(graph)
    assert 'n-a[["<b>a</b><br>workflow b"]]' in to_mermaid(graph)
    drawn = to_svg_blocks(graph)
    group = drawn[drawn.index('<g id="node-a"') :]
    assert group[: group.index("</g>")].count("<rect") == 2
