"""When a container is over, and with what result: the joins of parallel, the turns of loops."""

from __future__ import annotations

from datetime import datetime, timedelta

from durable_dsl import graph as g
from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.commands import Abandon, Command, Perform, Record
from durable_runtime.core.conditions import holds
from durable_runtime.core.environment import environment, span_of
from durable_runtime.core.outcomes import completed, failed
from durable_runtime.core.program import Program
from durable_runtime.core.rebuilding import is_decided
from durable_runtime.core.state import Forked, Frame, State, Turning


def join(program: Program, state: State, chain: list[Frame], keys: Keys) -> list[Command]:
    """Looks at a parallel and ends it when its join is reached or out of reach; the last frame of `chain` holds it."""
    frame = chain[-1]
    opening, node = frame.opening, frame.node.graph
    assert isinstance(opening, Forked)
    assert isinstance(node, g.Parallel)
    if not is_decided(node, opening):
        return []
    running = len(opening.frames) - opening.ended - opening.broke
    ended = [label for label, inner in opening.frames.pairs() if inner.ended]
    broken = [label for label, inner in opening.frames.pairs() if inner.error is not None]
    if node.need is not None:
        if len(ended) >= node.need:
            return _joined(program, state, chain, keys, opening, ended, {})
        if len(ended) + running < node.need:
            errors = {label: _error_json(opening.frames[label]) for label in broken}
            message = f"{len(ended)} of at least {node.need} branches succeeded and no more can"
            checkpoint = failed(frame, keys, "JoinFailed", message, data={"errors": errors}, at=state.now)
            return [Abandon(frame.path), Record(checkpoint)]
        return []
    if node.on_error == "fail_fast" and broken:
        return fail_with(frame, keys, opening.frames[broken[0]], state)
    if running:
        return []
    return _joined(program, state, chain, keys, opening, ended, {label: opening.frames[label] for label in broken})


def _joined(
    program: Program,
    state: State,
    chain: list[Frame],
    keys: Keys,
    opening: Forked,
    ended: list[str],
    broken: dict[str, Frame],
) -> list[Command]:
    frame = chain[-1]
    node = frame.node.graph
    assert isinstance(node, g.Parallel)
    if node.save is None:
        clash = _clash(opening, ended)
        if clash is not None:
            checkpoint = failed(frame, keys, "ParallelConflict", clash, at=state.now)
            return [Abandon(frame.path), Record(checkpoint)]
    result: Json = None
    if frame.node.result_used:
        if node.on_error == "complete_all":
            result = {
                label: {"ok": False, "error": _error_json(inner)}
                if label in broken
                else {"ok": True, "value": inner.result}
                for label, inner in opening.frames.pairs()
            }
        else:
            result = {label: opening.frames[label].result for label in ended}
    checkpoint = completed(program, state, chain, keys, result, at=state.now)
    return [Abandon(frame.path), Record(checkpoint)]


def _clash(opening: Forked, ended: list[str]) -> str | None:
    """Tells which key two branches changed to different values; equal values do not clash."""
    seen: dict[str, tuple[str, Json]] = {}
    for label in ended:
        for key, value in (opening.frames[label].changes or {}).items():
            first = seen.setdefault(key, (label, value))
            if not same(first[1], value):
                return (
                    f"the branches {first[0]!r} and {label!r} changed data.{key} to different values; "
                    "give them different keys, or the parallel a 'save'"
                )
    return None


def same(left: Json, right: Json) -> bool:
    """Equality of JSON values, in which true is not 1 and 1 is not 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _error_json(frame: Frame) -> Json:
    return frame.error.as_json() if frame.error is not None else None


def fail_with(frame: Frame, keys: Keys, inner: Frame, state: State) -> list[Command]:
    """The container fails with the error of what it holds; the error keeps saying where it began."""
    checkpoint = Checkpoint(path=frame.path, kind="failed", keys=keys, error=inner.error, finished_at=state.now)
    return [Abandon(frame.path), Record(checkpoint)]


def next_turn(program: Program, state: State, chain: list[Frame], keys: Keys, now: datetime) -> list[Command]:
    """Looks at a loop between two turns (or before the first, or at a turn's end) and says how it goes on."""
    frame = chain[-1]
    turning, node, graph = frame.opening, frame.node, frame.node.graph
    assert isinstance(turning, Turning)
    assert isinstance(graph, g.Loop)
    result = turning.result if turning.frame is None else turning.frame.result
    names = environment(program, state, chain)
    if turning.frame is not None:
        names["iteration"] = turning.turn
        if node.until is not None:
            done = holds(program, state, chain, keys, node.until, f"until {turning.turn}", iteration=turning.turn)
            if isinstance(done, Perform):
                return [done]
            if done:
                return _loop_over(program, state, chain, keys, result)
        if turning.turn >= graph.max_iterations and node.until is not None:
            return _limit(program, state, chain, keys, result)
        if node.every is not None:
            wait = span_of(node.every, names, state) * graph.factor ** min(turning.turn - 1, 64)
            if graph.max_every is not None:
                wait = min(wait, timedelta(milliseconds=graph.max_every))
            due_at = state.now + wait
            return [
                Record(Checkpoint(path=frame.path, kind="waiting", keys=keys, due_at=due_at, finished_at=state.now))
            ]
    elif turning.due_at is not None and now < turning.due_at:
        return []
    turn = turning.turn + 1
    at = now if turning.due_at is not None else state.now
    if node.while_ is not None:
        wanted = holds(program, state, chain, keys, node.while_, f"while {turn}", iteration=turn)
        if isinstance(wanted, Perform):
            return [wanted]
        if not wanted:
            return _loop_over(program, state, chain, keys, result)
        if turn > graph.max_iterations:
            return _limit(program, state, chain, keys, result)
    return [Record(Checkpoint(path=frame.path, kind="turned", keys=keys, result=turn, finished_at=at))]


def _limit(program: Program, state: State, chain: list[Frame], keys: Keys, result: Json) -> list[Command]:
    frame = chain[-1]
    graph = frame.node.graph
    assert isinstance(graph, g.Loop)
    if graph.on_limit == "continue":
        return _loop_over(program, state, chain, keys, result)
    message = (
        f"the loop did not end within {graph.max_iterations} turns; raise 'max_iterations' or set 'on_limit: continue'"
    )
    return [Record(failed(frame, keys, "LoopLimit", message, data={"turns": graph.max_iterations}, at=state.now))]


def _loop_over(program: Program, state: State, chain: list[Frame], keys: Keys, result: Json) -> list[Command]:
    stored = result if chain[-1].node.result_used else None
    return [Record(completed(program, state, chain, keys, stored, at=state.now))]
