"""Sub-steps: what a step's function did through `ctx`, committed one by one while the step is open. Pure.

The function is entered from its top again, after a crash, after a wait, at the next attempt. Calls that are over are
handed to it with the step (`Perform.done`) and give what is stored; a call is known by its place in the order of the
calls and by its name. A step has at most one call under way, so its checkpoints have one order.

What an attempt did stays done for the next one, except a call at its very end that failed: that is made again. An
error that the function caught and went on from is part of the order of its calls, and is raised again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from durable_dsl.graph import ONE_ATTEMPT, RetryPolicy
from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.beginning import perform
from durable_runtime.core.calls import Calling, Retrying, Underway, Waiting
from durable_runtime.core.checkpoints import Checkpoint, Emitted, Json, Keys
from durable_runtime.core.children import child_id
from durable_runtime.core.commands import Command, Record
from durable_runtime.core.fitting import misfits_of
from durable_runtime.core.outcomes import Failure, Success, error_of, expects
from durable_runtime.core.program import Program
from durable_runtime.core.retry import delay_before, is_retried
from durable_runtime.core.state import Frame, State, chain_to, held_path
from durable_runtime.core.values import NotStorable, encode
from durable_runtime.core.waits import look, opening_of

replace = msgspec.structs.replace


class Pause(msgspec.Struct, frozen=True):
    """The function sleeps for so long."""

    span: timedelta


class Await(msgspec.Struct, frozen=True, kw_only=True):
    """The function waits for something from outside: `spec` is as a `waiting` checkpoint stores it.

    Past the `timeout` it gets the `value` in `default`, or without one fails.
    """

    spec: dict[str, Json]
    timeout: timedelta | None = None
    default: dict[str, Json] | None = None


class Begun(msgspec.Struct, frozen=True):
    """The function starts another execution, and waits for its end if it is `awaited`.

    With a `key` it waits in any case, at least to be told which execution has it.
    """

    workflow: str
    awaited: bool
    key: str | None = None


class Join(msgspec.Struct, frozen=True):
    """The function waits for the end of an execution that it started before."""

    execution: str


class Published(msgspec.Struct, frozen=True):
    """The function shows values by name, which can be stored."""

    values: dict[str, Json]


Outcome: TypeAlias = Success | Failure | Pause | Await | Begun | Join | Published


class SubOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a call of `ctx` came to, not yet in the state: the call's place, its name, which attempt of it.

    `told` are the events that the function has sent since the call before, each a call of its own: `index` is the place
    of the first of them. `emitted` is what the function of this call sends, if it works.
    """

    index: int
    name: str
    outcome: Outcome
    attempt: int = 1
    retry: RetryPolicy = ONE_ATTEMPT
    started_at: datetime | None = None
    told: tuple[tuple[str, Emitted], ...] = ()
    emitted: tuple[Emitted, ...] = ()


def go_on(program: Program, state: State, chain: list[Frame], keys: Keys, now: datetime) -> list[Command]:
    """Enters the function, once what it waits for has come."""
    frame = chain[-1]
    underway = frame.opening
    assert isinstance(underway, Underway)
    match underway.wait.opening if underway.wait is not None else None:
        case None:
            return [perform(program, state, chain, keys, underway.attempt)]
        case Retrying(retry_at=retry_at):
            return [perform(program, state, chain, keys, underway.attempt)] if now >= retry_at else []
        case Waiting(due_at=due_at):
            over = Checkpoint(path=held_path(frame), kind="completed", keys=keys, finished_at=now)
            return [Record(over)] if now >= due_at else []
        case Calling():
            return []
        case Awaiting():
            return look(program, state, chain, keys, now)


def settle_sub(
    program: Program,
    state: State,
    path: str,
    keys: Keys,
    attempt: int,
    sub: SubOutcome,
    *,
    entered_at: datetime,
    began_at: datetime,
    at: datetime,
    uniform: float,
) -> list[Checkpoint]:
    """Turns what a call came to into checkpoints: that the step was entered, if it is the first, and its own.

    `entered_at` is when the function began to run, this time; `began_at` the time it sees before its first call. Gives
    nothing when the step does not stand at this call: it was abandoned, or this is told twice.
    """
    chain = chain_to(state, keys)
    if chain is None or not expects(chain[-1], path, attempt):
        return []
    if state.paused is not None and isinstance(sub.outcome, Begun) and sub.outcome.awaited:
        return []  # nothing is started now: the function is entered once more when it is resumed
    opening = chain[-1].opening
    underway = opening if isinstance(opening, Underway) else None
    before = underway or (opening.before if isinstance(opening, Retrying) else None)
    expected = 1
    if underway is not None and underway.wait is not None:
        again = underway.wait.opening
        if underway.wait.name != sub.name or not isinstance(again, Retrying):
            return []
        expected = again.attempt
    if sub.index != (len(before.done) if before is not None else 0) or sub.attempt != expected:
        return []
    checkpoints: list[Checkpoint] = []
    if underway is None:
        checkpoints.append(
            Checkpoint(
                path=path,
                kind="entered",
                keys=keys,
                attempt=attempt,
                started_at=began_at,
                finished_at=max(entered_at, state.now),
            )
        )
    checkpoints += [
        Checkpoint(path=f"{path}/{name}", kind="completed", keys=keys, emitted=(emitted,), finished_at=at)
        for name, emitted in sub.told
    ]
    own = f"{path}/{sub.name}"
    base = Checkpoint(
        path=own, kind="completed", keys=keys, attempt=sub.attempt, finished_at=at, started_at=sub.started_at
    )
    if isinstance(sub.outcome, Begun | Join):
        id = child_id(state.execution["id"], own, sub.attempt, state.seq + len(checkpoints) + 1)
        return [*checkpoints, _begun(base, sub.outcome, id, entered_at)]
    if isinstance(sub.outcome, Published):
        values = sub.outcome.values
        return [*checkpoints, replace(base, result=values, published=values)]
    settled = _settled(base, sub, sub.outcome, entered_at, uniform)
    if sub.emitted and settled.kind == "completed":
        settled = replace(settled, emitted=sub.emitted)
    letters = state.mailbox.letters
    if letters and isinstance(sub.outcome, Await) and settled.kind == "waiting":
        said = misfits_of(program, state, chain, opening_of(settled, state.seq + 1), letters, own)
        settled = replace(settled, log="\n".join(said) or None)
    return [*checkpoints, settled]


def _begun(base: Checkpoint, begun: Begun | Join, id: str, entered_at: datetime) -> Checkpoint:
    """The child's id is made of the number of this checkpoint, so there is one child for it.

    Who joins is told under such an id too, as if it had a child of its own.
    """
    if isinstance(begun, Begun) and not begun.awaited and begun.key is None:
        return replace(base, result=id)
    more = {"workflow": begun.workflow} if isinstance(begun, Begun) else {"joins": begun.execution}
    result = {"child": id, **more}
    return replace(base, kind="waiting", result=result, started_at=entered_at)


def _settled(
    base: Checkpoint, sub: SubOutcome, outcome: Success | Failure | Pause | Await, entered_at: datetime, uniform: float
) -> Checkpoint:
    failure: Failure
    match outcome:
        case Success(value):
            try:
                encoded, result = encode(value)
                return replace(base, result=result, encoded=encoded if result is not None else None)
            except NotStorable as error:
                failure = Failure(type="ResultNotStorable", message=str(error), names=("ResultNotStorable", "Fatal"))
        case Failure() as failure:
            pass
        case Pause(span=span):
            # From the function's entry to here is what a timeout counts; the wait is not.
            return replace(base, kind="waiting", due_at=base.finished_at + span, started_at=entered_at)
        case Await():
            return _awaiting(base, outcome, entered_at)
    failed = replace(base, kind="failed", error=error_of(failure, base.path, sub.attempt))
    delay = delay_before(sub.retry, sub.attempt, uniform) if failure.retry_after is None else failure.retry_after
    names = failure.names or (failure.type,)
    if not is_retried(sub.retry, attempt=sub.attempt, names=names, elapsed=timedelta(0), delay=delay):
        return failed
    return replace(failed, kind="retrying", due_at=base.finished_at + delay, started_at=entered_at)


def _awaiting(base: Checkpoint, wait: Await, entered_at: datetime) -> Checkpoint:
    times_out_at = None if wait.timeout is None else base.finished_at + wait.timeout
    opened: dict[str, Json] = {"for": {"": wait.spec}}
    if times_out_at is not None:
        opened["times_out_at"] = times_out_at.isoformat()
    if wait.default is not None:
        opened["default"] = wait.default
    try:
        encoded, result = encode(opened)
    except NotStorable as problem:
        failure = Failure(type="ResultNotStorable", message=f"what it waits for: {problem}")
        return replace(base, kind="failed", error=error_of(failure, base.path, 1))
    return replace(base, kind="waiting", result=result, encoded=encoded, due_at=times_out_at, started_at=entered_at)
