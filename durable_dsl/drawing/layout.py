"""Sizes and places for the block drawing: nested nodes in, nested blocks with exact coordinates out.

A workflow is nested, so its drawing is too: a list is a column, a branch or a parallel puts columns side by side.
Sizes add up from the inside out (`measure`), so nothing can overlap. Jumps run in lanes of their own, left of the
column that holds them, and leave a container through lanes below its content: no line ever crosses a node.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import assert_never

from rich.cells import cell_len

from durable_dsl.drawing.errors import DrawingError
from durable_dsl.drawing.flow import may_be_passed
from durable_dsl.drawing.status import PENDING, States, state_of, status_words
from durable_dsl.drawing.words import (
    FACT,
    ON_FAILURE,
    catch_words,
    facts,
    jumps_of,
    kind_word,
    loop_pause,
    loop_test,
    shorten,
    target_text,
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
    lists_of,
)

GAP = 34.0
"""Between two nodes of a column: room for an arrow and for the lanes that arrive there."""
SIDE = 26.0
"""Between columns side by side."""
PAD = 16.0
LANE = 10.0
ROW = 16.0
HEAD = 20.0
LABEL_ROOM = 22.0
"""Above each column of a branch or parallel: the line into it and its label."""
TURN = 30.0
"""Left and right of a loop's content: the way out and the way back."""
TEST = 30.0
CATCH = 15.0
"""How far below a node's top the lines to its `catch` leave it."""
_TITLE_CELL, _SMALL_CELL = 8.0, 6.4
"""Generous widths of one character in the two text sizes; a text that takes less only leaves more room around it."""


@dataclass(slots=True)
class Jump:
    """One jump of a decision; `row` is its place among the decision's rows."""

    source: str
    label: str
    target: str
    row: int


@dataclass(slots=True)
class Block:
    """A node with its size; `axis` is where the line comes in above and goes out below, from the left edge.

    `falls` tells whether control can go on below it. `top` is the height of the head (the whole of a leaf). `leaving`
    are the jumps that go out through the lanes below a container's content, by target.
    """

    node: Node
    lines: list[str]
    width: float
    height: float
    axis: float
    falls: bool = True
    top: float = 0.0
    columns: list[Column] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    leaving: dict[str, list[Jump]] = field(default_factory=dict)
    caught: Block | None = None
    """The node itself, at the left edge, when this block is a node beside the columns of its `catch`."""


@dataclass(slots=True)
class Column:
    """A list of blocks under each other. `lanes` maps a jump's target to its lane, 0 next to the blocks."""

    label: str
    blocks: list[Block]
    width: float
    height: float
    axis: float
    falls: bool
    gutter: float
    lanes: dict[str, int]
    ending: list[Jump]
    leaving: dict[str, list[Jump]]


def measure(graph: Graph, states: States | None) -> Column:
    """Gives the measured column of a graph, in time linear in its size (times its depth for jumps that leave deep
    nesting).

    Raises `DrawingError` when a jump leads nowhere.
    """
    return _whole(graph, graph.steps, states)


def measure_on_failure(graph: Graph, states: States | None) -> Column | None:
    """Gives the measured column of what runs when a graph has failed, if it has any."""
    return _whole(graph, graph.on_failure, states, ON_FAILURE) if graph.on_failure else None


def _whole(graph: Graph, nodes: tuple[Node, ...], states: States | None, label: str = "") -> Column:
    column = _column(label, nodes, states)
    for target in column.leaving:
        raise DrawingError(f"a decision of '{graph.workflow}' jumps to '{target}', which does not come after it")
    return column


def _column(label: str, nodes: tuple[Node, ...], states: States | None) -> Column:
    blocks = [_block(node, states) for node in nodes]
    places = {node.id: place for place, node in enumerate(nodes)}
    spans: dict[str, tuple[int, int]] = {}
    ending: list[Jump] = []
    leaving: dict[str, list[Jump]] = {}
    for place, block in enumerate(blocks):
        for jump in [*block.jumps, *(jump for jumps in block.leaving.values() for jump in jumps)]:
            first = spans.get(jump.target, (place, 0))[0]
            if places.get(jump.target, -1) > place:
                spans[jump.target] = (first, places[jump.target])
                continue
            spans[jump.target] = (first, len(blocks))
            if jump.target == END:
                ending.append(jump)
            else:
                leaving.setdefault(jump.target, []).append(jump)
    lanes = _lanes(spans)
    left = max((block.axis for block in blocks), default=0.0)
    right = max((block.width - block.axis for block in blocks), default=0.0)
    gutter = (max(lanes.values()) + 1.5) * LANE if lanes else 0.0
    height = sum(block.height for block in blocks) + GAP * max(0, len(blocks) - 1)
    if ending:
        height += GAP
    label_width = cell_len(shorten(label, FACT)) * _SMALL_CELL / 2 + 8
    left, right = max(left, label_width), max(right, label_width)
    falls = not blocks or blocks[-1].falls or bool(ending)
    return Column(label, blocks, gutter + left + right, height, gutter + left, falls, gutter, lanes, ending, leaving)


def _lanes(spans: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Gives each target a lane so that no two share one over the same rows, with as few lanes as can be."""
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    lanes: dict[str, int] = {}
    used = 0
    for target, (first, last) in sorted(spans.items(), key=lambda item: (item[1][0], -item[1][1])):
        while busy and busy[0][0] <= first:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, used = used, used + 1
        lanes[target] = lane
        heapq.heappush(busy, (last, lane))
    return lanes


def _block(node: Node, states: States | None) -> Block:
    block = _block_of_kind(node, states)
    block.falls = block.falls or may_be_passed(node)
    return _caught(block, states) if node.catch else block


def _caught(block: Block, states: States | None) -> Block:
    """Puts the columns of a node's `catch` at its right."""
    columns = []
    for row in block.node.catch:
        column = _column(catch_words(row), row.steps, states)
        columns.append(replace(column, falls=column.falls and not row.rethrow))
    leaving = all_leaving(columns)
    width = block.width + sum(SIDE + column.width for column in columns)
    deepest = max(block.height, CATCH + GAP + LABEL_ROOM + max(column.height for column in columns))
    height = deepest + LANE * len(leaving) + GAP
    falls = block.falls or any(column.falls for column in columns)
    for target, jumps in block.leaving.items():
        leaving[target] = [*jumps, *leaving.get(target, [])]
    return Block(
        block.node,
        [],
        width,
        height,
        block.axis,
        falls,
        columns=columns,
        jumps=block.jumps,
        leaving=leaving,
        caught=block,
    )


def _block_of_kind(node: Node, states: States | None) -> Block:
    match node:
        case Step():
            return _leaf(node, states)
        case Wait():
            jumps = [Jump(node.id, what, target, row) for row, (what, target) in enumerate(jumps_of(node))]
            return _leaf(node, states, [f"{jump.label} → {target_text(jump.target)}" for jump in jumps], jumps)
        case Fail() | Finish():
            return replace(_leaf(node, states), falls=False)
        case Decision():
            jumps = [Jump(node.id, what, target, row) for row, (what, target) in enumerate(jumps_of(node))]
            words = [shorten(f"{'when ' if node.call is None else ''}{jump.label}", FACT) for jump in jumps]
            rows = [f"{word} → {target_text(jump.target)}" for word, jump in zip(words, jumps, strict=True)]
            return _leaf(node, states, rows, jumps)
        case Branch():
            return _side_by_side(node, states, framed=False)
        case Parallel():
            return _side_by_side(node, states, framed=True)
        case Foreach() | Group():
            return _framed(node, states)
        case Loop():
            return _loop(node, states)
        case _:
            assert_never(node)


def text_lines(node: Node, states: States | None) -> list[str]:
    """Gives a node's small lines: its facts, and its state if that says more than pending."""
    state = state_of(node.id, states)
    lines = facts(node)
    if state is not None and state != PENDING:
        lines.append(shorten(status_words(state), 60))
    return lines


def _text_width(node: Node, lines: Iterable[str], states: States | None) -> float:
    marks = (3 if isinstance(node, Wait) else 0) + (3 if states is not None else 0)
    head = cell_len(title(node)) * _TITLE_CELL + (len(kind_word(node)) + marks) * _SMALL_CELL
    return max(head, max((cell_len(line) * _SMALL_CELL for line in lines), default=0.0))


def _leaf(node: Node, states: States | None, rows: list[str] | None = None, jumps: list[Jump] | None = None) -> Block:
    lines = [*text_lines(node, states), *(rows or [])]
    width = max(110.0, _text_width(node, lines, states) + 2 * PAD)
    height = 30 + ROW * len(lines)
    return Block(node, lines, width, height, width / 2, top=height, jumps=jumps or [])


def _side_by_side(node: Branch | Parallel, states: States | None, *, framed: bool) -> Block:
    lines = text_lines(node, states)
    columns = [_column(label, inner, states) for label, inner in lists_of(node)]
    leaving = all_leaving(columns)
    content = sum(column.width for column in columns) + SIDE * max(0, len(columns) - 1)
    deepest = max((column.height for column in columns), default=0.0)
    head_width = _text_width(node, lines, states) + 2 * PAD
    width = max(content, head_width) + (2 * PAD if framed else 0.0)
    head = 30 + ROW * len(lines)
    # From head to labels, the columns, the lanes of jumps going out, then the way back together.
    height = head + GAP + LABEL_ROOM + deepest + LANE * len(leaving) + GAP
    falls = any(column.falls for column in columns)
    return Block(node, lines, width, height, width / 2, falls, head, columns, leaving=leaving)


def _framed(node: Foreach | Group, states: States | None) -> Block:
    lines = text_lines(node, states)
    column = _column("", node.steps, states)
    leaving = all_leaving([column])
    head = HEAD + ROW * len(lines) + 8
    width = max(column.width + 2 * PAD, _text_width(node, lines, states) + 2 * PAD)
    spare = (width - column.width) / 2
    height = head + GAP + column.height + LANE * len(leaving) + GAP
    return Block(node, lines, width, height, spare + column.axis, column.falls, head, [column], leaving=leaving)


def _loop(node: Loop, states: States | None) -> Block:
    lines = text_lines(node, states)
    column = _column("", node.steps, states)
    leaving = all_leaving([column])
    head = HEAD + ROW * len(lines) + 8
    inner_left = max(column.axis, test_width(node) / 2)
    inner_right = max(column.width - column.axis, test_width(node) / 2)
    back = max(TURN, cell_len(loop_pause(node)) * _SMALL_CELL + 16)
    width = max(inner_left + inner_right + TURN + back, _text_width(node, lines, states) + 2 * PAD)
    height = head + GAP + TEST + GAP + column.height + LANE * len(leaving) + GAP * 1.5
    falls = node.while_ is not None or column.falls
    return Block(node, lines, width, height, TURN + inner_left, falls, head, [column], leaving=leaving)


def test_width(node: Loop) -> float:
    return cell_len(shorten(loop_test(node), FACT)) * _SMALL_CELL + 2 * PAD


def all_leaving(columns: list[Column]) -> dict[str, list[Jump]]:
    found: dict[str, list[Jump]] = {}
    for column in columns:
        for target, jumps in column.leaving.items():
            found.setdefault(target, []).extend(jumps)
    return found
