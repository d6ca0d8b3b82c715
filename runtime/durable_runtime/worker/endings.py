"""How an execution ends or rests, as it is stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json
from durable_runtime.core.commands import Finish
from durable_runtime.core.outcomes import Failure
from durable_runtime.core.program import Block
from durable_runtime.core.state import Frame, State, rests, timers_of, waits_for_others
from durable_runtime.core.values import NotStorable, encode
from durable_runtime.store.protocol import Claimed, Commit, End, Inbox, Suspend, Timer
from durable_runtime.worker.children import Outgoing


def end_of(finish: Finish, now: datetime) -> End:
    """Gives what is stored of an end. Its output was found to be storable when the end was decided."""
    output = error = None
    if finish.error is not None:
        error = _encoded_error(finish.error)
    elif finish.status == "completed":
        output = encode(finish.output)[0] if finish.encoded is None else finish.encoded
    return End(status=finish.status, at=max(now, finish.at), output=output, error=error)


def _encoded_error(error: ErrorValue) -> bytes:
    """Gives an error as it is stored. What was gathered in its data may be too large by now; the rest of it is told."""
    try:
        return encode(error.as_json())[0]
    except NotStorable as problem:
        return encode({**error.as_json(), "data": {"not_storable": str(problem)}})[0]


def suspend(state: State, now: datetime, deferred: str | None, defer_for: timedelta) -> Suspend | End:
    """Gives how an execution with nothing to do is laid to rest: what wakes it, or its end when nothing ever would.

    `deferred` is a node that waits for a worker that knows its call.
    """
    if rests(state, now):
        return Suspend(begins_of(state))
    timers = [Timer(path, "time", due_at) for due_at, _keys, path in timers_of(state)]
    if deferred is not None:
        timers.append(Timer(deferred, "defer", now + defer_for))
    return Suspend(tuple(timers)) if timers or waits_for_others(state) else stuck(now)


def begins_of(state: State) -> tuple[Timer, ...]:
    """Gives what wakes an execution that rests: the time at which it may begin, nothing when it is paused."""
    if state.paused is not None or state.not_before is None:
        return ()
    return (Timer("", "start", state.not_before),)


def stuck(now: datetime) -> End:
    """Gives the end of an execution that nothing could ever move on."""
    error = ErrorValue(type="Stuck", message="nothing is left that could move this execution on: please report it")
    return end_of(Finish(status="failed", error=error, at=now), now)


def broken(error: Exception, now: datetime) -> End:
    """Gives the end of an execution that the engine could not go on with.

    Its message is ASCII: what the database refused once may be part of it, and must not be refused again.
    """
    refused = isinstance(error, NotStorable)
    message = str(error) if refused else f"{type(error).__name__}: {error}"
    message = message[:2000].encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")
    value = ErrorValue(type="ResultNotStorable" if refused else "EngineError", message=message)
    return end_of(Finish(status="failed", error=value, at=now), now)


def not_storable(reason: str) -> Failure:
    """Gives the failure of an attempt whose result the database refused."""
    return Failure(type="ResultNotStorable", message=reason, names=("ResultNotStorable", "Fatal"))


def cancelled_unread(claimed: Claimed, history: list[Checkpoint], inbox: Inbox, asked: Json, now: datetime) -> Commit:
    """Gives the end of an execution that nobody here can read and that somebody cancelled.

    Its attached children are told, if there are any, and its parent; nothing of it can be undone.
    """
    reason = asked.get("reason") if isinstance(asked, dict) else None
    error = ErrorValue(type="Cancelled", message=reason or "cancelled", data=asked)
    end = end_of(Finish(status="cancelled", error=error, at=now), now)
    seq = history[-1].seq + 1 if history else 1
    unread = State(root=Frame(block=Block((), False)), input=None, execution={}, now=now, has_children=True)
    return Commit(
        key=claimed.key,
        seen=inbox.signal,
        checkpoints=[Checkpoint(path="", kind="cancelled", seq=seq, result=asked, finished_at=now)],
        move=end,
        requests=tuple(request for request, _kind, _payload in inbox.requests),
        sends=Outgoing(claimed).at_end(end, unread),
    )
