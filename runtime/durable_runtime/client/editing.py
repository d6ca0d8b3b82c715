"""Results that clients give to nodes, checked before anything is asked of the execution."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from durable_dsl.suggestions import did_you_mean
from durable_runtime.core.editing import find_open, objection_to
from durable_runtime.core.program import Program
from durable_runtime.core.rewinding import Past, rewind
from durable_runtime.core.state import State
from durable_runtime.core.values import NotStorable, encode
from durable_runtime.errors import InvalidOption, WrongStatus
from durable_runtime.store.protocol import TERMINAL, ExecutionRow

Json: TypeAlias = Any


def check_edit(program: Program, past: Past, row: ExecutionRow, node: str, value: Json) -> dict[str, Json]:
    """Gives the edit as it is stored; raises `InvalidOption` or `WrongStatus` when it cannot be made."""
    if row.status in TERMINAL and row.status != "failed":
        raise WrongStatus(f"the execution {row.id} is {row.status}; a node gets its result while that one is open")
    state = _state_now(program, past, row)
    check_place(program, node)
    frame = find_open(program, state, node)
    if frame is None:
        raise WrongStatus(f"the node {node!r} of the execution {row.id} is not open: it has ended, or has not begun")
    return {"node": node, "value": check_value(frame, node, value)}


def check_place(program: Program, node: str) -> None:
    """Raises `InvalidOption` when the graph can have no instance at this path."""
    try:
        program.locate(node)
    except KeyError:
        hint = did_you_mean(node, program.nodes) or "a node is named by the path of its instance, as the history has it"
        raise InvalidOption(f"the workflow {program.graph.workflow!r} has no node {node!r}; {hint}") from None


def check_value(frame: Any, node: str, value: Json) -> Json:
    """Gives the value as it will be stored; raises `InvalidOption` when the node cannot have it as its result."""
    try:
        stored = encode(value)[1]
    except NotStorable as error:
        raise InvalidOption(f"the result of {node!r}: {error}") from None
    objection = objection_to(frame, stored)
    if objection is not None:
        raise InvalidOption(f"the result of {node!r}: {objection}")
    return stored


def _state_now(program: Program, past: Past, row: ExecutionRow) -> State:
    if row.status == "failed":
        return rewind(program, past, {}, datetime.now(UTC))[1]
    return past.state(program)
