"""The block drawing: an exact SVG of the nested graph, made without Graphviz."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from rich.cells import cell_len

from durable_dsl.drawing.canvas import Canvas, Dress, Outline, Point, quoted, shape, text_at
from durable_dsl.drawing.layout import (
    CATCH,
    GAP,
    LABEL_ROOM,
    LANE,
    PAD,
    ROW,
    SIDE,
    TEST,
    Block,
    Column,
    Jump,
    all_leaving,
    measure,
    measure_on_failure,
    test_width,
)
from durable_dsl.drawing.status import (
    FAINT,
    INK,
    LOOKS,
    PENDING,
    RED,
    Look,
    NodeStatus,
    States,
    state_of,
    statuses_shown,
)
from durable_dsl.drawing.words import (
    FACT,
    ON_FAILURE,
    facts,
    glyph,
    is_child,
    kind_word,
    loop_pause,
    loop_test,
    shorten,
    title,
)
from durable_dsl.graph import (
    END,
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
)

MARGIN = 24.0
START_KEY, END_KEY, FAILED_KEY = "#start", "#end", "#failed"


def to_svg_blocks(graph: Graph, states: States | None = None) -> str:
    """Draws a graph as SVG with a layout of our own; works everywhere, in time linear in the graph's size.

    Every node is a `<g id="node-<id>" data-node="<id>">`, every edge a `<path class="edge flow|jump|back">` with
    `data-from` and `data-to`; an edge between a container and its content names the container. Raises `DrawingError`
    when a jump leads nowhere.
    """
    column = measure(graph, states)
    painter = _Painter(states)
    canvas = painter.canvas
    heading = shorten(graph.workflow, 80)
    canvas.nodes.append(text_at(MARGIN, MARGIN + 12, heading, size=15, weight="600"))
    left, top = MARGIN, MARGIN + 36
    axis = left + column.axis
    canvas.dot(axis, top, 6, color=INK)
    bottom = painter.column(column, left, top + GAP, (axis, top + 6), START_KEY, END_KEY)
    width = max(column.width, cell_len(heading) * 9.0)
    failing = measure_on_failure(graph, states)
    if failing is not None:
        lower = painter.on_failure(failing, left + column.width + 2 * SIDE, top)
        width = max(width, column.width + 2 * SIDE + failing.width)
    if column.falls:
        canvas.dot(axis, bottom + GAP, 5, color=INK, ring=True)
        painter.continue_to_end(column, (axis, bottom), (axis, bottom + GAP - 8), owner=END_KEY)
    height = bottom + GAP + 12 if failing is None else max(bottom, lower) + GAP + 12
    if states is not None:
        width, height = _legend(canvas, statuses_shown((node.id for node in graph.walk()), states), width, height)
    return canvas.document(width + 2 * MARGIN, height + MARGIN, graph.workflow, graph.description or "")


@dataclass(slots=True)
class _Painter:
    """Walks the measured blocks with their places. `trails` holds the way of each jump that has not arrived yet."""

    states: States | None
    canvas: Canvas = field(default_factory=Canvas)
    trails: dict[int, list[Point]] = field(default_factory=dict)

    def on_failure(self, column: Column, x: float, top: float) -> float:
        """Draws what runs after a failure as a flow of its own; gives the y of its end."""
        axis = x + column.axis
        self.canvas.dot(axis, top, 6, color=RED)
        self.canvas.note(axis + 12, top + 4, ON_FAILURE)
        bottom = self.column(column, x, top + GAP, (axis, top + 6), FAILED_KEY, FAILED_KEY)
        if column.falls:
            self.canvas.dot(axis, bottom + GAP, 5, color=RED, ring=True)
            self.continue_to_end(column, (axis, bottom), (axis, bottom + GAP - 8), owner=FAILED_KEY)
        return bottom

    def column(
        self, column: Column, x: float, y: float, start: Point, source: str, owner: str, kind: str = "flow"
    ) -> float:
        """Draws a list whose first line, of this kind, comes from `start`; gives the y of its end."""
        axis = x + column.axis
        tops: dict[str, float] = {}
        cursor, point, previous, falls = y, start, source, True
        for block in column.blocks:
            if falls:
                turn = [] if point[0] == axis else [(axis, point[1])]
                self.canvas.line([point, *turn, (axis, cursor)], kind, previous, block.node.id)
            kind = "flow"
            tops[block.node.id] = cursor
            self.block(block, axis - block.axis, cursor)
            point, previous, falls = (axis, cursor + block.height), block.node.id, block.falls
            cursor += block.height + GAP
        bottom = y + column.height
        if column.blocks and falls and column.ending:
            self.canvas.stub([point, (axis, bottom)])
        for block in column.blocks:
            for jump in (*block.jumps, *(jump for jumps in block.leaving.values() for jump in jumps)):
                lane = x + column.gutter - (column.lanes[jump.target] + 1) * LANE
                self._advance(jump, lane, axis, tops, bottom, owner)
        return bottom

    def _advance(self, jump: Jump, lane: float, axis: float, tops: dict[str, float], bottom: float, owner: str) -> None:
        trail = self.trails[id(jump)]
        trail.append((lane, trail[-1][1]))
        if jump.target in tops:
            top = tops[jump.target]
            points = [*trail, (lane, top - 14), (axis, top - 14), (axis, top)]
            self.canvas.line(points, "jump", jump.source, jump.target, attributes=_tip(jump.label))
        elif jump.target == END:
            points = [*trail, (lane, bottom), (axis, bottom)]
            self.canvas.line(points, "jump", jump.source, owner, arrow=False, attributes=_tip(jump.label))
        else:
            return
        del self.trails[id(jump)]

    def continue_to_end(
        self, column: Column, start: Point, *points: Point, owner: str, kind: str = "flow", arrow: bool = True
    ) -> None:
        """Draws the line from a list's end to where its owner wants it."""
        if not column.falls:
            return
        if column.blocks and not column.blocks[-1].falls:
            # Only jumps come here, and each is an edge already.
            self.canvas.stub([start, *points], arrow=arrow)
            return
        last = column.blocks[-1].node.id if column.blocks else owner
        self.canvas.line([start, *points], kind, last, owner, arrow=arrow)

    def block(self, block: Block, x: float, y: float) -> None:
        node = block.node
        if block.caught is not None:
            self._caught(block, block.caught, x, y)
            return
        match node:
            case Step() | Fail() | Finish():
                self._box(block, x, y)
            case Decision() | Wait():
                self._box(block, x, y)
                first = block.top - ROW * len(block.jumps)
                for jump in block.jumps:
                    self.trails[id(jump)] = [(x, y + first + ROW * jump.row + 3)]
            case Branch() | Parallel():
                self._side_by_side(block, x, y)
            case Foreach() | Group():
                self._framed(block, x, y)
            case Loop():
                self._loop(block, node, x, y)
            case _:
                assert_never(node)

    def _caught(self, block: Block, inner: Block, x: float, y: float) -> None:
        """Draws a node, and at its right what is done about its errors."""
        self.block(inner, x, y)
        node, axis, join = block.node, x + inner.axis, y + block.height - GAP / 2
        right = x + inner.width
        if isinstance(node, Branch):
            right = axis + _head_width(inner, self.states) / 2
        start, left = (right, y + CATCH), x + inner.width + SIDE
        for column in block.columns:
            middle, top = left + column.axis, start[1] + GAP + LABEL_ROOM
            bottom = self.column(column, left, top, start, node.id, node.id, "catch")
            if column.blocks:
                self.continue_to_end(column, (middle, bottom), (middle, join), (axis, join), owner=node.id, arrow=False)
            else:
                ways = [(middle, join), (axis, join)] if column.falls else [(middle, bottom)]
                points = [start, (middle, start[1]), *ways]
                self.canvas.line(points, "catch", node.id, node.id, arrow=not column.falls)
            label = shorten(column.label, FACT)
            self.canvas.chip(middle, start[1] + 20, label, cell_len(label) * 6.4 + 14)
            left += column.width + SIDE
        self._leave(all_leaving(block.columns), x, y + block.height - GAP)
        if any(column.falls for column in block.columns):
            self.canvas.dot(axis, join, 2.5)
        if block.falls:
            self.canvas.stub([(axis, y + inner.height if inner.falls else join), (axis, y + block.height)])

    def _side_by_side(self, block: Block, x: float, y: float) -> None:
        node, axis = block.node, x + block.axis
        fork = y + block.top + GAP / 2
        join = y + block.height - GAP / 2
        if isinstance(node, Parallel):
            self._frame(block, x, y)
            self.canvas.dot(axis, fork, 4)
        else:
            width = _head_width(block, self.states)
            self._box(block, axis - width / 2, y, width)
            self.canvas.stub([(axis, y + block.top), (axis, fork)])
        content = sum(column.width for column in block.columns) + SIDE * max(0, len(block.columns) - 1)
        left, top = x + (block.width - content) / 2, y + block.top + GAP + LABEL_ROOM
        for column in block.columns:
            middle = left + column.axis
            bottom = self.column(column, left, top, (axis, fork), node.id, node.id)
            if not column.blocks:
                turn = [] if middle == axis else [(middle, fork)]
                self.canvas.stub([(axis, fork), *turn, (middle, bottom)])
            turn = [] if middle == axis else [(axis, join)]
            self.continue_to_end(column, (middle, bottom), (middle, join), *turn, owner=node.id, arrow=False)
            label = shorten(column.label, FACT)
            self.canvas.chip(middle, fork + 17, label, cell_len(label) * 6.4 + 14)
            left += column.width + SIDE
        self._leave(block.leaving, x, y + block.height - GAP)
        if any(column.falls for column in block.columns):
            self.canvas.dot(axis, join, 4 if isinstance(node, Parallel) else 2.5)
            self.canvas.stub([(axis, join), (axis, y + block.height)])

    def _framed(self, block: Block, x: float, y: float) -> None:
        self._frame(block, x, y)
        (column,) = block.columns
        axis, start, end = x + block.axis, y + block.top + 8, y + block.height - 12
        self.canvas.dot(axis, start, 3)
        bottom = self.column(
            column, axis - column.axis, y + block.top + GAP, (axis, start), block.node.id, block.node.id
        )
        if column.falls:
            self.continue_to_end(column, (axis, bottom), (axis, end), owner=block.node.id, arrow=False)
            self.canvas.dot(axis, end, 3)
        self._leave(block.leaving, x, y + block.height - GAP)

    def _loop(self, block: Block, node: Loop, x: float, y: float) -> None:
        self._frame(block, x, y)
        (column,) = block.columns
        axis, start, end = x + block.axis, y + block.top + 8, y + block.height - 12
        width = test_width(node)
        out = x + 14
        back = axis + max(column.width - column.axis, width / 2) + 12
        strips = LANE * len(block.leaving)
        self.canvas.dot(axis, start, 3)
        if node.while_ is not None:
            middle = y + block.top + GAP + TEST / 2
            self.canvas.line([(axis, start), (axis, middle - TEST / 2)], "flow", node.id, node.id)
            first = middle + TEST / 2 + GAP
            bottom = self.column(column, axis - column.axis, first, (axis, middle + TEST / 2), node.id, node.id)
            low = bottom + strips + GAP / 2
            turns = ((back, low), (back, middle), (axis + width / 2, middle))
            self.continue_to_end(column, (axis, bottom), (axis, low), *turns, owner=node.id, kind="back")
            away = [(axis - width / 2, middle), (out, middle), (out, end), (axis, end)]
            self.canvas.line(away, "flow", node.id, node.id, arrow=False)
            self.canvas.note(axis + 6, middle + TEST / 2 + 14, "yes")
            self.canvas.note(axis - width / 2 - 5, middle - 5, "no", "end")
            self._leave(block.leaving, x, bottom + strips)
        else:
            first = y + block.top + GAP
            bottom = self.column(column, axis - column.axis, first, (axis, start), node.id, node.id)
            middle = bottom + strips + GAP + TEST / 2
            self.continue_to_end(column, (axis, bottom), (axis, middle - TEST / 2), owner=node.id)
            again = [(axis + width / 2, middle), (back, middle), (back, first - 13), (axis, first - 13)]
            head = column.blocks[0].node.id if column.blocks else node.id
            self.canvas.line([*again, (axis, first)], "back", node.id, head)
            self.canvas.line([(axis, middle + TEST / 2), (axis, end)], "flow", node.id, node.id, arrow=False)
            self.canvas.note(axis + 6, middle + TEST / 2 + 14, "yes")
            self.canvas.note(back + 6, middle + 4, "no")
            self._leave(block.leaving, x, bottom + strips)
        pause = shorten(loop_pause(node), FACT)
        self.canvas.note(back + 6, (first + middle) / 2 + 4, pause)
        test = shape("cut", axis - width / 2, middle - TEST / 2, width, TEST, Dress(fill="#f1f5f9"))
        words = shorten(loop_test(node), FACT)
        self.canvas.nodes.append(test + text_at(axis, middle + 4, words, size=10.5, color=FAINT, anchor="middle"))
        if block.falls:
            self.canvas.dot(axis, end, 3)

    def _leave(self, leaving: dict[str, list[Jump]], x: float, lowest: float) -> None:
        """Leads jumps out of a container, to the left, each target on a line of its own below the content."""
        for place, jumps in enumerate(leaving.values()):
            y = lowest - LANE * (len(leaving) - place) + LANE / 2
            for jump in jumps:
                trail = self.trails[id(jump)]
                trail += [(trail[-1][0], y), (x, y)]

    def _box(self, block: Block, x: float, y: float, width: float | None = None) -> None:
        wide = block.width if width is None else width
        outline, dress = _outline_of(block.node), self._dress(block.node, Dress())
        body = shape(outline, x, y, wide, block.top, dress) + self._texts(block, x + PAD, y + 20)
        self.canvas.nodes.append(self._grouped(block.node, body))

    def _frame(self, block: Block, x: float, y: float) -> None:
        dress = self._dress(block.node, Dress(fill="#f8fafc", stroke="#cbd5e1"))
        dress = Dress("#f8fafc", dress.stroke, dress.border, dress.width)
        body = shape("frame", x, y, block.width, block.height, dress) + self._texts(block, x + PAD, y + 22)
        self.canvas.frames.append(self._grouped(block.node, body))

    def _dress(self, node: Node, plain: Dress) -> Dress:
        state = state_of(node.id, self.states)
        if state is None:
            if isinstance(node, Fail):
                return Dress(stroke=RED)
            if is_child(node):
                return Dress(border="double")
            return Dress(stroke=INK, width=2) if isinstance(node, Finish) else plain
        look = LOOKS[state.status]
        return Dress(look.fill, look.stroke, look.border, look.width)

    def _grouped(self, node: Node, body: str) -> str:
        state = state_of(node.id, self.states)
        classes = f"node kind-{type(node).__name__.lower()}" + (f" status-{state.status}" if state is not None else "")
        tip = node.id if node.description is None else f"{node.id}: {node.description}"
        name = quoted(node.id)
        return f'<g id="node-{name}" class="{classes}" data-node="{name}"><title>{quoted(tip)}</title>{body}</g>'

    def _texts(self, block: Block, x: float, y: float) -> str:
        node, state = block.node, state_of(block.node.id, self.states)
        spans = ""
        if state is not None:
            spans += f'<tspan fill="{LOOKS[state.status].stroke}">{LOOKS[state.status].glyph} </tspan>'
        word = f"{glyph(node)} {kind_word(node)}".strip()
        if word:
            spans += f'<tspan fill="{FAINT}" font-size="11">{word} </tspan>'
        spans += f'<tspan font-weight="600">{quoted(title(node))}</tspan>'
        # Begun at the left: not every SVG reader centres a text made of parts.
        drawn = f'<text x="{x:.1f}" y="{y:.1f}" font-size="13" fill="{INK}">{spans}</text>'
        told = len(facts(node)) if state is not None and state != PENDING else -1
        for place, line in enumerate(block.lines):
            color = LOOKS[state.status].stroke if state is not None and place == told else FAINT
            drawn += text_at(x, y + ROW * (place + 1), line, color=color)
        return drawn


def _outline_of(node: Node) -> Outline:
    match node:
        case Decision() | Branch() | Fail():
            return "cut"
        case Wait() | Finish():
            return "pill"
        case _:
            return "round"


def _head_width(block: Block, states: States | None) -> float:
    marks = 3 if states is not None else 0
    head = cell_len(title(block.node)) * 8.0 + (len(kind_word(block.node)) + marks) * 6.4
    return max(110.0, head, *(cell_len(line) * 6.4 for line in block.lines)) + 2 * PAD


def _tip(label: str) -> str:
    return f' data-label="{quoted(label)}"'


def _legend(canvas: Canvas, shown: list[NodeStatus], width: float, y: float) -> tuple[float, float]:
    """Draws the legend below everything, wrapped to the width; gives the new width and height."""
    width = max(width, 360.0)
    x, body = MARGIN, ""
    for status in shown:
        look: Look = LOOKS[status]
        if x + 104 > MARGIN + width:
            x, y = MARGIN, y + 32
        body += shape("round", x, y + 8, 98, 24, Dress(look.fill, look.stroke, look.border, look.width))
        body += text_at(x + 49, y + 24, f"{look.glyph} {status}", size=10.5, anchor="middle")
        x += 106
    canvas.nodes.append(f'<g class="legend">{body}</g>')
    return width, y + 36
