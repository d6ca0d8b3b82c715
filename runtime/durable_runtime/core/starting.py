"""The state in which an execution starts, wherever it is folded: in a worker, in a simulation, for a drawing."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from durable_dsl.expressions import ExpressionError
from durable_runtime.core.awaiting import CancelKey
from durable_runtime.core.checkpoints import ErrorValue, Json
from durable_runtime.core.environment import TimeError, span_of
from durable_runtime.core.evolve import begin
from durable_runtime.core.program import Program
from durable_runtime.core.state import State
from durable_runtime.core.values import as_key

replace = msgspec.structs.replace


def initial_state(
    program: Program,
    *,
    id: str,
    workflow: str,
    queue: str,
    input: Json,
    started_at: datetime,
    scheduled_at: datetime | None,
    parent_id: str | None = None,
) -> State:
    """Gives the state without a checkpoint: what expressions see as `execution`, and the deadline.

    A timeout that is no time has failed the execution before its first node.
    Times are put in UTC, so that the same row gives the same state whatever zone a connection speaks in.
    """
    execution = {
        "id": id,
        "workflow": workflow,
        "queue": queue,
        "started_at": _text(started_at),
        "scheduled_for": None if scheduled_at is None else _text(scheduled_at),
        "parent_id": parent_id,
    }
    # A request may come first: it is claimed for that, and its time, from which it is bounded too, is still to come.
    early = scheduled_at is not None and scheduled_at > started_at
    begins_at = scheduled_at if early and scheduled_at is not None else started_at
    state = replace(
        begin(program, input=input, execution=execution, started_at=started_at),
        not_before=begins_at if early else None,
    )
    names = {"input": input, "constants": program.constants, "execution": execution, "data": input}
    try:
        state = _with_cancel_keys(program, state, names)
    except ExpressionError as error:
        failure = ErrorValue(type="ExpressionError", message=f"the workflow's cancel_on: {error}")
        return replace(state, root=replace(state.root, error=failure))
    if program.timeout is None:
        return state
    try:
        deadline_at = begins_at + span_of(program.timeout, names, state)
    except (ExpressionError, TimeError) as error:
        # Of its input alone, so it comes out the same at every fold.
        type = "ExpressionError" if isinstance(error, ExpressionError) else "NotATime"
        failure = ErrorValue(type=type, message=f"the workflow's timeout: {error}")
        return replace(state, root=replace(state.root, error=failure))
    return replace(state, deadline_at=deadline_at)


def _with_cancel_keys(program: Program, state: State, names: dict[str, Json]) -> State:
    """Of the input alone, so the keys are the same at every fold."""
    keys = tuple(
        CancelKey(
            event=row.event,
            key=as_key(key.render(names, now=state.now)),
            compensate=row.compensate,
            since=state.now,
        )
        for row, key in program.cancel_on
    )
    return replace(state, cancel_keys=keys, has_awaited=bool(keys))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
