"""Lists that take errors: dashed paths beside their node, and a flow of its own for what runs after a failure."""

from __future__ import annotations

from textwrap import dedent

import pygraphviz

from durable_dsl.drawing import to_dot, to_mermaid, to_svg_blocks, to_text
from durable_dsl.graph import Catch, Graph, Group
from tests.unit.drawing.samples import call
from tests.unit.drawing.test_blocks import drawn_edges, drawn_nodes, rectangle

CAUGHT = Graph(
    workflow="w",
    steps=(
        call(
            "charge",
            ignore_errors=True,
            catch=(
                Catch(errors=("CardDeclined", "Busy"), when="error.attempt > 1", steps=(call("charge/catch/sorry"),)),
                Catch(compensate=True, rethrow=True),
            ),
        ),
        Group(id="pack", steps=(call("pack/box"),), catch=(Catch(steps=()),)),
        call("ship"),
    ),
    on_failure=(call("on_failure/tell"),),
)


def test_the_text_lists_them_below_their_node() -> None:
    assert to_text(CAUGHT) == dedent(
        """\
        ● w
        ├─ charge       call shop.charge · ignores errors
        │  ├─ catch CardDeclined, Busy when error.attempt…:
        │  │  └─ sorry  call shop.sorry
        │  └─ catch any error, compensates, passes it on:
        │     └─ (nothing)
        ├─ group pack
        │  ├─ box       call shop.box
        │  └─ catch any error:
        │     └─ (nothing)
        ├─ ship         call shop.ship
        └─ on failure:
           └─ tell      call shop.tell
        """
    )


def test_dot_draws_dashed_paths() -> None:
    parsed = pygraphviz.AGraph(string=to_dot(CAUGHT))
    dashed = sorted((str(edge[0]), str(edge[1])) for edge in parsed.edges() if edge.attr["style"] == "dashed")
    assert dashed == [("charge", "charge#rethrow-1"), ("charge", "charge/catch/sorry"), ("pack/box", "ship")]
    assert parsed.has_edge("charge/catch/sorry", "pack/box")
    assert parsed.has_edge("#failed", "on_failure/tell")
    assert parsed.has_edge("on_failure/tell", "#failed-end")


def test_mermaid_draws_dashed_paths() -> None:
    drawn = to_mermaid(CAUGHT)
    assert 'n-charge -.->|"catch CardDeclined, Busy when error…"| n-charge-catch-sorry' in drawn
    assert 'n-pack -.->|"catch any error"| n-ship' in drawn
    assert '[["on failure"]]' in drawn


def test_blocks_put_them_at_the_right_of_their_node() -> None:
    svg = to_svg_blocks(CAUGHT)
    assert drawn_edges(svg, "catch") == [("charge", "charge"), ("charge", "charge/catch/sorry"), ("pack", "pack")]
    assert ("charge/catch/sorry", "charge") in drawn_edges(svg, "flow")
    assert drawn_edges(svg, "flow")[:2] == [("#failed", "on_failure/tell"), ("#start", "charge")]
    places = {name: rectangle(node) for name, node in drawn_nodes(svg).items()}
    assert places["charge/catch/sorry"][0] > places["charge"][2]
    assert places["on_failure/tell"][0] > places["charge/catch/sorry"][2]
