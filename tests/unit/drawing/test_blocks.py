from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from durable_dsl.drawing import DrawingError, NodeState, NodeStatus, to_svg_blocks
from durable_dsl.drawing.words import jumps_of
from durable_dsl.graph import Choice, Decision, Fail, Foreach, Graph, Group, Loop, Parallel, Wait, lists_of
from tests.unit.drawing.samples import EVERY_STATUS, HOSTILE_STATE, ORDER, call, graphs, hostile_graph

SVG = "{http://www.w3.org/2000/svg}"
BOXED = (Parallel, Foreach, Loop, Group)
Rectangle = tuple[float, float, float, float]


def drawn_nodes(svg: str) -> dict[str, ElementTree.Element]:
    groups = [each for each in ElementTree.fromstring(svg).iter(f"{SVG}g") if each.get("data-node") is not None]
    found = {str(group.get("data-node")): group for group in groups}
    assert len(found) == len(groups), "a node is drawn twice"
    return found


def drawn_edges(svg: str, kind: str = "") -> list[tuple[str, str]]:
    paths = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return sorted(
        (str(path.get("data-from")), str(path.get("data-to")))
        for path in paths
        if path.get("data-from") is not None and kind in str(path.get("class"))
    )


def rectangle(group: ElementTree.Element) -> Rectangle:
    """Gives left, top, right and bottom of a node's outline."""
    shape = next(each for each in group if each.tag in (f"{SVG}rect", f"{SVG}polygon"))
    if shape.tag == f"{SVG}polygon":
        points = [tuple(map(float, point.split(","))) for point in str(shape.get("points")).split()]
        return (
            min(x for x, _ in points),
            min(y for _, y in points),
            max(x for x, _ in points),
            max(y for _, y in points),
        )
    x, y, width, height = (float(str(shape.get(name))) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def points_of(path: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", str(path.get("d")))]


def test_every_edge_of_a_workflow_is_there_and_no_other() -> None:
    svg = to_svg_blocks(ORDER)
    assert drawn_edges(svg, "jump") == [
        ("done", "#end"),
        ("fraud", "lines"),
        ("fraud", "refuse"),
        ("poll/enough", "poll"),
    ]
    assert drawn_edges(svg, "back") == [("notify/sms/send", "notify/sms"), ("poll", "poll/ask")]
    assert drawn_edges(svg, "flow") == sorted(
        [
            ("#start", "charge"),
            ("charge", "fraud"),
            ("fraud", "route"),
            ("route", "route/link"),
            ("route/link", "route"),
            ("route", "route/ship"),
            ("route/ship", "route/tell"),
            ("route/tell", "route"),
            ("route", "route"),  # the empty default
            ("route", "cool_down"),
            ("cool_down", "lines"),
            ("lines", "lines/price"),
            ("lines/price", "lines/pack"),
            ("lines/pack", "lines/pack/box"),
            ("lines/pack/box", "lines/pack"),
            ("lines/pack", "lines"),
            ("lines", "poll"),
            ("poll", "poll/ask"),
            ("poll/ask", "poll/enough"),
            ("poll/enough", "poll/note"),
            ("poll/note", "poll"),
            ("poll", "poll"),  # out of the test
            ("poll", "notify"),
            ("notify", "notify/mail"),
            ("notify/mail", "notify"),
            ("notify", "notify/sms"),
            ("notify/sms", "notify/sms"),  # into the test
            ("notify/sms", "notify/sms"),  # out of it
            ("notify/sms", "notify/sms/send"),
            ("notify/sms", "notify"),
            ("notify", "early"),
            ("early", "sum_up"),
            ("sum_up", "done"),
            ("done", "refuse"),
        ]
    )


def test_a_failing_list_has_no_way_on() -> None:
    ending = Graph(workflow="w", steps=(Group(id="g", steps=(Fail(id="g/no"),)), call("after")))
    assert drawn_edges(to_svg_blocks(ending)) == [("#start", "g"), ("after", "#end"), ("g", "g/no")]


def test_a_jump_that_leads_nowhere_is_told() -> None:
    lost = Graph(workflow="w", steps=(Decision(id="d", choose=(Choice(when="true", goto="x"),)),))
    with pytest.raises(DrawingError, match="'w' jumps to 'x', which does not come after it"):
        to_svg_blocks(lost)


def test_a_decision_lists_what_leads_where() -> None:
    words = "".join(drawn_nodes(to_svg_blocks(ORDER))["fraud"].itertext())
    assert "when data.score > 0.9 → refuse" in words
    assert "when data.vip → lines" in words


def test_a_status_shows_as_class_colour_glyph_and_border() -> None:
    states = {"charge": NodeState(NodeStatus.waiting), "fraud": NodeState(NodeStatus.failed, detail="Timeout")}
    nodes = drawn_nodes(to_svg_blocks(ORDER, states))
    assert nodes["charge"].get("class") == "node kind-step status-waiting"
    assert nodes["charge"][1].get("stroke-dasharray") == "6 4"
    assert nodes["charge"][1].get("fill") == "#fef3c7"
    assert "‖ charge" in "".join(nodes["charge"].itertext())
    assert [each.tag for each in nodes["fraud"]][1:3] == [f"{SVG}polygon", f"{SVG}polygon"]
    assert "failed · Timeout" in "".join(nodes["fraud"].itertext())


def test_a_legend_comes_only_with_states() -> None:
    def legends(svg: str) -> list[str]:
        groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
        return ["".join(group.itertext()) for group in groups if group.get("class") == "legend"]

    assert legends(to_svg_blocks(ORDER)) == []
    assert legends(to_svg_blocks(ORDER, {"charge": NodeState(NodeStatus.completed)})) == ["○ pending✓ completed"]


def test_hostile_texts_stay_texts() -> None:
    graph = hostile_graph()
    svg = to_svg_blocks(graph, {node.id: HOSTILE_STATE for node in graph.walk()})
    root = ElementTree.fromstring(svg.encode())
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        "svg", "title", "desc", "defs", "marker", "path", "rect", "circle", "polygon", "g", "text", "tspan",
    }  # fmt: skip
    assert len(drawn_nodes(svg)) == 6
    assert max(len("".join(text.itertext())) for text in root.iter(f"{SVG}text")) < 120


def test_the_same_graph_gives_the_same_drawing() -> None:
    assert to_svg_blocks(ORDER, EVERY_STATUS) == to_svg_blocks(ORDER, dict(reversed(EVERY_STATUS.items())))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_in_any_graph_nothing_overlaps_and_no_line_crosses_a_node(graph: Graph) -> None:
    svg = to_svg_blocks(graph)
    root = ElementTree.fromstring(svg)
    nodes = list(graph.walk())
    places = {name: rectangle(group) for name, group in drawn_nodes(svg).items()}
    assert sorted(places) == sorted(node.id for node in nodes)

    for node in nodes:
        if isinstance(node, BOXED):
            left, top, right, bottom = places[node.id]
            for _label, inner in lists_of(node):
                for each in inner:
                    a, b, c, d = places[each.id]
                    assert (left <= a, top < b, c <= right, d < bottom) == (True,) * 4, f"{each.id} stands out"

    boxes = [places[node.id] for node in nodes if not isinstance(node, BOXED)]
    for at, (left, top, right, bottom) in enumerate(boxes):
        for a, b, c, d in boxes[:at]:
            assert c <= left or right <= a or d <= top or bottom <= b, "two nodes overlap"

    lines = [path for path in root.iter(f"{SVG}path") if path.get("fill") == "none"]
    for path in lines:
        for (ax, ay), (bx, by) in pairwise(points_of(path)):
            # A level line keeps its distance; an upright one may end at a border.
            distance = 4 if ay == by else -1
            for left, top, right, bottom in boxes:
                beside = max(ax, bx) <= left + 1 or min(ax, bx) >= right - 1
                apart = max(ay, by) <= top - distance or min(ay, by) >= bottom + distance
                assert beside or apart, f"a line of {path.attrib} crosses a node"

    # Upright pieces of jumps, by their x: those to different targets never run in one another's lane.
    upright: dict[float, list[tuple[float, float, str]]] = {}
    for path in lines:
        if path.get("class") == "edge jump":
            for (ax, ay), (bx, by) in pairwise(points_of(path)):
                if ax == bx:
                    upright.setdefault(ax, []).append((min(ay, by), max(ay, by), str(path.get("data-to"))))
    for pieces in upright.values():
        for at, (low, high, target) in enumerate(pieces):
            for other_low, other_high, other in pieces[:at]:
                assert target == other or high <= other_low or other_high <= low, f"{target} and {other} share a lane"

    width, height = float(str(root.get("width"))), float(str(root.get("height")))
    for x, y in [point for path in lines for point in points_of(path)]:
        assert 0 <= x <= width
        assert 0 <= y <= height
    chosen = Counter(source for source, _target in drawn_edges(svg, "jump"))
    assert chosen == Counter({node.id: len(jumps_of(node)) for node in nodes if isinstance(node, Decision | Wait)})
