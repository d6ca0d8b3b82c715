from __future__ import annotations

import re

from durable_dsl.drawing import NodeState, NodeStatus, to_mermaid
from durable_dsl.graph import Graph, Group
from tests.unit.drawing.samples import HOSTILE_STATE, ORDER, call, hostile_graph

# What Mermaid may be given between quotes: letters of any writing, harmless marks, our own tags and `#number;`.
HARMLESS = re.compile(r"(?:[^\x00-\x1f\"`<>&#\\|\[\]{}$%*;]|#\d+;|</?[bi]>|<br>)*")


def test_a_small_workflow_gives_a_small_text() -> None:
    small = Graph(workflow="w", steps=(call("first"), Group(id="end", timeout=5000, steps=(call("end/class"),))))
    assert to_mermaid(small) == (
        "---\n"
        'title: "w"\n'
        "---\n"
        "flowchart TD\n"
        '  nX23Xstart(("start"))\n'
        '  n-first("<b>first</b><br>call shop.first")\n'
        '  subgraph n-end["group <b>end</b><br>timeout 5s"]\n'
        '    n-end-class("<b>class</b><br>call shop.class")\n'
        "  end\n"
        '  nX23Xend((("end")))\n'
        "  nX23Xstart --> n-first\n"
        "  n-first --> n-end\n"
        "  n-end --> nX23Xend\n"
        "  classDef dot fill:#475569,stroke:#475569,color:#475569\n"
    ).replace("nX23X", "n-X23X")


def test_jumps_turns_and_cases_are_told_apart() -> None:
    lines = to_mermaid(ORDER).splitlines()
    assert '  n-fraud ==>|"data.score #62; 0.9"| n-refuse' in lines
    assert '  n-poll-X23Xtest -.->|"no, every 30s"| n-poll-ask'.replace("poll-X23X", "pollX23X") in lines
    assert '  n-route -->|"physical"| n-route-ship' in lines
    assert '  n-fraud{"decision <b>fraud</b>"}' in lines
    assert '  n-cool_down(["◷ wait <b>cool_down</b><br>for 30m"])' in lines


def test_every_node_is_named_once() -> None:
    named = re.findall(r"^ *(?:subgraph )?n-([a-z_-]+)[\[({]", to_mermaid(ORDER), flags=re.MULTILINE)
    assert sorted(named) == sorted(node.id.replace("/", "-") for node in ORDER.walk())


def test_statuses_are_classes_with_their_own_border() -> None:
    drawn = to_mermaid(ORDER, {"charge": NodeState(NodeStatus.waiting), "notify": NodeState(NodeStatus.skipped)})
    assert "  class n-charge,legend-waiting waiting\n" in drawn
    assert "  class n-notify,legend-skipped skipped\n" in drawn
    assert (
        "  classDef waiting fill:#fef3c7,stroke:#b45309,stroke-width:1.4px,stroke-dasharray:6 4,color:#0f172a\n"
        in drawn
    )
    assert '    legend-waiting("‖ waiting")\n' in drawn
    assert "classDef failed" not in drawn
    assert "legend" not in to_mermaid(ORDER)


def test_hostile_texts_stay_texts() -> None:
    graph = hostile_graph()
    drawn = to_mermaid(graph, {node.id: HOSTILE_STATE for node in graph.walk()})
    body = drawn.split("---\n", 2)[2]
    for quoted in re.findall(r'"([^"\n]*)"', body):
        assert HARMLESS.fullmatch(quoted), quoted
    # Two quotes around each text, and never one that is left open.
    assert all(line.count('"') % 2 == 0 for line in body.splitlines())
    assert drawn.encode()
    assert "\x1b" not in drawn
