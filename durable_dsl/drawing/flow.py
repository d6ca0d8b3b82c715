"""The arrows of a graph: nested nodes in, marks, boxes and arrows out, for formats that lay them out themselves.

Each node is visited once with the loose arrow ends that lead to it and leaves the ends that lead on. Jumps only go
forward, so a jump is one more loose end, kept until its target comes; one pass finds every arrow.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Literal, TypeAlias, assert_never

from durable_dsl.drawing.errors import DrawingError
from durable_dsl.drawing.words import OTHERWISE, catch_words, jumps_of, loop_pause
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

Boxed: TypeAlias = Parallel | Foreach | Loop | Group
ArrowKind: TypeAlias = Literal["flow", "jump", "back", "catch"]


class Shape(Enum):
    start = "start"
    end = "end"
    step = "step"
    choice = "choice"
    wait = "wait"
    fail = "fail"
    finish = "finish"
    test = "test"
    fork = "fork"
    join = "join"
    empty = "empty"
    failed = "failed"
    rethrow = "rethrow"


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to draw. `key` is the node's id, or for dots and tests the id of their container with a `#word`."""

    key: str
    shape: Shape
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A container drawn around its content; `key` is the container's id."""

    key: str
    node: Boxed
    parts: tuple[Part, ...]


Part: TypeAlias = Mark | Box


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one mark's key to another's; `leaves` and `enters` name the box at whose border it starts or ends."""

    tail: str
    head: str
    label: str = ""
    kind: ArrowKind = "flow"
    leaves: str | None = None
    enters: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    parts: tuple[Part, ...]
    arrows: tuple[Arrow, ...]


START_KEY = "#start"
END_KEY = "#end"
FAILED_KEY = "#failed"
FAILED_END_KEY = "#failed-end"


def may_be_passed(node: Node) -> bool:
    """Tells whether the flow can get past a node although every way through it ends.

    A node with a condition may be skipped, a foreach may have no items, and a parallel that lets errors stop nothing
    takes the failures of its branches for results.
    """
    if node.when is not None:
        return True
    if node.ignore_errors or isinstance(node, Foreach):
        return True
    return isinstance(node, Parallel) and node.on_error == "complete_all"


def trace(graph: Graph) -> Flow:
    """Finds the marks, boxes and arrows of a graph in time linear in its size.

    Raises `DrawingError` when a decision jumps to something that does not come after it.
    """
    tracer = _Tracer()
    parts, loose = tracer.trace_list(graph.steps, [_Loose(START_KEY)])
    tracer.connect(loose, END_KEY)
    ending: list[Part] = [Mark(END_KEY, Shape.end)] if loose else []
    if graph.on_failure:
        found, loose = tracer.trace_list(graph.on_failure, [_Loose(FAILED_KEY)])
        tracer.connect(loose, FAILED_END_KEY)
        ending += [Mark(FAILED_KEY, Shape.failed), *found, *([Mark(FAILED_END_KEY, Shape.end)] if loose else [])]
    for target in tracer.jumps:
        raise DrawingError(f"a decision of '{graph.workflow}' jumps to '{target}', which does not come after it")
    return Flow((Mark(START_KEY, Shape.start), *parts, *ending), tuple(tracer.arrows))


@dataclass(frozen=True, slots=True)
class _Loose:
    """An arrow whose head is not known yet."""

    tail: str
    label: str = ""
    kind: ArrowKind = "flow"
    leaves: str | None = None
    enters: str | None = None


@dataclass(slots=True)
class _Tracer:
    arrows: list[Arrow] = field(default_factory=list)
    jumps: dict[str, list[_Loose]] = field(default_factory=dict)

    def connect(self, loose: list[_Loose], head: str) -> None:
        for end in loose:
            self.arrows.append(Arrow(end.tail, head, end.label, end.kind, end.leaves, end.enters))

    def trace_list(self, nodes: tuple[Node, ...], loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        parts: list[Part] = []
        # `end` is the end of the decision's own list: an inner list must not take the outer one's.
        outer = self.jumps.pop(END, [])
        for node in nodes:
            found, loose = self.trace_node(node, loose + self.jumps.pop(node.id, []))
            parts += found
        loose = loose + self.jumps.pop(END, [])
        if outer:
            self.jumps[END] = outer
        return parts, loose

    def trace_node(self, node: Node, loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        parts, after = self._trace_kind(node, loose)
        first, leaves = _first_mark(parts[0]).key, node.id if isinstance(parts[0], Box) else None
        if not after and may_be_passed(node):
            after = [_Loose(first, OTHERWISE, leaves=leaves)]
        for index, row in enumerate(node.catch):
            found, ends = self.trace_list(row.steps, [_Loose(first, catch_words(row), "catch", leaves=leaves)])
            if row.rethrow:
                rethrow = Mark(f"{node.id}#rethrow-{index}", Shape.rethrow, node)
                self.connect(ends, rethrow.key)
                found, ends = [*found, rethrow], []
            parts, after = [*parts, *found], [*after, *ends]
        return parts, after

    def _trace_kind(self, node: Node, loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        match node:
            case Step():
                return self._mark(node, Shape.step, loose)
            case Wait():
                for label, target in jumps_of(node):
                    self.jumps.setdefault(target, []).append(_Loose(node.id, label, "jump"))
                return self._mark(node, Shape.wait, loose)
            case Fail():
                return self._mark(node, Shape.fail, loose)[0], []
            case Finish():
                return self._mark(node, Shape.finish, loose)[0], []
            case Decision():
                parts, _ = self._mark(node, Shape.choice, loose)
                for label, target in jumps_of(node):
                    self.jumps.setdefault(target, []).append(_Loose(node.id, label, "jump"))
                return parts, [_Loose(node.id, OTHERWISE)]
            case Branch():
                return self._trace_branch(node, loose)
            case Parallel():
                return self._trace_parallel(node, loose)
            case Foreach() | Group():
                entering = [replace(end, enters=end.enters or node.id) for end in loose]
                if not node.steps:
                    empty = Mark(f"{node.id}#empty", Shape.empty)
                    self.connect(entering, empty.key)
                    return [Box(node.id, node, (empty,))], [_Loose(empty.key, leaves=node.id)]
                parts, after = self.trace_list(node.steps, entering)
                return [Box(node.id, node, tuple(parts))], _leaving(after, node.id)
            case Loop():
                return self._trace_loop(node, loose)
            case _:
                assert_never(node)

    def _mark(self, node: Node, shape: Shape, loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        self.connect(loose, node.id)
        return [Mark(node.id, shape, node)], [_Loose(node.id)]

    def _trace_branch(self, node: Branch, loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        parts, _ = self._mark(node, Shape.choice, loose)
        after: list[_Loose] = []
        for label, inner in lists_of(node):
            found, ends = self.trace_list(inner, [_Loose(node.id, label)])
            parts += found
            after += ends
        return parts, after

    def _trace_parallel(self, node: Parallel, loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        fork, join = Mark(f"{node.id}#fork", Shape.fork, node), Mark(f"{node.id}#join", Shape.join, node)
        self.connect(loose, fork.key)
        parts: list[Part] = [fork]
        ends: list[_Loose] = []
        for label, inner in lists_of(node):
            found, after = self.trace_list(inner, [_Loose(fork.key, label)])
            parts += found
            ends += after
        if not ends:
            return [Box(node.id, node, tuple(parts))], []
        self.connect(ends, join.key)
        return [Box(node.id, node, (*parts, join))], [_Loose(join.key)]

    def _trace_loop(self, node: Loop, loose: list[_Loose]) -> tuple[list[Part], list[_Loose]]:
        test = Mark(f"{node.id}#test", Shape.test, node)
        pause = loop_pause(node)
        if node.while_ is not None:
            self.connect(loose, test.key)
            parts, after = self.trace_list(node.steps, [_Loose(test.key, "yes")])
            back = [replace(end, label=", ".join(filter(None, (end.label, pause))), kind="back") for end in after]
            self.connect(back, test.key)
            return [Box(node.id, node, (test, *parts))], [_Loose(test.key, "no")]
        again = _Loose(test.key, f"no, {pause}" if pause else "no", "back")
        parts, after = self.trace_list(node.steps, [*loose, again])
        self.connect(after, test.key)
        return [Box(node.id, node, (*parts, test))], [_Loose(test.key, "yes")]


def _first_mark(part: Part) -> Mark:
    while isinstance(part, Box):
        part = part.parts[0]
    return part


def _leaving(loose: list[_Loose], box: str) -> list[_Loose]:
    return [end if end.kind == "jump" else replace(end, leaves=box) for end in loose]
