"""Graph to a tree of text, for terminals and plain files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from rich.cells import cell_len

from durable_dsl.drawing.status import LOOKS, PENDING, NodeState, States, state_of, status_words, statuses_shown
from durable_dsl.drawing.words import (
    FACT,
    ON_FAILURE,
    OTHERWISE,
    catch_words,
    facts,
    glyph,
    jumps_of,
    kind_word,
    shorten,
    target_text,
    title,
)
from durable_dsl.graph import (
    Branch,
    Decision,
    Fail,
    Finish,
    Foreach,
    Graph,
    Group,
    Loop,
    Node,
    Parallel,
    Step,
    Wait,
    lists_of,
)

_FACTS_AT_MOST = 40
"""The column at which facts start at the latest; longer names push only their own line."""


@dataclass(frozen=True, slots=True)
class _Strokes:
    tee: str
    corner: str
    pipe: str
    gap: str
    top: str
    arrow: str
    separator: str


_UNICODE = _Strokes("├─ ", "└─ ", "│  ", "   ", "● ", "→", " · ")
_ASCII = _Strokes("|- ", "`- ", "|  ", "   ", "* ", "->", ", ")


def to_text(graph: Graph, states: States | None = None, *, color: bool = False, unicode: bool = True) -> str:
    """Draws a graph as a tree that reads from top to bottom, one line per node, in time linear in its size.

    `color` adds ANSI colours; nothing else in the text can be an escape sequence. Without `unicode` everything is
    ASCII.
    """
    pen = _Pen(states, color, _UNICODE if unicode else _ASCII, unicode)
    rows = list(pen.workflow_rows(graph))
    wanted = max((cell_len(row.lead) + cell_len(row.head) for row in rows if row.tail), default=0) + 2
    column = min(wanted, _FACTS_AT_MOST)
    lines = [pen.strokes.top + pen.paint(shorten(graph.workflow, 80), "1")]
    lines += [pen.line(row, column) for row in rows]
    if states is not None:
        lines += ["", pen.legend(graph, states)]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return text if unicode else text.translate(_TYPEWRITER).encode("ascii", "backslashreplace").decode()


_TYPEWRITER = str.maketrans({"…": "...", "×": "x", "↩": "undo:"})


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: the strokes of the tree, the head without colours (for its width) and with them, facts, state."""

    lead: str
    head: str
    painted: str
    tail: str
    state: NodeState | None = None


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A list under its label."""

    label: str
    nodes: tuple[Node, ...]


_Part: TypeAlias = Node | str | _Labelled


@dataclass(frozen=True, slots=True)
class _Pen:
    states: States | None
    color: bool
    strokes: _Strokes
    unicode: bool

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def workflow_rows(self, graph: Graph) -> Iterator[_Row]:
        ending = [_Labelled(ON_FAILURE, graph.on_failure)] if graph.on_failure else []
        yield from self._rows([*(graph.steps or ["(nothing)"]), *ending], "")

    def list_rows(self, nodes: tuple[Node, ...], lead: str) -> Iterator[_Row]:
        yield from self._rows(nodes or ["(nothing)"], lead)

    def _rows(self, parts: Sequence[_Part], lead: str) -> Iterator[_Row]:
        """Draws what hangs on one stroke: nodes, notes, and lists under their labels."""
        for position, part in enumerate(parts, start=1):
            last = position == len(parts)
            own = lead + (self.strokes.corner if last else self.strokes.tee)
            below = lead + (self.strokes.gap if last else self.strokes.pipe)
            if isinstance(part, str):
                yield self._plain_row(own, part)
            elif isinstance(part, _Labelled):
                yield self._plain_row(own, part.label + ":")
                yield from self.list_rows(part.nodes, below)
            else:
                yield self._node_row(part, own)
                yield from self._rows(self._parts(part), below)

    def _parts(self, node: Node) -> list[_Part]:
        rows = [_Labelled(shorten(catch_words(row), FACT), row.steps) for row in node.catch]
        match node:
            case Decision():
                jumps = [
                    (f"when {what}" if node.call is None else what, target_text(to)) for what, to in jumps_of(node)
                ]
                arrow = self.strokes.arrow
                return [*(f"{shorten(what, FACT)} {arrow} {to}" for what, to in [*jumps, (OTHERWISE, "next")]), *rows]
            case Branch() | Parallel():
                return [*(_Labelled(shorten(label, FACT), inner) for label, inner in lists_of(node)), *rows]
            case Foreach() | Loop() | Group():
                return [*(node.steps or ["(nothing)"]), *rows]
            case Wait():
                return [*(f"{what} {self.strokes.arrow} {target_text(to)}" for what, to in jumps_of(node)), *rows]
            case Step() | Fail() | Finish():
                return [*rows]
            case _:
                assert_never(node)

    def _node_row(self, node: Node, lead: str) -> _Row:
        state = state_of(node.id, self.states)
        word = kind_word(node) + " " if kind_word(node) else ""
        if isinstance(node, Wait):
            word = (glyph(node) + " " if self.unicode else "") + word
        mark, code = "", "2"
        if state is not None:
            look = LOOKS[state.status]
            mark, code = (look.glyph if self.unicode else look.code) + " ", look.ansi
        painted = self.paint(mark, code) + self.paint(word, "2") + self.paint(title(node), "1")
        return _Row(lead, mark + word + title(node), painted, self.strokes.separator.join(facts(node)), state)

    def _plain_row(self, lead: str, text: str) -> _Row:
        return _Row(lead, text, self.paint(text, "3"), "")

    def line(self, row: _Row, column: int) -> str:
        width = cell_len(row.lead) + cell_len(row.head)
        tail = self.paint(row.tail, "2")
        if row.state is not None and row.state != PENDING:
            words = shorten(status_words(row.state).replace(" · ", self.strokes.separator), 80)
            tail = self.strokes.separator.join(filter(None, (self.paint(words, LOOKS[row.state.status].ansi), tail)))
        padding = " " * max(2, column - width) if tail else ""
        return self.paint(row.lead, "2") + row.painted + padding + tail

    def legend(self, graph: Graph, states: States) -> str:
        shown = statuses_shown((node.id for node in graph.walk()), states)
        marks = [(LOOKS[status].glyph if self.unicode else LOOKS[status].code, status) for status in shown]
        return "  ".join(self.paint(mark, LOOKS[status].ansi) + " " + status for mark, status in marks)
