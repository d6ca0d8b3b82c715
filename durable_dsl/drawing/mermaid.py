"""Graph to a Mermaid flowchart, which code hosts and wikis draw from plain text."""

from __future__ import annotations

import re

from durable_dsl.drawing.flow import Arrow, Box, Mark, Part, Shape, trace
from durable_dsl.drawing.status import LOOKS, PENDING, Border, NodeState, States, state_of, status_words, statuses_shown
from durable_dsl.drawing.words import LABEL, ON_FAILURE, clean, facts, glyph, is_child, kind_word, shorten, title
from durable_dsl.graph import Graph, Loop, Node

_DASHES: dict[Border, str] = {
    "solid": "",
    "dashed": ",stroke-dasharray:6 4",
    "dotted": ",stroke-dasharray:2 3",
    "double": "",
}


def to_mermaid(graph: Graph, states: States | None = None) -> str:
    """Draws a graph as a Mermaid flowchart, in time linear in its size.

    A node's name in the text is `n-` and its id with `-` for `/`. Mermaid has no double border: failed and
    compensated nodes have a heavy one. Raises `DrawingError` when a jump leads nowhere.
    """
    flow = trace(graph)
    lines = ["---", f"title: {_quoted_title(graph.workflow)}", "---", "flowchart TD"]
    for part in flow.parts:
        _add(lines, part, states, "  ")
    lines += ["  " + _arrow(arrow) for arrow in flow.arrows]
    lines.append("  classDef dot fill:#475569,stroke:#475569,color:#475569")
    if states is not None:
        lines += _status_lines(graph, states)
    return "\n".join(lines) + "\n"


def _add(lines: list[str], part: Part, states: States | None, indent: str) -> None:
    if isinstance(part, Box):
        lines.append(f'{indent}subgraph {_key(part.key)}["{_label(part.node, state_of(part.key, states))}"]')
        for each in part.parts:
            _add(lines, each, states, indent + "  ")
        lines.append(indent + "end")
        return
    lines.append(f"{indent}{_key(part.key)}{_mark(part, states)}")


def _mark(mark: Mark, states: States | None) -> str:
    match mark.shape:
        case Shape.start:
            return '(("start"))'
        case Shape.end:
            return '((("end")))'
        case Shape.fork | Shape.join | Shape.empty:
            return '((" ")):::dot'
        case Shape.failed:
            return '[["' + ON_FAILURE + '"]]'
        case Shape.rethrow:
            return '[["rethrow"]]'
        case Shape.test:
            assert isinstance(mark.node, Loop)
            return '{{"' + ("while" if mark.node.while_ is not None else "until") + '"}}'
        case _:
            assert mark.node is not None
            text = _label(mark.node, state_of(mark.key, states))
    match mark.shape:
        case Shape.choice:
            return '{"' + text + '"}'
        case Shape.wait:
            return '(["' + text + '"])'
        case Shape.fail:
            return '[["' + text + '"]]'
        case Shape.finish:
            return '((("' + text + '")))'
        case _:
            return '[["' + text + '"]]' if is_child(mark.node) else '("' + text + '")'


def _label(node: Node, state: NodeState | None) -> str:
    head = " ".join(filter(None, (glyph(node), kind_word(node), f"<b>{_text(title(node))}</b>")))
    if state is not None:
        head = f"{LOOKS[state.status].glyph} {head}"
    lines = [head, *map(_text, facts(node))]
    if state is not None and state != PENDING:
        lines.append(f"<i>{_text(shorten(status_words(state), 60))}</i>")
    return "<br>".join(lines)


def _arrow(arrow: Arrow) -> str:
    line = "-.->" if arrow.kind in ("back", "catch") else "==>" if arrow.kind == "jump" else "-->"
    label = f'|"{_text(shorten(arrow.label, LABEL))}"|' if clean(arrow.label) else ""
    return f"{_key(arrow.leaves or arrow.tail)} {line}{label} {_key(arrow.enters or arrow.head)}"


def _status_lines(graph: Graph, states: States) -> list[str]:
    by_status: dict[str, list[str]] = {}
    for node in graph.walk():
        state = states.get(node.id, PENDING)
        by_status.setdefault(state.status, []).append(_key(node.id))
    shown = statuses_shown((node.id for node in graph.walk()), states)
    lines = ["  subgraph legend-of-statuses[status]", "    direction LR"]
    lines += [f'    legend-{status}("{LOOKS[status].glyph} {status}")' for status in shown]
    lines.append("  end")
    for status in shown:
        look = LOOKS[status]
        width = look.width * 2 if look.border == "double" else look.width
        dress = f"fill:{look.fill},stroke:{look.stroke},stroke-width:{width:g}px{_DASHES[look.border]},color:#0f172a"
        lines.append(f"  classDef {status} {dress}")
        lines.append(f"  class {','.join((*by_status[status], f'legend-{status}'))} {status}")
    return lines


def _text(text: str) -> str:
    """Spells everything that Mermaid, HTML or Markdown could read as a command by its number."""
    return _HARMFUL.sub(lambda found: f"#{ord(found[0])};", text)


_HARMFUL = re.compile(
    r"""[^\w\s.,:/+=?!'()\u0080-\U0010ffff-] # quotes, brackets, `#`, `<`, `*`, `$`, `%` ...
      | (?<!\w)[_.-] | [_.-](?!\w)    # emphasis and lists; between letters these are only letters
    """,
    re.VERBOSE,
)


def _key(key: str) -> str:
    """Spells an id as a Mermaid name. The prefix keeps words like `end` and `class` from being read as such."""
    return "n-" + "".join(c if c in _KEY_LETTERS else "-" if c == "/" else f"X{ord(c):X}X" for c in key)


_KEY_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def _quoted_title(text: str) -> str:
    return '"' + shorten(text, 80).replace("\\", "\\\\").replace('"', '\\"') + '"'
