"""The state in which an execution starts, wherever it is folded: in a worker, in a simulation, for a drawing."""

from __future__ import annotations

from datetime import UTC, datetime

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.environment import span_of
from durable_runtime.core.evolve import begin
from durable_runtime.core.program import Program
from durable_runtime.core.state import State


def initial_state(
    program: Program,
    *,
    id: str,
    workflow: str,
    queue: str,
    input: Json,
    started_at: datetime,
    scheduled_at: datetime | None,
) -> State:
    """Gives the state without a checkpoint: what expressions see as `execution`, and the deadline.

    Times are put in UTC, so that the same row gives the same state whatever zone a connection speaks in.
    """
    execution = {
        "id": id,
        "workflow": workflow,
        "queue": queue,
        "started_at": _text(started_at),
        "scheduled_for": None if scheduled_at is None else _text(scheduled_at),
        "parent_id": None,
    }
    state = begin(program, input=input, execution=execution, started_at=started_at)
    if program.timeout is None:
        return state
    names = {"input": input, "constants": program.constants, "execution": execution, "data": input}
    deadline_at = started_at + span_of(program.timeout, names, state)
    return begin(program, input=input, execution=execution, started_at=started_at, deadline_at=deadline_at)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
