"""Outcomes: from what happened to the checkpoint that says so.

Pure; the last place where a value can still be refused.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from durable_dsl import graph as g
from durable_dsl.durations import LONGEST
from durable_dsl.expressions import ExpressionError
from durable_runtime.core.calls import Calling, Retrying, Underway
from durable_runtime.core.catching import catch
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json, Keys
from durable_runtime.core.environment import environment
from durable_runtime.core.program import CompiledNode, Program
from durable_runtime.core.retry import delay_before, is_retried
from durable_runtime.core.state import (
    Catching,
    Each,
    Frame,
    State,
    chain_to,
)
from durable_runtime.core.values import NotStorable, encode


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that failed.

    `names` are the class names of the error and its bases, `retry_after` is what the author asked for.
    """

    type: str
    message: str
    data: Json = None
    names: tuple[str, ...] = ()
    retry_after: timedelta | None = None


class Success(msgspec.Struct, frozen=True):
    """An attempt that worked; `value` is what the author's code gave, not yet checked."""

    value: Json


def completed(
    program: Program,
    state: State,
    chain: list[Frame],
    keys: Keys,
    result: Json,
    *,
    at: datetime,
    attempt: int = 1,
    started_at: datetime | None = None,
    log: str | None = None,
    seq: int = 0,
) -> Checkpoint:
    """Gives the checkpoint of a node that worked: its result reshaped by `output`, checked, encoded once.

    A result that cannot be stored, an `output` that fails, or a pipeline call without a mapping gives a failed
    checkpoint instead.
    """
    frame = chain[-1]
    node = frame.node
    try:
        if node.output is not None:
            names = environment(program, state, chain)
            names["result"] = encode(result)[1]
            result = node.output.render(names, now=state.now)
        encoded, result = encode(result) if result is not None else (None, None)
    except NotStorable as error:
        return failed(frame, keys, "ResultNotStorable", str(error), at=at, attempt=attempt, started_at=started_at)
    except ExpressionError as error:
        return failed(frame, keys, "ExpressionError", str(error), at=at, attempt=attempt, started_at=started_at)
    # What a `catch` gives in the node's place need not be what the node itself would have given, and what undoes a
    # step may give anything.
    recovers = node.undoes or (frame.opening is not None and isinstance(frame.opening, Catching))
    problem = None if recovers else refused_by(node, result)
    if problem is not None:
        kind, message = problem
        return failed(frame, keys, kind, message, at=at, attempt=attempt, started_at=started_at)
    if isinstance(node.graph, g.Decision) and isinstance(result, str) and not recovers:
        result = node.graph.targets.get(result, result) if node.graph.call is not None else result
        encoded = encode(result)[0]
    return Checkpoint(
        path=frame.path,
        kind="compensated" if node.undoes else "completed",
        keys=keys,
        result=result,
        encoded=encoded,
        attempt=attempt,
        started_at=started_at,
        finished_at=at,
        log=log,
        seq=seq,
    )


def refused_by(node: CompiledNode, result: Json) -> tuple[str, str] | None:
    """Tells why this kind of node cannot have this result: (error type, message), or None."""
    if result is None:
        return None
    match node.graph:
        case g.Step(action=g.Call(with_=None, function=function), save=None):
            if not isinstance(result, dict):
                return "ResultNotMapping", (
                    f"{function} returned {kind_of(result)}; a call without 'with' and 'save' must return a mapping, "
                    "which is merged into the data, or nothing: add 'save: <key>' to keep another value"
                )
        case g.Decision(call=str() as function, targets=targets):
            if not isinstance(result, str) or result not in targets:
                known = ", ".join(targets)
                return "DecisionNotKnown", f"{function} chose {result!r}; it may return one of: {known}, or nothing"
        case _:
            pass
    return None


def kind_of(value: Json) -> str:
    """Names a value by its type, for a message."""
    match value:
        case bool():
            return "a bool"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def failed(
    frame: Frame,
    keys: Keys,
    type: str,
    message: str,
    *,
    at: datetime,
    data: Json = None,
    attempt: int = 1,
    started_at: datetime | None = None,
    names: tuple[str, ...] = (),
) -> Checkpoint:
    """Gives the checkpoint of a node that failed for good."""
    error = ErrorValue(type=type, message=message, data=data, node=frame.path, attempt=attempt, names=names)
    return Checkpoint(
        path=frame.path,
        kind="failed",
        keys=keys,
        error=error,
        attempt=attempt,
        started_at=started_at,
        finished_at=at,
    )


def failed_attempt(
    frame: Frame, keys: Keys, failure: Failure, *, at: datetime, started_at: datetime, attempt: int = 1
) -> Checkpoint:
    """Gives the checkpoint of a node whose attempt failed, if it is the last one."""
    return Checkpoint(
        path=frame.path,
        kind="failed",
        keys=keys,
        error=error_of(failure, frame.path, attempt),
        attempt=attempt,
        started_at=started_at,
        finished_at=at,
    )


def settle_attempt(
    program: Program,
    state: State,
    chain: list[Frame] | None,
    path: str,
    keys: Keys,
    attempt: int,
    outcome: Success | Failure,
    *,
    started_at: datetime,
    at: datetime,
    uniform: float,
) -> Checkpoint | None:
    """Turns the outcome of an attempt into its checkpoint: completed, retrying with its due time, caught or failed.

    `chain` is what `chain_to` gives for `keys`, `uniform` in [0, 1) draws the jitter. Gives None when the instance no
    longer waits for this attempt: it was abandoned.
    """
    if chain is None or not expects(chain[-1], path, attempt):
        return None
    opening = chain[-1].opening
    if opening is not None and isinstance(opening, Underway):
        started_at = opening.entered_at
    if isinstance(outcome, Success):
        # A result that cannot be stored fails the node at once: the work is done and would give the same again.
        seq = state.seq + 1  # as it is taken next, or not at all
        settled = completed(
            program, state, chain, keys, outcome.value, at=at, attempt=attempt, started_at=started_at, seq=seq
        )
    else:
        settled = settle_failure(
            program, state, chain, keys, attempt, outcome, started_at=started_at, at=at, uniform=uniform
        )
    return catch(program, state, settled)


def settle_results(program: Program, state: State, path: str, keys: Keys, results: list[Json]) -> Checkpoint | None:
    """Turns the results of a foreach's items, read back from the store, into the checkpoint of the foreach.

    Its value is not stored a second time, except where it is read from this checkpoint: it may have been reshaped, and
    as the result of an item of another foreach it is itself read back. Gives None when the foreach no longer waits.
    """
    chain = chain_to(state, keys)
    if chain is None or not _is_gathering(chain[-1], path):
        return None
    checkpoint = catch(program, state, completed(program, state, chain, keys, results, at=state.now))
    is_item = len(chain) > 1 and isinstance(chain[-2].opening, Each)
    if checkpoint.kind != "completed" or chain[-1].node.output is not None or is_item:
        return checkpoint
    return msgspec.structs.replace(checkpoint, kind="collected", encoded=None)


def _is_gathering(frame: Frame, path: str) -> bool:
    return frame.is_open and frame.path == path and isinstance(frame.opening, Each)


def expects(frame: Frame, path: str, attempt: int) -> bool:
    """Tells whether a frame stands at an instance and waits for this attempt of it."""
    node = frame.current
    if node is None or frame.prefix + node.name != path:
        return False
    if frame.opening is None:
        return attempt == 1
    match frame.opening:
        case Retrying(attempt=expected) | Underway(attempt=expected):
            return attempt == expected
        case _:
            return False


def error_of(failure: Failure, node: str, attempt: int) -> ErrorValue:
    """Gives the error value of a failed attempt, in a form that can be stored whatever the author's error holds."""
    try:
        data = encode(failure.data)[1]
    except NotStorable as error:
        # The first error must not be hidden by a second one: its data are told as far as they can be.
        data = {"not_storable": str(error)}
    names = tuple(name for name in failure.names if name != failure.type)
    message = _printable(failure.message)
    return ErrorValue(type=failure.type, message=message, data=data, node=node, attempt=attempt, names=names)


def settle_failure(
    program: Program,
    state: State,
    chain: list[Frame],
    keys: Keys,
    attempt: int,
    failure: Failure,
    *,
    started_at: datetime,
    at: datetime,
    uniform: float,
) -> Checkpoint:
    """Turns an attempt's failure into its checkpoint: retrying with its due time, or failed; not yet caught."""
    frame = chain[-1]
    checkpoint = failed_attempt(frame, keys, failure, at=at, attempt=attempt, started_at=started_at)
    node = frame.node.graph
    if not isinstance(node, g.Step):
        return checkpoint
    policy = node.retry
    delay = delay_before(policy, attempt, uniform) if failure.retry_after is None else failure.retry_after
    delay = min(delay, LONGEST)  # beyond the range of instants nothing falls due, and adding to them raises
    first_at = frame.opening.first_at if isinstance(frame.opening, Retrying | Underway | Calling) else started_at
    names: Collection[str] = failure.names or (failure.type,)
    if not is_retried(policy, attempt=attempt, names=names, elapsed=at - first_at, delay=delay):
        return checkpoint
    if frame.node.retry_when is not None and checkpoint.error is not None:
        names_seen = environment(program, state, chain) | {"error": checkpoint.error.as_json()}
        try:
            if not frame.node.retry_when.test(names_seen, now=state.now):
                return checkpoint
        except ExpressionError as error:
            message = f"{failure.message} (and the condition of its retry failed: {error})"
            return msgspec.structs.replace(checkpoint, error=msgspec.structs.replace(checkpoint.error, message=message))
    return msgspec.structs.replace(checkpoint, kind="retrying", due_at=at + delay)


def _printable(text: str) -> str:
    """Makes any text storable: NUL and lone surrogates are shown as escapes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
