"""Results that someone gives to a node in its place. Pure."""

from __future__ import annotations

from durable_dsl import graph as g
from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.commands import Abandon, Command, Record
from durable_runtime.core.outcomes import refused_by
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State, chain_to
from durable_runtime.core.values import encode


def find_open(program: Program, state: State, path: str) -> Frame | None:
    """Gives the frame that stands at an instance which has begun, or is to begin now, and has not ended.

    Raises `KeyError` when the graph has no such node.
    """
    chain = chain_to(state, program.locate(path))
    if chain is None or state.finished or state.cancelled is not None or state.root.error is not None:
        return None
    frame = chain[-1]
    return frame if frame.is_open and frame.path == path else None


def objection_to(frame: Frame, value: Json) -> str | None:
    """Tells why the node that a frame stands at cannot have this result, or gives None."""
    node = frame.node
    if isinstance(node.graph, (g.Fail, g.Finish)):
        return "it is the end of a list, and gives nothing"
    if isinstance(node.graph, g.Step) and isinstance(node.graph.action, g.Set) and not isinstance(value, dict):
        return "the result of a 'set' is a mapping"
    if isinstance(node.graph, g.Step) and isinstance(node.graph.action, g.Set) and node.graph.reshapes:
        return "what it sets and what it gives are two things; set the one and leave the other"
    if isinstance(node.graph, g.Decision) and node.graph.call is None and value not in (None, g.END):
        return None if value in {row.goto for row in node.graph.choose} else "no row of it leads there"
    refused = refused_by(node, value)
    return refused[1] if refused is not None else None


def complete(state: State, frame: Frame, keys: Keys) -> list[Command]:
    """Ends the node that a frame stands at with the result that it was given; what runs of it is stopped."""
    encoded, result = encode(state.edits[frame.path])
    checkpoint = Checkpoint(
        path=frame.path,
        kind="completed",
        keys=keys,
        result=result,
        encoded=encoded if result is not None else None,
        finished_at=state.now,
    )
    return [Abandon(frame.path), Record(checkpoint)]
