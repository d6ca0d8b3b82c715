"""The interpreter's step: decide and evolve in turn until nothing more can be computed. Pure.

`settle` is what a worker, a simulation and a test call; there is no other way to run a graph.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from durable_dsl.graph import Foreach
from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.children import children_below
from durable_runtime.core.collecting import ItemResults, KnownResults, decisions_in, results_of
from durable_runtime.core.commands import Abandon, Collect, Finish, Perform, Record, StartChild
from durable_runtime.core.decide import decide
from durable_runtime.core.evolve import evolve
from durable_runtime.core.evolve_execution import HistoryMismatch, Touched
from durable_runtime.core.outcomes import settle_results
from durable_runtime.core.program import Program
from durable_runtime.core.state import Each, State, chain_to, frames_of, with_deadlines

replace = msgspec.structs.replace

MAX_COMPUTED = 100
"""Checkpoints computed in one pass before they must be committed: a loop that only computes must not hold up others."""

MAX_COMPUTED_BYTES = 64 * 1024


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass came to.

    `checkpoints` were computed and evolved already and are to be committed in this order. `performs`, `collects`
    and `finish` are to be done once everything they depend on is durable. `abandons` name the instances whose
    attempts nobody wants any more, `cancels` the children that steps below them waited for; at a finish, which
    reaches all children, they are not named. `pending` are addresses not looked at yet because the pass had
    computed enough: commit, then settle them. `read_clock` tells that a checkpoint says what time it was, which
    could not be computed again: commit before anything that follows from it begins. `has_timers` tells that
    something in these checkpoints falls due later.
    """

    state: State
    checkpoints: list[Checkpoint]
    performs: list[Perform | StartChild]
    collects: list[Collect]
    abandons: list[Abandon]
    cancels: tuple[str, ...] = ()
    finish: Finish | None = None
    pending: Touched = ()
    read_clock: bool = False
    has_timers: bool = False


def settle(
    program: Program, state: State, touched: Iterable[Keys] | None, now: datetime, known: KnownResults | None = None
) -> Pass:
    """Computes everything that follows from what was touched; None looks at every open frame, as after a fold.

    A foreach whose results are `known` is over at once, without reading them back.
    """
    if known is not None:
        known.follow(state.seq)
    addresses = deque(touched if touched is not None else [keys for keys, _frame in frames_of(state.root)])
    waiting = set(addresses)
    checkpoints: list[Checkpoint] = []
    performs: dict[str, Perform | StartChild] = {}
    collects: dict[str, Collect] = {}
    abandons: list[Abandon] = []
    cancels: list[str] = []
    size = 0
    read_clock = has_timers = False
    while addresses:
        if len(checkpoints) >= MAX_COMPUTED or size >= MAX_COMPUTED_BYTES:
            break
        keys = addresses.popleft()
        waiting.discard(keys)
        for command in decide(program, state, keys, now):
            if isinstance(command, Collect) and known is not None:
                command = _recall(program, state, command, known)
            match command:
                case Perform() | StartChild():
                    performs[command.path] = command
                case Record(checkpoint):
                    read_clock = read_clock or checkpoint.finished_at != state.now
                    has_timers = has_timers or checkpoint.due_at is not None
                    state, more = evolve(program, state, checkpoint)
                    checkpoints.append(numbered := msgspec.structs.replace(checkpoint, seq=state.seq))
                    if known is not None:
                        known.add(numbered)
                    size += len(checkpoint.encoded or b"")
                    for address in more:
                        if address not in waiting:
                            waiting.add(address)
                            addresses.append(address)
                case Collect():
                    collects[command.path] = command
                case Abandon():
                    abandons.append(command)
                    cancels += children_below(state, command)
                    performs = {path: perform for path, perform in performs.items() if not command.covers(path)}
                    collects = {path: collect for path, collect in collects.items() if not command.covers(path)}
                case Finish():
                    return Pass(
                        state=state,
                        checkpoints=checkpoints,
                        performs=[],
                        collects=[],
                        abandons=abandons,
                        finish=command,
                    )
    return Pass(
        state=state,
        checkpoints=checkpoints,
        performs=list(performs.values()),
        collects=list(collects.values()),
        abandons=abandons,
        cancels=tuple(cancels),
        pending=tuple(addresses),
        read_clock=read_clock,
        has_timers=has_timers,
    )


def _recall(program: Program, state: State, collect: Collect, known: KnownResults) -> Collect | Record:
    """Gives the checkpoint that ends a foreach when its results are known, or the command again."""
    rows = known.take(collect.path)
    if rows is None:
        return collect
    results = results_of(rows, collect.total, collect.complete_all, collect.decisions)
    checkpoint = settle_results(program, state, collect.path, collect.keys, results)
    return collect if checkpoint is None else Record(checkpoint)


def fold(program: Program, start: State, checkpoints: Iterable[Checkpoint], base: State | None = None) -> State:
    """Rebuilds the state from stored checkpoints, in the order of their numbers; those taken back do not count.

    With `base`, the state of a snapshot, only those after it are needed. Raises `HistoryMismatch` when they are not of
    one execution, or one is missing.
    """
    found = list(checkpoints)
    state = start if base is None else base
    later = [one for one in found if one.seq > state.seq] if base is not None else found
    for number, checkpoint in enumerate(later, later[0].seq if later else 0):
        if checkpoint.seq not in (0, number):
            raise HistoryMismatch(f"checkpoint {checkpoint.seq} of {checkpoint.path!r} came as number {number}")
    if later and later[0].seq not in (0, state.seq + 1):
        raise HistoryMismatch(f"checkpoint {later[0].seq} came after checkpoint {state.seq}")
    for _checkpoint, after in replay(program, start, counting(found), base):
        state = after
    return state


def replay(
    program: Program, start: State, checkpoints: Iterable[Checkpoint], base: State | None = None
) -> Iterator[tuple[Checkpoint, State]]:
    """Yields the state after each of the checkpoints that count; their numbers may have gaps.

    It begins with the state before the first, or with `base` and the checkpoint after it.
    """
    results = ItemResults()
    bound = None if start.deadline_at is None else start.deadline_at - (start.not_before or start.now)
    if base is not None:
        checkpoints = list(checkpoints)
        entered = {one.seq: one.due_at for one in checkpoints if one.kind == "entered" and one.seq <= base.seq}
        state = with_deadlines(base, entered)
    else:
        state = start
    for checkpoint in checkpoints:
        number = checkpoint.seq
        if base is not None and number <= base.seq:
            results.add(checkpoint)
            continue
        if checkpoint.kind == "collected":
            value = collected_value(program, state, checkpoint, results)
            checkpoint = replace(checkpoint, result=value)
        results.add(checkpoint)
        if number:
            state = replace(state, seq=number - 1)
        state, _touched = evolve(program, state, checkpoint)
        if checkpoint.kind in ("rewound", "forked") and bound is not None:
            state = replace(state, deadline_at=checkpoint.finished_at + bound)
        yield checkpoint, state


def counting(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Gives the checkpoints that count: without those that a later one took back.

    What had a time when it was taken back has it anew from then on.
    """
    found = list(checkpoints)
    if all(one.kind not in ("rewound", "forked") for one in found):
        return found
    spans = {one.seq: one.due_at - one.finished_at for one in found if one.kind == "entered" and one.due_at is not None}
    kept: list[Checkpoint] = []
    for one in found:
        if one.kind in ("rewound", "forked"):
            without, at = set(one.result["without"]), one.finished_at
            kept = [
                replace(each, due_at=at + spans[each.seq]) if each.seq in spans else each
                for each in kept
                if each.seq not in without
            ]
        kept.append(one)
    return kept


def collected_value(program: Program, state: State, checkpoint: Checkpoint, results: ItemResults) -> list[Json]:
    """Gives the list that a `collected` checkpoint stands for."""
    chain = chain_to(state, program.locate(checkpoint.path))
    opening = chain[-1].opening if chain is not None else None
    if chain is None or not isinstance(opening, Each):
        raise HistoryMismatch(f"{checkpoint.path!r} is not a foreach that is open")
    node = chain[-1].node.graph
    complete_all = isinstance(node, Foreach) and node.on_error == "complete_all"
    return results_of(results.take(checkpoint.path), opening.total, complete_all, decisions_in(chain[-1].node))
