"""Begin a node: what its first command is, by its kind. Pure.

What only computes is done here and now, as a checkpoint; everything else is asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from durable_dsl import graph as g
from durable_dsl.expressions import Expression, Template
from durable_runtime.core.calls import Retrying, Underway
from durable_runtime.core.checkpoints import Checkpoint, Json, Key, Keys
from durable_runtime.core.children import call
from durable_runtime.core.commands import Command, Perform, Record, Sealed
from durable_runtime.core.conditions import holds, value_of
from durable_runtime.core.emitting import emit
from durable_runtime.core.environment import as_text, environment, parse_instant, span_of
from durable_runtime.core.outcomes import completed, failed
from durable_runtime.core.program import DEFAULT_CASE, Program
from durable_runtime.core.publishing import publish
from durable_runtime.core.state import Frame, Opening, State, Undoing, data_of
from durable_runtime.core.waits import open_wait

replace = msgspec.structs.replace


def workflow_output(program: Program, state: State, chain: list[Frame]) -> Json:
    """Gives the workflow's `output`, by default all of the data."""
    if program.output is None:
        return data_of(chain)
    return program.output.render(environment(program, state, chain), now=state.now)


def start(program: Program, state: State, chain: list[Frame], keys: Keys, now: datetime) -> list[Command]:
    """Starts the node that the frame stands at."""
    frame = chain[-1]
    node = frame.node
    graph = node.graph
    if node.when is not None:
        wanted = holds(program, state, chain, keys, node.when, "when")
        if isinstance(wanted, Perform):
            return [wanted]
        if not wanted:
            return [Record(Checkpoint(path=frame.path, kind="skipped", keys=keys, finished_at=state.now))]
    match graph:
        case g.Step():
            return _start_step(program, state, chain, keys, graph.action)
        case g.Decision(call=str()):
            return [perform(program, state, chain, keys, attempt=1)]
        case g.Decision():
            chosen = _choose_target(program, state, chain, keys)
            if isinstance(chosen, Perform):
                return [chosen]
            return [Record(completed(program, state, chain, keys, chosen, at=state.now))]
        case g.Branch():
            case = _choose_case(program, state, chain, keys)
            if isinstance(case, Perform):
                return [case]
            if case is None:
                return [Record(_not_matched(program, state, chain, keys))]
            return [_enter(program, state, chain, keys, case)]
        case g.Group() | g.Loop():
            return [_enter(program, state, chain, keys, None)]
        case g.Parallel():
            return [_enter(program, state, chain, keys, None)]
        case g.Foreach():
            return [_enter_items(program, state, chain, keys)]
        case g.Wait() if node.awaited:
            return [Record(open_wait(program, state, chain, keys))]
        case g.Wait():
            return [_wait(program, state, chain, keys, now)]
        case g.Fail():
            assert node.message is not None
            assert node.data is not None
            names = environment(program, state, chain)
            message = as_text(node.message.render(names, now=state.now))
            data = node.data.render(names, now=state.now)
            return [Record(failed(frame, keys, graph.type, message, data=data, at=state.now))]
        case g.Finish():
            # `output` of this node is applied by `completed`; without one the workflow's own is the result.
            output = None if node.output is not None else workflow_output(program, state, chain)
            return [Record(completed(program, state, chain, keys, output, at=state.now))]
        case _:
            assert_never(graph)


def _start_step(program: Program, state: State, chain: list[Frame], keys: Keys, action: g.Action) -> list[Command]:
    """Starts a step: what only computes is done here and now."""
    match action:
        case g.Call() | g.Http() | g.Shell() | g.Sql() | g.Use():
            return [perform(program, state, chain, keys, attempt=1)]
        case g.Set():
            node = chain[-1].node
            assert node.values is not None
            values = node.values.render(environment(program, state, chain), now=state.now)
            return [Record(completed(program, state, chain, keys, values, at=state.now))]
        case g.Emit():
            return [Record(emit(program, state, chain, keys, action))]
        case g.Publish():
            return [Record(publish(program, state, chain, keys))]
        case g.Log():
            node = chain[-1].node
            assert node.message is not None
            message = as_text(node.message.render(environment(program, state, chain), now=state.now))
            return [Record(completed(program, state, chain, keys, None, at=state.now, log=message))]
        case g.Child() | g.Start():
            return [call(program, state, chain, keys, attempt=1)]
        case _:
            assert_never(action)


def attempt_again(program: Program, state: State, chain: list[Frame], keys: Keys, attempt: int) -> Command:
    """Makes another attempt of the node that the frame stands at."""
    graph = chain[-1].node.graph
    if isinstance(graph, g.Step) and isinstance(graph.action, g.Child | g.Start):
        return call(program, state, chain, keys, attempt)
    return perform(program, state, chain, keys, attempt)


def perform(program: Program, state: State, chain: list[Frame], keys: Keys, attempt: int) -> Perform:
    frame = chain[-1]
    node = frame.node
    assert node.performs is not None, f"{node.id} has no attempts"
    action, function = node.performs
    values = node.values
    # Most steps take the data as it is, or constants: nothing reads a name.
    reads = isinstance(node.timeout, Template) or (values is not None and not values.is_constant)
    names = environment(program, state, chain) if reads else {}
    timeout = span_of(node.timeout, names, state) if node.timeout is not None else None
    begun = Perform(
        path=frame.path,
        node=node.id,
        keys=keys,
        action=action,
        function=function,
        attempt=attempt,
        since=state.retried,
        data=data_of(chain),
        arguments=values.render(names, now=state.now) if values is not None and not node.secrets else None,
        timeout=timeout,
        began_at=state.now,
    )
    if node.secrets and values is not None:
        begun = replace(begun, sealed=Sealed(values, node.secrets, names, state.now))
    if node.undoes:
        begun = replace(begun, error=_undone_for(chain))
    return begun if frame.opening is None else _begun_before(begun, frame.opening)


def _begun_before(perform: Perform, opening: Opening) -> Perform:
    """Gives what enters a function once more: with the calls it made, and the time it has left."""
    match opening:
        case Underway() as before:
            timeout = None if perform.timeout is None else max(timedelta(0), perform.timeout - before.used)
            perform = replace(perform, timeout=timeout, began_at=before.began_at, done=before.done)
        case Retrying(before=Underway() as before):
            perform = replace(perform, began_at=before.began_at if before.done else perform.began_at, done=before.done)
        case _:
            return perform
    again = before.wait.opening if before.wait is not None else None
    if not isinstance(again, Retrying):
        return perform
    return replace(perform, next_attempt=again.attempt, next_at=again.retry_at)


def _undone_for(chain: list[Frame]) -> Json:
    """Gives the error for which the step at the end of a chain undoes another."""
    undoing = chain[-2].opening
    return undoing.error.as_json() if isinstance(undoing, Undoing) else None


def _deadline_at(program: Program, state: State, chain: list[Frame]) -> datetime | None:
    timeout = chain[-1].node.timeout
    if timeout is None:
        return None
    return state.now + span_of(timeout, environment(program, state, chain), state)


def _enter(program: Program, state: State, chain: list[Frame], keys: Keys, result: Json) -> Record:
    return Record(
        Checkpoint(
            path=chain[-1].path,
            kind="entered",
            keys=keys,
            result=result,
            due_at=_deadline_at(program, state, chain),
            finished_at=state.now,
        )
    )


def _enter_items(program: Program, state: State, chain: list[Frame], keys: Keys) -> Command:
    frame = chain[-1]
    node = frame.node.graph
    assert isinstance(node, g.Foreach)
    assert frame.node.items is not None
    items = value_of(program, state, chain, keys, frame.node.items, "in")
    if isinstance(items, Perform):
        return items
    if not isinstance(items, list):
        message = f"'in' of {frame.path} gave {as_text(items)[:80]}, which is not a list"
        return Record(failed(frame, keys, "NotAList", message, at=state.now))
    total = len(items) if node.batch is None else -(-len(items) // node.batch)
    return _enter(program, state, chain, keys, total)


def _choose_target(program: Program, state: State, chain: list[Frame], keys: Keys) -> str | Perform | None:
    """Gives the target of the first row that holds."""
    for index, (when, target) in enumerate(chain[-1].node.choices):
        wanted = holds(program, state, chain, keys, when, f"choose {index}")
        if wanted:
            return wanted if isinstance(wanted, Perform) else target
    return None


def _choose_case(program: Program, state: State, chain: list[Frame], keys: Keys) -> Key | Perform | None:
    """Gives the key of the list to run, or None when nothing matches and there is no default."""
    node = chain[-1].node
    matched = None
    if node.match is not None:
        value = value_of(program, state, chain, keys, node.match, "match")
        if isinstance(value, Perform):
            return value
        matched = as_text(value)
    for key, condition in node.conditions:
        if condition is None or isinstance(condition, str):
            if condition == matched:
                return key
            continue
        wanted = holds(program, state, chain, keys, condition, f"cases {key}")
        if wanted:
            return wanted if isinstance(wanted, Perform) else key
    return DEFAULT_CASE if DEFAULT_CASE in node.blocks else None


def _not_matched(program: Program, state: State, chain: list[Frame], keys: Keys) -> Checkpoint:
    frame = chain[-1]
    node = frame.node
    value, what = None, "the data"
    if node.match is not None:
        value = value_of(program, state, chain, keys, node.match, "match")
        source = node.match.source if isinstance(node.match, Expression) else str(node.match)
        what = f"{source!r} gave {as_text(value)[:80]!r}, which"
    message = f"{what} matches no case of {frame.path}, and there is no default"
    return failed(frame, keys, "BranchNotMatched", message, data={"value": value}, at=state.now)


def _wait(program: Program, state: State, chain: list[Frame], keys: Keys, now: datetime) -> Record:
    frame = chain[-1]
    node = frame.node
    names = environment(program, state, chain)
    if node.for_ is not None:
        due_at = state.now + span_of(node.for_, names, state)
    else:
        assert node.until_at is not None
        due_at = parse_instant(node.until_at.render(names, now=state.now))
    deadline_at = _deadline_at(program, state, chain)
    times_out = deadline_at is not None and deadline_at < due_at
    if times_out and deadline_at is not None:
        due_at = deadline_at
    if not times_out and due_at <= now:
        return Record(completed(program, state, chain, keys, None, at=now))
    return Record(
        Checkpoint(
            path=frame.path,
            kind="waiting",
            keys=keys,
            result=True if times_out else None,
            due_at=due_at,
            finished_at=state.now,
        )
    )
