"""How far every node of a graph got, for drawings: history for what is over, the open frames for what is not.

A node inside of a foreach has many instances and one status: what is open there counts first, then what failed, then
what completed. A node inside of a loop has the status of the current turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from durable_dsl import graph as g
from durable_dsl.drawing import NodeState, NodeStatus
from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.calls import Calling, Held, Retrying, SubWait, Underway, Waiting
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.interpreter import counting
from durable_runtime.core.program import COMPENSATE, CompiledNode, Program, id_of
from durable_runtime.core.state import (
    Catching,
    Closing,
    Each,
    Forked,
    Frame,
    Inside,
    Opening,
    State,
    Turning,
    Undoing,
    children_of,
    frames_of,
)

# Of several instances of one node, the first in this order is shown.
_RANK = {
    status: rank
    for rank, status in enumerate(
        (
            NodeStatus.running,
            NodeStatus.retrying,
            NodeStatus.waiting,
            NodeStatus.failed,
            NodeStatus.cancelled,
            NodeStatus.compensated,
            NodeStatus.completed,
            NodeStatus.skipped,
            NodeStatus.pending,
        )
    )
}
_SKIPPED = NodeState(NodeStatus.skipped)


def statuses(
    program: Program, state: State, checkpoints: Iterable[Checkpoint], row_status: str
) -> dict[str, NodeState]:
    """Gives the state of every node by its id.

    `state` is the fold of all `checkpoints`; `row_status` is the execution's. An open step without a checkpoint is
    running when the execution is. Nodes of cases not taken, or jumped over, are skipped once the execution has passed
    them; what a failed or cancelled execution never reached stays pending.
    """
    painter = _Painter(program, _History(program, checkpoints), row_status, state.now)
    painter.paint_frame(state.root, repeated=False)
    if isinstance(state.root.opening, Closing):
        painter.paint_frame(state.root.opening.frame, repeated=False)
    for _keys, frame in frames_of(state.root):
        if isinstance(frame.opening, Undoing):
            painter.paint_undoing(frame.opening)
    untouched = _SKIPPED if row_status == "completed" else NodeState(NodeStatus.pending)
    return {id: painter.states.get(id, untouched) for id in program.nodes}


class _History:
    """What the checkpoints say of each node: how it ended, or that it began."""

    def __init__(self, program: Program, checkpoints: Iterable[Checkpoint]) -> None:
        self._program = program
        self.ended: dict[str, NodeState] = {}
        self.begun: dict[str, NodeState] = {}
        self.finished_at: str | None = None
        """The id of the `finish` that ended the execution, if one did."""
        for checkpoint in counting(checkpoints):
            undone = program.find_undone(checkpoint.path)
            id = id_of(checkpoint.path)
            if undone is not None and checkpoint.path.endswith(f"/{COMPENSATE}"):
                self._add_undone(id_of(undone), checkpoint)
            elif id in program.nodes:
                # What is no node is the execution, or a call in a step's function, which its step stands for.
                self._add(id, checkpoint)

    def _add(self, id: str, checkpoint: Checkpoint) -> None:
        node = self._program.nodes[id].graph
        begun = self.begun.get(id, NodeState(NodeStatus.cancelled))
        match checkpoint.kind:
            case "completed" | "collected":
                total = begun.total if isinstance(node, g.Foreach) else None
                self._end(id, replace(begun, status=NodeStatus.completed, attempts=checkpoint.attempt, done=total))
                if isinstance(node, g.Finish):
                    self.finished_at = id
            case "skipped":
                self._end(id, _SKIPPED)
            case "failed":
                detail = checkpoint.error.type if checkpoint.error is not None else None
                failed = replace(begun, status=NodeStatus.failed, attempts=checkpoint.attempt, detail=detail)
                self._end(id, failed)
            case "ignored":
                detail = f"{checkpoint.error.type}, ignored" if checkpoint.error is not None else "ignored"
                self._end(id, replace(begun, status=NodeStatus.failed, attempts=checkpoint.attempt, detail=detail))
            case "retrying" | "caught":
                self.begun[id] = replace(begun, attempts=checkpoint.attempt)
            case "entered":
                self.begun[id] = replace(begun, total=checkpoint.result) if isinstance(node, g.Foreach) else begun
            case "turned":
                self.begun[id] = replace(begun, turns=checkpoint.result)
                if "[" not in checkpoint.path:
                    self._forget_turn(id + "/")
            case "waiting" | "answered":
                self.begun[id] = begun
            case "timed_out":
                self._end(id, replace(begun, status=NodeStatus.completed, detail="timed out"))
            case "cancelled" | "paused" | "resumed" | "joined":
                pass
            case "rewound" | "edited" | "forked" | "compensating" | "compensated":
                pass
            case "received" | "looked" | "arrived":
                pass
            case _:
                assert_never(checkpoint.kind)

    def _add_undone(self, id: str, checkpoint: Checkpoint) -> None:
        """Takes over what became of undoing a step."""
        before = self.ended.get(id, NodeState(NodeStatus.completed))
        if checkpoint.kind == "compensated":
            self._end(id, replace(before, status=NodeStatus.compensated))
        elif checkpoint.kind == "failed" and checkpoint.error is not None:
            self._end(id, replace(before, status=NodeStatus.failed, detail=f"not undone: {checkpoint.error.type}"))

    def knows(self, id: str) -> bool:
        """Tells whether anything is stored of a node."""
        return id in self.ended or id in self.begun

    def _end(self, id: str, state: NodeState) -> None:
        before = self.ended.get(id)
        if before is None or _RANK[state.status] <= _RANK[before.status]:
            self.ended[id] = state

    def _forget_turn(self, prefix: str) -> None:
        for known in (self.ended, self.begun):
            for id in [id for id in known if id.startswith(prefix)]:
                del known[id]


class _Painter:
    """Walks the open frames and gives every node on the way, and everything passed, its state."""

    def __init__(self, program: Program, history: _History, row_status: str, now: datetime) -> None:
        self.states: dict[str, NodeState] = {}
        self._history = history
        self._row_status = row_status
        self._now = now
        self._is_over = row_status not in ("pending", "running", "waiting")

    def paint_frame(self, frame: Frame, *, repeated: bool) -> None:
        """Paints one open list; in a `repeated` one, what this instance passed says nothing of the others."""
        for position, node in enumerate(frame.block.nodes):
            if position < frame.at and not repeated:
                self._paint_passed(node, NodeStatus.completed)
            elif position == frame.at:
                self._paint_current(node, frame, repeated=repeated)

    def _paint_passed(self, node: CompiledNode, unfinished: NodeStatus) -> None:
        """Paints a node that the flow has left for good; `unfinished` is what begun and never ended means here.

        A container that a jump left never ended and is as good as completed; below a parallel, a foreach or a failure
        nothing can jump out, so what did not end there was cancelled.
        """
        ended, begun = self._history.ended.get(node.id), self._history.begun.get(node.id)
        if ended is not None:
            self.states[node.id] = ended
        elif begun is not None:
            self.states[node.id] = replace(begun, status=unfinished)
        else:
            self.states[node.id] = _SKIPPED
        closed = isinstance(node.graph, (g.Parallel, g.Foreach)) or (ended and ended.status is NodeStatus.failed)
        for inner in _inner(node):
            self._paint_passed(inner, NodeStatus.cancelled if closed else unfinished)
        joined = isinstance(node.graph, g.Parallel) and node.graph.need is not None
        if ended is not None and (joined or ended.status is NodeStatus.failed):
            self._paint_cut(node)

    def _paint_current(self, node: CompiledNode, frame: Frame, *, repeated: bool) -> None:
        """Paints the node that a list stands at, and what is open inside of it."""
        is_cut = isinstance(frame.opening, Undoing) and frame.opening.row is None
        if frame.error is not None or is_cut or (self._is_over and frame.opening is None):
            self._paint_known(node)
            behind_finish = frame.at > 0 and frame.block.nodes[frame.at - 1].id == self._history.finished_at
            if node.id not in self._history.ended and not behind_finish:
                self._put(node.id, NodeState(NodeStatus.cancelled))
            self._paint_cut(node)
            return
        self._put(node.id, self._open_state(node, frame.opening))
        match frame.opening:
            case Each():
                for inner in _inner(node):
                    self._paint_known(inner)
                repeated = True
            case Undoing():
                for inner in _inner(node):
                    self._paint_known(inner)
                return
            case Turning(frame=None) if not repeated:
                for inner in _inner(node):
                    self._paint_passed(inner, NodeStatus.completed)
            case Inside(key=key) if not repeated:
                for label, block in node.blocks.items():
                    for inner in block.nodes if label != key else ():
                        self._paint_passed(inner, NodeStatus.completed)
            case _:
                pass
        for _key, inner_frame in children_of(frame.opening):
            self.paint_frame(inner_frame, repeated=repeated)

    def paint_undoing(self, undoing: Undoing) -> None:
        """Paints the step that is being undone."""
        if undoing.frame is None:
            return
        state = self._open_state(undoing.frame.node, undoing.frame.opening)
        id = undoing.frame.node.id.removesuffix(f"/{COMPENSATE}")
        self.states[id] = replace(state, detail=f"undoing, {state.detail}" if state.detail else "undoing")

    def _paint_known(self, node: CompiledNode) -> None:
        """Paints what history tells of a node and all below it: a failed container, the body of a foreach."""
        ended, begun = self._history.ended.get(node.id), self._history.begun.get(node.id)
        if ended is not None:
            self._put(node.id, ended)
        elif begun is not None and self._is_over:
            self._put(node.id, begun)
        for inner in _inner(node):
            self._paint_known(inner)

    def _paint_cut(self, node: CompiledNode) -> None:
        """Paints what still ran inside of a container when a join, a failure or a timeout ended it, as cancelled.

        The frames are gone by then; but each list runs one node at a time, so it was the one behind the last known.
        Behind a decision it may be any, so none is painted.
        """
        for block in node.blocks.values():
            nodes = block.nodes
            known = [position for position, inner in enumerate(nodes) if self._history.knows(inner.id)]
            if not known and not isinstance(node.graph, (g.Parallel, g.Group, g.Loop)):
                continue  # a case that was not taken, or items of which none is known to run
            current = 0
            if known:
                last = nodes[known[-1]]
                ended = self._history.ended.get(last.id)
                if ended is None:
                    self._put(last.id, self._history.begun[last.id])
                if ended is None or ended.status is NodeStatus.failed:
                    self._paint_cut(last)
                    continue
                current = known[-1] + 1
            after_jump = current > 0 and isinstance(nodes[current - 1].graph, g.Decision)
            if current < len(nodes) and not after_jump and not isinstance(node.graph, g.Foreach):
                self._put(nodes[current].id, NodeState(NodeStatus.cancelled))

    def _put(self, id: str, state: NodeState) -> None:
        before = self.states.get(id)
        if before is None or _RANK[state.status] < _RANK[before.status]:
            self.states[id] = state

    def _open_state(self, node: CompiledNode, opening: Opening | None) -> NodeState:
        status = NodeStatus.waiting if self._row_status == "waiting" else NodeStatus.running
        if self._is_over:
            around_finish = self._row_status == "completed" and (self._history.finished_at or "").startswith(
                node.id + "/"
            )
            status = NodeStatus.completed if around_finish else NodeStatus.cancelled
        state = replace(self._history.begun.get(node.id, NodeState(status)), status=status)
        match opening:
            case None:
                # Nothing of it is stored yet, so it runs only if someone runs the execution.
                return replace(state, status=NodeStatus.pending) if self._row_status == "pending" else state
            case _ if self._is_over:
                return state
            case Retrying(attempt=attempt, retry_at=retry_at):
                return NodeState(NodeStatus.retrying, attempts=attempt, detail=f"retry at {self._clock(retry_at)}")
            case Calling(id=id):
                return NodeState(NodeStatus.waiting, detail=f"child {id}")
            case Waiting(due_at=due_at):
                return NodeState(NodeStatus.waiting, detail=f"until {self._clock(due_at)}")
            case Underway(wait=SubWait(name, held)):
                status = NodeStatus.retrying if isinstance(held, Retrying) else NodeStatus.waiting
                return NodeState(status, attempts=opening.attempt, detail=f"{name} {self._held(held)}")
            case Underway():
                return replace(state, detail=opening.done[-1].name if opening.done else None)
            case Awaiting():
                return NodeState(NodeStatus.waiting, detail=_awaited(opening))
            case Each(done=done, total=total):
                return replace(state, done=done, total=total)
            case Turning(turn=turn, frame=None, due_at=datetime() as due_at):
                detail = f"next turn at {self._clock(due_at)}"
                return NodeState(NodeStatus.waiting, turns=turn, detail=detail)
            case Turning(turn=turn):
                return replace(state, turns=turn)
            case Inside() | Forked() | Catching() | Closing() | Undoing():
                return state
            case _:
                assert_never(opening)

    def _held(self, held: Held) -> str:
        """Says for people what a call in a function waits for."""
        match held:
            case Retrying(retry_at=due_at) | Waiting(due_at=due_at):
                return f"until {self._clock(due_at)}"
            case Calling():
                return f"for child {held.execution}"
            case Awaiting():
                return _awaited(held)

    def _clock(self, instant: datetime) -> str:
        """Gives a time for people, with its day unless that is today's as far as the execution knows."""
        instant, now = instant.astimezone(UTC), self._now.astimezone(UTC)
        return f"{instant:%H:%M:%S}" if instant.date() == now.date() else f"{instant:%Y-%m-%d %H:%M}"


def _awaited(opening: Awaiting) -> str:
    """Says for people what a wait still waits for."""
    told = [
        f"until {slot.spec['at'][:16]}"
        if "at" in slot.spec
        else slot.spec.get("event") or f"{slot.spec['ask']} by people"
        for slot in opening.slots.values()
    ]
    return f"for {told[0]}" if len(told) == 1 else f"for {len(told)} things, first {told[0]}"


def _inner(node: CompiledNode) -> Iterator[CompiledNode]:
    for block in node.blocks.values():
        yield from block.nodes
