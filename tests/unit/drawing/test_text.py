from __future__ import annotations

import re
from textwrap import dedent

from hypothesis import given, settings
from rich.cells import cell_len

from durable_dsl.drawing import NodeState, NodeStatus, to_text
from durable_dsl.graph import Graph
from tests.unit.drawing.samples import HOSTILE_STATE, ORDER, call, graphs, hostile_graph


def test_a_workflow_reads_from_top_to_bottom() -> None:
    assert to_text(ORDER) == dedent(
        """\
        ● process_order
        ├─ charge            call shop.charge · 3 attempts, exponential 1s · timeout 1m30s
        ├─ decision fraud
        │  ├─ when data.score > 0.9 → refuse
        │  ├─ when data.vip → lines
        │  └─ otherwise → next
        ├─ branch route      match data.kind
        │  ├─ digital:
        │  │  └─ link        call shop.link
        │  ├─ physical:
        │  │  ├─ ship        call shop.ship
        │  │  └─ tell        call shop.tell
        │  └─ default:
        │     └─ (nothing)
        ├─ ◷ wait cool_down  for 30m
        ├─ foreach lines     line in data.lines · concurrency 4
        │  ├─ price          call shop.price
        │  └─ group pack
        │     └─ box         call shop.box
        ├─ loop poll         until data.shipped · every 30s · at most 100 turns
        │  ├─ ask            call shop.ask
        │  ├─ decision enough
        │  │  ├─ when iteration > 50 → end
        │  │  └─ otherwise → next
        │  └─ note           log not yet
        ├─ parallel notify
        │  ├─ mail:
        │  │  └─ mail        call shop.mail
        │  └─ sms:
        │     └─ loop sms    while !data.sent · at most 1000 turns
        │        └─ send     call shop.send
        ├─ finish early      when data.fine · ends the execution
        ├─ sum_up            set total, paid
        ├─ decision done
        │  ├─ when data.ok → end
        │  └─ otherwise → next
        └─ fail refuse       Refused: Too risky
        """
    )


def test_states_stand_before_the_facts_with_a_legend_below() -> None:
    small = Graph(workflow="w", steps=(call("first"), call("second"), call("third")))
    states = {
        "first": NodeState(NodeStatus.completed),
        "second": NodeState(NodeStatus.retrying, attempts=2, detail="retry at 12:03"),
    }
    assert to_text(small, states) == dedent(
        """\
        ● w
        ├─ ✓ first   completed · call shop.first
        ├─ ↻ second  retrying · attempt 2 · retry at 12:03 · call shop.second
        └─ ○ third   call shop.third

        ○ pending  ↻ retrying  ✓ completed
        """
    )


def test_without_unicode_every_byte_is_ascii() -> None:
    small = Graph(workflow="wörk", steps=(call("a", when="data.x == 'ü…' " + "x" * 99),))
    assert to_text(small, {"a": NodeState(NodeStatus.failed)}, unicode=False) == (
        "* w\\xf6rk\n`- [x] a  failed, when data.x == '\\xfc...' " + "x" * 23 + "..., call shop.a\n\n[x] failed\n"
    )


def test_colours_are_the_only_difference() -> None:
    states = {"charge": NodeState(NodeStatus.running)}
    plain, coloured = to_text(ORDER, states), to_text(ORDER, states, color=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert "\x1b[34m▶ \x1b[0m" in coloured


def test_hostile_texts_cannot_reach_the_terminal() -> None:
    graph = hostile_graph()
    drawn = to_text(graph, {node.id: HOSTILE_STATE for node in graph.walk()})
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    assert drawn.encode()
    assert drawn.isprintable() is False
    assert drawn.replace("\n", "").isprintable()
    assert max(cell_len(line) for line in drawn.splitlines()) < 320


def test_wide_letters_keep_the_columns_straight() -> None:
    small = Graph(workflow="w", steps=(call("注文"), call("abcd"), call("é")))
    lines = to_text(small).splitlines()[1:]
    assert [cell_len(line[: line.index("call")]) for line in lines] == [9, 9, 9]


@settings(max_examples=30, deadline=None)
@given(graphs())
def test_any_graph_has_a_line_for_each_node(graph: Graph) -> None:
    found = re.findall(r"^[│├└─ ]+(?:[◷◈] )?(?:[a-z]+ )?(n\d+)(?:$|  )", to_text(graph), flags=re.MULTILINE)
    # Depth first, as the workflow is written.
    assert found == [node.name for node in graph.walk()]
