from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

import pygraphviz
import pytest
from hypothesis import HealthCheck, given, settings

from durable_dsl.drawing import DrawingError, NodeState, NodeStatus, to_dot
from durable_dsl.graph import Branch, Choice, Decision, Fail, Foreach, Graph, Group, Loop, Parallel, Wait
from tests.unit.drawing.samples import EVERY_STATUS, HOSTILE_STATE, ORDER, call, graphs, hostile_graph

BOXED = (Parallel, Foreach, Loop, Group)


def parse(dot: str) -> pygraphviz.AGraph:
    return pygraphviz.AGraph(string=dot)


def cluster_names(graph: pygraphviz.AGraph) -> list[str]:
    found = []
    for inner in graph.subgraphs():
        found += [inner.name, *cluster_names(inner)]
    return found


def edges(dot: str) -> list[tuple[str, str]]:
    return sorted((str(edge[0]), str(edge[1])) for edge in parse(dot).edges())


def test_every_arrow_of_a_workflow_is_there_and_no_other() -> None:
    assert edges(to_dot(ORDER)) == sorted(
        [
            ("#start", "charge"),
            ("charge", "fraud"),
            ("fraud", "refuse"),
            ("fraud", "lines/price"),
            ("fraud", "route"),
            ("route", "route/link"),
            ("route", "route/ship"),
            ("route/ship", "route/tell"),
            ("route", "cool_down"),
            ("route/link", "cool_down"),
            ("route/tell", "cool_down"),
            ("cool_down", "lines/price"),
            ("lines/price", "lines/pack/box"),
            ("lines/pack/box", "poll/ask"),
            ("poll/ask", "poll/enough"),
            ("poll/enough", "poll/note"),
            ("poll/enough", "poll#test"),
            ("poll/note", "poll#test"),
            ("poll#test", "poll/ask"),
            ("poll#test", "notify#fork"),
            ("notify#fork", "notify/mail"),
            ("notify#fork", "notify/sms#test"),
            ("notify/sms#test", "notify/sms/send"),
            ("notify/sms/send", "notify/sms#test"),
            ("notify/sms#test", "notify#join"),
            ("notify/mail", "notify#join"),
            ("notify#join", "early"),
            ("early", "sum_up"),
            ("sum_up", "done"),
            ("done", "refuse"),
            ("done", "#end"),
        ]
    )


def test_containers_are_clusters_and_nest_as_the_workflow_does() -> None:
    graph = parse(to_dot(ORDER))
    assert sorted(cluster_names(graph)) == sorted(
        ["cluster_lines", "cluster_lines/pack", "cluster_poll", "cluster_notify", "cluster_notify/sms"]
    )
    (lines,) = [inner for inner in graph.subgraphs() if inner.name == "cluster_lines"]
    assert sorted(lines.nodes()) == ["lines/pack/box", "lines/price"]
    assert [inner.name for inner in lines.subgraphs()] == ["cluster_lines/pack"]
    assert lines.graph_attr["label"] == (
        '<font point-size="10" color="#64748b">foreach</font> <b>lines</b><br align="left"/>'
        '<font point-size="10" color="#64748b">line in data.lines</font><br align="left"/>'
        '<font point-size="10" color="#64748b">concurrency 4</font><br align="left"/>'
    )


def test_arrows_into_and_out_of_a_foreach_stop_at_its_border() -> None:
    graph = parse(to_dot(ORDER))
    assert graph.get_edge("cool_down", "lines/price").attr["lhead"] == "cluster_lines"
    assert graph.get_edge("fraud", "lines/price").attr["lhead"] == "cluster_lines"
    assert graph.get_edge("lines/price", "lines/pack/box").attr["lhead"] == "cluster_lines/pack"
    assert graph.get_edge("lines/pack/box", "poll/ask").attr["ltail"] == "cluster_lines"


def test_an_arrow_into_nested_containers_stops_at_the_outermost() -> None:
    inner = Group(id="f/g", steps=(call("f/g/a"),))
    nested = Graph(workflow="w", steps=(call("a"), Foreach(id="f", items="data.x", steps=(inner,)), call("b")))
    graph = parse(to_dot(nested))
    assert graph.get_edge("a", "f/g/a").attr["lhead"] == "cluster_f"
    assert graph.get_edge("f/g/a", "b").attr["ltail"] == "cluster_f"


def test_a_loop_goes_back_from_its_test_with_the_pause_told() -> None:
    graph = parse(to_dot(ORDER))
    back = graph.get_edge("poll#test", "poll/ask")
    assert back.attr["label"] == "&nbsp;no, every 30s&nbsp;"
    assert back.attr["style"] == "dashed"
    # Or the way back would pull the test above what it tests.
    assert back.attr["constraint"] == "false"


def test_decisions_are_diamonds_with_labelled_jumps() -> None:
    graph = parse(to_dot(ORDER))
    assert graph.get_node("fraud").attr["shape"] == "diamond"
    assert graph.get_node("route").attr["shape"] == "diamond"
    assert graph.get_edge("fraud", "refuse").attr["label"] == "&nbsp;data.score &gt; 0.9&nbsp;"
    assert graph.get_edge("fraud", "route").attr["label"] == "&nbsp;otherwise&nbsp;"
    assert graph.get_edge("route", "cool_down").attr["label"] == "&nbsp;default&nbsp;"


def test_a_node_tells_its_retries_its_timeout_and_its_clock() -> None:
    graph = parse(to_dot(ORDER))
    assert "3 attempts, exponential 1s" in graph.get_node("charge").attr["label"]
    assert "timeout 1m30s" in graph.get_node("charge").attr["label"]
    assert graph.get_node("charge").attr["tooltip"] == "charge: Takes the money."
    assert "◷" in graph.get_node("cool_down").attr["label"]
    assert "for 30m" in graph.get_node("cool_down").attr["label"]


def test_a_failing_list_has_no_way_on_unless_its_node_can_be_skipped() -> None:
    ending = Graph(workflow="w", steps=(Group(id="g", steps=(Fail(id="g/no"),)), call("after")))
    assert edges(to_dot(ending)) == [("#start", "g/no"), ("after", "#end")]
    skipped = Graph(workflow="w", steps=(Group(id="g", when="data.x", steps=(Fail(id="g/no"),)), call("after")))
    assert edges(to_dot(skipped)) == [("#start", "g/no"), ("after", "#end"), ("g/no", "after")]


def test_a_jump_that_leads_nowhere_is_told() -> None:
    lost = Graph(workflow="w", steps=(call("a"), Decision(id="d", choose=(Choice(when="true", goto="a"),))))
    with pytest.raises(DrawingError, match="'w' jumps to 'a', which does not come after it"):
        to_dot(lost)


def test_each_status_can_be_told_by_glyph_by_border_and_by_colour() -> None:
    graph = parse(to_dot(ORDER, {"charge": NodeState(NodeStatus.retrying, attempts=2, detail="retry at 12:03")}))
    charge, refuse = graph.get_node("charge"), graph.get_node("refuse")
    assert "↻" in charge.attr["label"]
    assert "retrying · attempt 2 · retry at 12:03" in charge.attr["label"]
    assert charge.attr["style"] == "filled,rounded,dashed"
    assert charge.attr["color"] == "#c2410c"
    assert "○" in refuse.attr["label"]
    failed = parse(to_dot(ORDER, {"charge": NodeState(NodeStatus.failed), "lines": NodeState(NodeStatus.skipped)}))
    assert failed.get_node("charge").attr["peripheries"] == "2"
    (lines,) = [inner for inner in failed.subgraphs() if inner.name == "cluster_lines"]
    assert lines.graph_attr["style"] == "rounded,filled,dotted"


def test_a_legend_lists_the_statuses_that_occur_and_only_with_states() -> None:
    assert "#legend" not in parse(to_dot(ORDER)).nodes()
    graph = parse(to_dot(ORDER, {"charge": NodeState(NodeStatus.failed)}))
    legend = graph.get_node("#legend").attr["label"]
    assert "✗ failed" in legend
    assert "○ pending" in legend
    assert "completed" not in legend


def test_hostile_texts_stay_texts() -> None:
    graph = hostile_graph()
    dot = to_dot(graph, {node.id: HOSTILE_STATE for node in graph.walk()})
    parsed = parse(dot)
    # Four leaves and a branch, the fork and join of the parallel, start and legend; the last node fails, so there is an
    # end only for the jump to it.
    assert len(parsed.nodes()) == 5 + 2 + 2 + 1
    assert len(cluster_names(parsed)) == 1
    drawn = ElementTree.fromstring(parsed.draw(format="svg", prog="dot"))
    words = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert max(map(len, words)) <= 80
    # Graphviz would put a node's name for `\\N`, and end the line at `\\l`.
    assert """call "quo'ted" \\N \\l {a|b} ]--> <b>bold</b>…""" in words
    assert "\x1b" not in dot
    assert "&lt;b&gt;bold" in dot


def test_the_same_graph_gives_the_same_text() -> None:
    assert to_dot(ORDER, EVERY_STATUS) == to_dot(ORDER, dict(reversed(EVERY_STATUS.items())))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_any_graph_has_each_node_once_and_each_jump(graph: Graph) -> None:
    parsed = parse(to_dot(graph))
    nodes = list(graph.walk())
    marks = [str(node) for node in parsed.nodes() if "#" not in node]
    assert sorted(marks) == sorted(node.id for node in nodes if not isinstance(node, BOXED))
    assert sorted(cluster_names(parsed)) == sorted("cluster_" + node.id for node in nodes if isinstance(node, BOXED))
    chosen = [edge for edge in parsed.edges() if "data.x" in (edge.attr["label"] or "")]
    jumps = Counter(str(edge[0]) for edge in chosen)
    assert jumps == Counter({node.id: len(node.choose) for node in nodes if isinstance(node, Decision)})
    leading_on = {str(edge[0]) for edge in parsed.edges()}
    assert leading_on >= {
        node.id for node in nodes if isinstance(node, Wait) or (isinstance(node, Branch) and node.when)
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_graphviz_draws_any_graph(graph: Graph) -> None:
    assert b"</svg>" in parse(to_dot(graph)).draw(format="svg", prog="dot")
