"""Graph to DOT, Graphviz' language, built with the `graphviz` package."""

from __future__ import annotations

import html

import graphviz

from durable_dsl.drawing.flow import Arrow, Box, Mark, Part, Shape, trace
from durable_dsl.drawing.status import (
    FAINT,
    INK,
    LINE,
    LOOKS,
    PENDING,
    RED,
    NodeState,
    NodeStatus,
    States,
    state_of,
    status_words,
    statuses_shown,
)
from durable_dsl.drawing.words import LABEL, ON_FAILURE, clean, facts, glyph, is_child, kind_word, shorten, title
from durable_dsl.graph import Graph, Loop, Node

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"


def to_dot(graph: Graph, states: States | None = None) -> str:
    """Draws a graph as DOT, in time linear in its size.

    A leaf is a DOT node named by its id, a container a cluster named `cluster_` and its id; both carry
    `id="node-<id>"`, so that the SVG made from it can be found by node. Raises `DrawingError` when a jump leads
    nowhere.
    """
    flow = trace(graph)
    dot = graphviz.Digraph(name=graphviz.escape(clean(graph.workflow)))
    dot.attr(
        "graph", rankdir="TB", compound="true", fontname=FONT, fontsize="14", fontcolor=INK, bgcolor="white", pad="0.3",
        nodesep="0.35", ranksep="0.4", labelloc="t", labeljust="l", label=_rich(_bold(shorten(graph.workflow, 80))),
        tooltip=_plain(graph.description or graph.workflow),
    )  # fmt: skip
    dot.attr(
        "node", shape="box", style="rounded,filled", fontname=FONT, fontsize="12", fontcolor=INK, color=LINE,
        fillcolor="white", margin="0.16,0.08", height="0.45", penwidth="1.2",
    )  # fmt: skip
    dot.attr("edge", fontname=FONT, fontsize="10", fontcolor=FAINT, color=LINE, arrowsize="0.7", penwidth="1.2")
    for part in flow.parts:
        _add(dot, part, states)
    for arrow in flow.arrows:
        _connect(dot, arrow)
    if states is not None:
        _add_legend(dot, graph, states)
    return str(dot.source)


def _add(dot: graphviz.Digraph, part: Part, states: States | None) -> None:
    if isinstance(part, Box):
        state = state_of(part.key, states)
        with dot.subgraph(name="cluster_" + _key(part.key)) as inner:
            inner.attr(
                label=_label(part.node, state, '<br align="left"/>'), labeljust="l", labelloc="t", margin="14",
                id=_plain("node-" + part.key), tooltip=_tooltip(part.node), **_box_look(state),
            )  # fmt: skip
            for each in part.parts:
                _add(inner, each, states)
        return
    dot.node(_key(part.key), **_mark_attributes(part, states))


def _mark_attributes(mark: Mark, states: States | None) -> dict[str, str]:
    dot_size = {"label": "", "width": "0.16", "height": "0.16", "fixedsize": "true", "margin": "0", "style": "filled"}
    match mark.shape:
        case Shape.start:
            return {**dot_size, "shape": "circle", "width": "0.2", "height": "0.2", "fillcolor": INK, "color": INK}
        case Shape.end:
            return {
                **dot_size,
                "shape": "doublecircle",
                "width": "0.14",
                "height": "0.14",
                "fillcolor": INK,
                "color": INK,
            }
        case Shape.fork | Shape.join:
            return {
                **dot_size,
                "shape": "circle",
                "width": "0.12",
                "height": "0.12",
                "fillcolor": FAINT,
                "color": FAINT,
            }
        case Shape.empty:
            return {**dot_size, "shape": "circle", "width": "0.08", "height": "0.08", "fillcolor": LINE}
        case Shape.failed | Shape.rethrow:
            words = ON_FAILURE if mark.shape is Shape.failed else "rethrow"
            return {
                "shape": "octagon",
                "label": _rich(_small(words)),
                "color": RED,
                "margin": "0.04,0",
                "height": "0.3",
            }
        case _:
            assert mark.node is not None
            return _node_attributes(mark, mark.node, states)


def _node_attributes(mark: Mark, node: Node, states: States | None) -> dict[str, str]:
    if mark.shape is Shape.test:
        assert isinstance(node, Loop)
        word = "while" if node.while_ is not None else "until"
        return {
            "shape": "hexagon",
            "style": "filled",
            "label": _rich(_small(word)),
            "margin": "0.02,0.02",
            "height": "0.3",
        }
    state = state_of(mark.key, states)
    found = {"id": _plain("node-" + mark.key), "tooltip": _tooltip(node), "label": _label(node, state)}
    styles = ["filled"]
    match mark.shape:
        case Shape.choice:
            found |= {"shape": "diamond", "margin": "0.02,0.02"}
        case Shape.fail:
            found |= {"shape": "octagon", "color": RED, "margin": "0.1,0.04"}
        case Shape.finish:
            found |= {"shape": "box", "color": INK, "penwidth": "2"}
            styles.append("rounded")
        case _:
            styles.append("rounded")
    if is_child(node):
        found["peripheries"] = "2"
    if state is not None:
        look = LOOKS[state.status]
        found |= {"fillcolor": look.fill, "color": look.stroke, "penwidth": f"{look.width:g}"}
        if look.border == "double":
            found["peripheries"] = "2"
        elif look.border != "solid":
            styles.append(look.border)
    return found | {"style": ",".join(styles)}


def _box_look(state: NodeState | None) -> dict[str, str]:
    if state is None:
        return {"style": "rounded,filled", "color": "#cbd5e1", "fillcolor": "#f8fafc", "penwidth": "1.2"}
    look = LOOKS[state.status]
    # Graphviz draws no double line around a cluster; a heavy one stands for it.
    width = look.width * 2 if look.border == "double" else look.width
    style = "rounded,filled" if look.border in ("solid", "double") else f"rounded,filled,{look.border}"
    return {"style": style, "color": look.stroke, "fillcolor": "#f8fafc", "penwidth": f"{width:g}"}


def _connect(dot: graphviz.Digraph, arrow: Arrow) -> None:
    found: dict[str, str] = {}
    if arrow.label:
        found["label"] = _rich("&nbsp;" + _text(shorten(arrow.label, LABEL)) + "&nbsp;")
        found["labeltooltip"] = found["tooltip"] = _plain(arrow.label)
    if arrow.enters is not None:
        found["lhead"] = "cluster_" + _key(arrow.enters)
    if arrow.leaves is not None:
        found["ltail"] = "cluster_" + _key(arrow.leaves)
    match arrow.kind:
        case "back":
            found |= {"constraint": "false", "style": "dashed"}
        case "jump":
            found |= {"color": FAINT, "arrowhead": "vee"}
        case "catch":
            found |= {"style": "dashed", "color": RED}
        case "flow":
            pass
    dot.edge(_key(arrow.tail), _key(arrow.head), **found)


def _add_legend(dot: graphviz.Digraph, graph: Graph, states: States) -> None:
    cells = [_legend_cell(status) for status in statuses_shown((node.id for node in graph.walk()), states)]
    rows = "".join(f"<tr>{''.join(cells[at : at + 5])}</tr>" for at in range(0, len(cells), 5))
    # A graph without nodes has no status to show, and a table without rows is none.
    table = f'<table border="0" cellborder="0" cellspacing="4" cellpadding="0">{rows or "<tr><td></td></tr>"}</table>'
    dot.node("#legend", label=_rich(table), shape="plain", style="", id="legend", tooltip="legend")


def _legend_cell(status: NodeStatus) -> str:
    look = LOOKS[status]
    width = max(1, round(look.width))
    style = "rounded" if look.border in ("solid", "double") else f"rounded,{look.border}"
    inner = f'<font point-size="10">{look.glyph} {status}</font>'
    box = f'border="{width}" color="{look.stroke}" bgcolor="{look.fill}" cellpadding="3"'
    if look.border == "double":
        inner = f'<table {box} style="rounded" cellborder="0" cellspacing="0"><tr><td>{inner}</td></tr></table>'
        box = f'border="1" color="{look.stroke}" cellpadding="2"'
    return f'<td {box} style="{style}">{inner}</td>'


def _label(node: Node, state: NodeState | None, line_end: str = "<br/>") -> str:
    word = kind_word(node)
    head = (_small(word) + " " if word else "") + _bold(title(node))
    if glyph(node):
        head = f'<font color="{FAINT}">{glyph(node)}</font> {head}'
    if state is not None:
        head = f'<font color="{LOOKS[state.status].stroke}">{LOOKS[state.status].glyph}</font> {head}'
    lines = [head, *(_small(fact) for fact in facts(node))]
    if state is not None and state != PENDING:
        words = _text(shorten(status_words(state), 60))
        lines.append(f'<font point-size="10" color="{LOOKS[state.status].stroke}">{words}</font>')
    # A closing line end is what sets the side of the last line.
    return _rich(line_end.join(lines) + (line_end if len(lines) > 1 and "left" in line_end else ""))


def _tooltip(node: Node) -> str:
    return _plain(node.id if node.description is None else f"{node.id}: {node.description}")


def _rich(markup: str) -> str:
    return f"<{markup}>"


def _bold(text: str) -> str:
    return f"<b>{_text(text)}</b>"


def _small(text: str) -> str:
    return f'<font point-size="10" color="{FAINT}">{_text(text)}</font>'


def _text(text: str) -> str:
    """Escapes a text for a rich label, in which Graphviz would put the node's name for `\\N`."""
    return html.escape(clean(text), quote=True).replace("\\", "\\\\")


def _plain(text: str) -> str:
    """Quotes a text for attributes in which Graphviz would replace `\\N` and its kin."""
    return str(graphviz.escape(clean(text)))


def _key(key: str) -> str:
    """Spells an id so that it is one DOT name: a colon would begin a port, a `%` an unnamed node."""
    return "".join(c if c.isalnum() or c in "_/#-." else f"~{ord(c):x}." for c in key)
