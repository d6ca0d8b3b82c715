"""Forks that clients ask for, checked before anything is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from msgspec import UNSET

from durable_runtime.client.editing import check_place, check_value
from durable_runtime.core.editing import find_open
from durable_runtime.core.forking import Fork, fork
from durable_runtime.core.program import Program
from durable_runtime.core.rewinding import Past
from durable_runtime.core.starting import initial_state
from durable_runtime.core.values import decode
from durable_runtime.errors import HistoryPruned, InvalidOption, WrongStatus
from durable_runtime.store.protocol import ExecutionRow

Json: TypeAlias = Any


def plan_fork(
    program: Program,
    past: Past,
    row: ExecutionRow,
    *,
    id: str,
    node: str,
    input: bytes,
    output: Json,
    payload: dict[str, Json],
    now: datetime,
) -> Fork:
    """Gives what the new execution begins with; `output` is UNSET when the node is to run.

    Raises `InvalidOption` or `WrongStatus` when there is no such fork, `HistoryPruned` when what it would begin with is
    gone.
    """
    check_place(program, node)
    start = initial_state(
        program, id=id, workflow=row.workflow, queue=row.queue, input=decode(input), started_at=now, scheduled_at=None
    )
    if output is not UNSET:
        payload = {**payload, "edit": {"node": node, "value": output}}
    try:
        found = fork(program, past, start, node, payload, now)
    except HistoryPruned:
        raise
    except Exception as error:
        raise InvalidOption(f"what was done up to {node!r} does not fit this input: {error}") from error
    if found is None:
        raise WrongStatus(f"the execution {row.id} was never about to begin the node {node!r}")
    frame = find_open(program, found.state, node)
    if frame is None:
        raise InvalidOption(f"with this input the execution would not have come to {node!r}")
    if output is not UNSET:
        check_value(frame, node, output)
    return found
