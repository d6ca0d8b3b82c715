"""Decide what an execution wants next, seen from one of its frames. Pure; it changes nothing.

A frame is looked at after a checkpoint touched it, when something in it fell due, or in a scan after a fold. Looking
twice gives the same commands twice; whoever performs them knows which attempts already run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec

from durable_dsl import graph as g
from durable_dsl.expressions import ExpressionError
from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.beginning import attempt_again, start, workflow_output
from durable_runtime.core.calls import Calling, Retrying, Underway, Waiting
from durable_runtime.core.catching import catch
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Keys
from durable_runtime.core.children import child_overdue
from durable_runtime.core.collecting import decisions_in
from durable_runtime.core.commands import Abandon, Collect, Command, Finish, Record
from durable_runtime.core.containers import fail_with, join, next_turn
from durable_runtime.core.editing import complete
from durable_runtime.core.environment import TimeError
from durable_runtime.core.outcomes import completed, failed
from durable_runtime.core.program import ON_FAILURE, Program
from durable_runtime.core.state import (
    Catching,
    Closing,
    Each,
    Forked,
    Frame,
    Inside,
    State,
    Turning,
    Undoing,
    chain_to,
    rests,
)
from durable_runtime.core.substeps import go_on
from durable_runtime.core.undoing import (
    begin_undoing,
    cancelled_error,
    errors_told,
    failed_error,
    failed_status,
    told_by,
    with_errors,
)
from durable_runtime.core.values import NotStorable, encode
from durable_runtime.core.waits import look


def decide(program: Program, state: State, keys: Keys, now: datetime) -> list[Command]:
    """Gives the commands that the frame at `keys` calls for; none when the frame is gone or waits for others.

    A `Record` among them changes the state: evolve it before looking anywhere else. `now` only tells what has fallen
    due; expressions see the time of the last checkpoint, so that a decision made again after a crash is the same.
    """
    commands = _decide(program, state, keys, now)
    for position, command in enumerate(commands):
        if isinstance(command, Record):
            commands[position] = Record(catch(program, state, command.checkpoint))
    return commands


def _decide(program: Program, state: State, keys: Keys, now: datetime) -> list[Command]:
    if state.edits:
        # Also of one that is paused: nothing begins by that.
        given = _given(state, keys)
        if given:
            return given
    if rests(state, now):
        return []
    ending = _ending(program, state, now)
    if ending is not None:
        return ending
    chain = chain_to(state, keys)
    if chain is None:
        return []
    frame = chain[-1]
    try:
        if not frame.is_open:
            if not keys:
                return []  # the execution has failed and `on_failure` runs
            return _list_over(program, state, chain, keys, now)
        if frame.opening is None:
            return start(program, state, chain, keys, now)
        overdue = _deadline(frame, keys, now)
        if overdue:
            return overdue
        match frame.opening:
            case Retrying(attempt=attempt, retry_at=retry_at):
                return [attempt_again(program, state, chain, keys, attempt)] if now >= retry_at else []
            case Underway():
                return go_on(program, state, chain, keys, now)
            case Waiting(due_at=due_at, times_out=times_out):
                if now < due_at:
                    return []
                if times_out:
                    return [Record(_timeout(frame, keys, now))]
                return [Record(completed(program, state, chain, keys, None, at=now))]
            case Calling():
                return child_overdue(program, state, chain, keys, now)
            case Awaiting():
                return look(program, state, chain, keys, now)
            case Inside() | Catching() | Closing():
                return []
            case Undoing(frame=None):
                # Undone as far as could be, it fails with what it failed with; the row's list counts on more.
                error = told_by(frame.opening)
                again = Checkpoint(path=frame.path, kind="failed", keys=keys, error=error, finished_at=state.now)
                return [Record(again)]
            case Undoing():
                return []
            case Forked():
                return join(program, state, chain, keys)
            case Each(done=done, total=total):
                return _gather(program, state, chain, keys) if done >= total else []
            case Turning(frame=None):
                return next_turn(program, state, chain, keys, now)
            case Turning():
                return []
            case _:
                assert_never(frame.opening)
    except (ExpressionError, TimeError) as error:
        return _failed_to_decide(chain, keys, error, state)


def _given(state: State, keys: Keys) -> list[Command]:
    """Gives an instance the result that someone set for it."""
    chain = chain_to(state, keys)
    if chain is None or state.finished or state.cancelled is not None or state.root.error is not None:
        return []
    frame = chain[-1]
    return complete(state, frame, keys) if frame.is_open and frame.path in state.edits else []


def _ending(program: Program, state: State, now: datetime) -> list[Command] | None:
    """Tells how the execution ends, or None while it goes on."""
    if state.cancelled is not None:
        return _cancelled(state)
    if state.root.error is not None:
        return _failed(program, state)
    if state.finished:
        return [Abandon(""), Finish(status="completed", output=state.output, at=state.now)]
    if state.deadline_at is not None and now >= state.deadline_at:
        error = ErrorValue(type="Timeout", message="the execution took longer than its timeout")
        return [Abandon(""), Record(Checkpoint(path="", kind="failed", error=error, finished_at=now))]
    if state.root.ended:
        try:
            output = workflow_output(program, state, [state.root])
        except ExpressionError as failure:
            error = ErrorValue(type="ExpressionError", message=f"the workflow's output: {failure}")
            return [Record(Checkpoint(path="", kind="failed", error=error, finished_at=state.now))]
        try:
            encoded = encode(output)[0]
        except NotStorable as problem:
            error = ErrorValue(type="ResultNotStorable", message=f"the execution's output: {problem}")
            return [Record(Checkpoint(path="", kind="failed", error=error, finished_at=state.now))]
        return [Finish(status="completed", output=output, encoded=encoded, at=state.now)]
    return None


def _cancelled(state: State) -> list[Command] | None:
    """An execution that was cancelled undoes what it has completed if it was asked to, then ends."""
    error = cancelled_error(state)
    assert error is not None
    status: Literal["cancelled", "compensation_failed"] = "cancelled"
    if error.data.get("compensate"):
        if isinstance(state.root.opening, Undoing):
            return None
        if state.undo is not None:
            return begin_undoing(state)
        # What a `catch` could not undo counts when it was cancelled in the middle of that.
        caught = errors_told(state.root.error)
        if state.undo_errors or caught:
            status, error = "compensation_failed", with_errors(error, (*caught, *state.undo_errors))
    return [Abandon(""), Finish(status=status, error=error, at=state.now)]


def _failed(program: Program, state: State) -> list[Command] | None:
    """An execution that has failed undoes what it has completed, runs its `on_failure`, then ends; None meanwhile."""
    error, closing = failed_error(state), state.root.opening
    if isinstance(closing, Undoing):
        return None
    is_broken = isinstance(closing, Closing) and closing.frame.error is not None
    if state.undo is not None and (closing is None or is_broken):
        return begin_undoing(state)
    if closing is None and program.on_failure is not None:
        return [Abandon(""), Record(Checkpoint(path=ON_FAILURE, kind="entered", finished_at=state.now))]
    if isinstance(closing, Closing) and not state.finished:
        if not closing.frame.ended and closing.frame.error is None:
            return None
        if closing.frame.error is not None:
            # What went wrong while telling of the failure is told beside it, and does not hide it.
            first = state.root.error
            assert first is not None
            second = {"on_failure": closing.frame.error.as_json(), "data": first.data}
            error = with_errors(msgspec.structs.replace(first, data=second, not_undone=0), state.undo_errors)
    return [Abandon(""), Finish(status=failed_status(state), error=error, at=state.now)]


def _deadline(frame: Frame, keys: Keys, now: datetime) -> list[Command]:
    match frame.opening:
        case Inside() | Forked() | Each() | Turning():
            deadline_at = frame.opening.deadline_at
            if deadline_at is not None and now >= deadline_at:
                return [Abandon(frame.path), Record(_timeout(frame, keys, now))]
        case _:
            pass
    return []


def _timeout(frame: Frame, keys: Keys, now: datetime) -> Checkpoint:
    return failed(frame, keys, "Timeout", f"{frame.path} took longer than its timeout", at=now)


def _list_over(program: Program, state: State, chain: list[Frame], keys: Keys, now: datetime) -> list[Command]:
    """A list ran to its end or failed: its container goes on, or is over too."""
    inner, outer, outer_keys = chain[-1], chain[:-1], keys[:-1]
    holder = outer[-1]
    if isinstance(holder.opening, Forked):
        return join(program, state, outer, outer_keys)
    if inner.error is not None:
        return fail_with(holder, outer_keys, inner, state)
    if isinstance(holder.opening, Catching) and holder.node.graph.catch[holder.opening.row].rethrow:
        again = Checkpoint(
            path=holder.path, kind="failed", keys=outer_keys, error=holder.opening.error, finished_at=state.now
        )
        return [Record(again)]
    if isinstance(holder.opening, Turning):
        try:
            return next_turn(program, state, outer, outer_keys, now)
        except (ExpressionError, TimeError) as error:
            return _failed_to_decide(outer, outer_keys, error, state)
    result = inner.result if holder.node.result_used else None
    return [Record(completed(program, state, outer, outer_keys, result, at=state.now))]


def _failed_to_decide(chain: list[Frame], keys: Keys, error: Exception, state: State) -> list[Command]:
    frame = chain[-1]
    type = "ExpressionError" if isinstance(error, ExpressionError) else "NotATime"
    return [Abandon(frame.path), Record(failed(frame, keys, type, str(error), at=state.now))]


def _gather(program: Program, state: State, chain: list[Frame], keys: Keys) -> list[Command]:
    """All items of a foreach are over: read their results back, if anyone wants them."""
    frame = chain[-1]
    node, each = frame.node.graph, frame.opening
    assert isinstance(node, g.Foreach)
    assert isinstance(each, Each)
    if not frame.node.result_used:
        return [Record(completed(program, state, chain, keys, None, at=state.now))]
    return [
        Collect(
            path=frame.path,
            keys=keys,
            total=each.total,
            complete_all=node.on_error == "complete_all",
            decisions=decisions_in(frame.node),
            since=each.since,
        )
    ]
