"""Evolve is the only way from one state to the next.

`evolve(program, state, checkpoint)` is a pure fold step: the same checkpoints over the same program give the same
state, in a worker, after a crash, in a simulation. It also names the frames that were touched, so that `decide` looks
only there.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, assert_never

import msgspec

from durable_dsl import graph as g
from durable_runtime.core.awaiting import Awaiting
from durable_runtime.core.calls import Calling, Retrying, Underway, Waiting
from durable_runtime.core.checkpoints import Checkpoint, Json, Key, Keys
from durable_runtime.core.children import await_child
from durable_runtime.core.conditions import value_of, waiting_for_answer, with_answer
from durable_runtime.core.environment import environment
from durable_runtime.core.evolve_execution import HistoryMismatch, Touched, begin_closing, evolve_execution
from durable_runtime.core.program import ON_FAILURE, Program
from durable_runtime.core.rebuilding import begin_items, rebuild
from durable_runtime.core.shelf import Shelf
from durable_runtime.core.state import (
    Catching,
    Each,
    Forked,
    Frame,
    Inside,
    Opening,
    State,
    Turning,
    Undoing,
    chain_to,
    data_of,
    held_by,
)
from durable_runtime.core.underway import enter, evolve_sub, is_sub, kept
from durable_runtime.core.undoing import advance, locate, remember, take_caught
from durable_runtime.core.waits import jumps, opening_of, patch_of_nothing, with_arrived, without_taken

replace = msgspec.structs.replace

_Patch: TypeAlias = dict[str, Json] | None
_Change: TypeAlias = tuple[Frame, _Patch, Touched]
"""A frame after the change, the keys it writes into the data, and what was touched."""


def begin(
    program: Program,
    *,
    input: Json,
    execution: dict[str, Json],
    started_at: datetime,
    deadline_at: datetime | None = None,
) -> State:
    """Gives the state of an execution without a checkpoint; `data` starts as the checked input."""
    data = dict(input) if isinstance(input, dict) else {}
    root = Frame(block=program.root, data=data)
    return State(root=root, input=input, execution=execution, now=started_at, deadline_at=deadline_at)


def evolve(
    program: Program, state: State, checkpoint: Checkpoint, chain: list[Frame] | None = None
) -> tuple[State, Touched]:
    """Applies one checkpoint, which takes the next number.

    `chain` is what `chain_to` gives for its keys in this state, from whoever has walked there already. Raises
    `HistoryMismatch` when the checkpoint's instance is not what the state stands at.
    """
    if checkpoint.seq not in (0, state.seq + 1):
        raise HistoryMismatch(f"checkpoint {checkpoint.seq} of {checkpoint.path!r} came after checkpoint {state.seq}")
    if not checkpoint.path:
        return evolve_execution(program, state, checkpoint)
    if checkpoint.path == ON_FAILURE:
        return begin_closing(program, state, checkpoint)
    keys = checkpoint.keys if checkpoint.keys is not None else locate(program, state, checkpoint.path)
    if chain is None:
        chain = chain_to(state, keys)
    if chain is None:
        raise HistoryMismatch(f"{checkpoint.path!r} is not open")
    frame = chain[-1]
    compiled = frame.current
    if compiled is None:
        raise HistoryMismatch(f"{checkpoint.path!r} is not what its list stands at")
    if frame.prefix + compiled.name != checkpoint.path:
        if is_sub(frame, checkpoint.path):
            return _evolve_call(state, chain, keys, checkpoint)
        raise HistoryMismatch(f"{checkpoint.path!r} is not what its list stands at")
    node = compiled.graph
    if checkpoint.kind == "entered":
        frame, patch, touched = _enter(program, state, chain, keys, checkpoint)
    elif frame.opening is not None and isinstance(frame.opening, Catching) and checkpoint.kind == "completed":
        frame, patch, touched = _recover(frame, keys, checkpoint.result)
    elif jumps(node, checkpoint):
        # A jump may leave containers that share this data; what lies between the decision and the target's list is
        # forgotten.
        patch = patch_of_nothing(chain) if checkpoint.kind == "timed_out" else None
        keys = keys[: program.nodes[checkpoint.result].depth]
        frame = chain[len(keys)]
        position = frame.block.index[checkpoint.result]
        frame, touched = replace(frame, at=position, opening=None, result=None), (keys,)
    else:
        frame, patch, touched = _apply(program, state, chain, keys, checkpoint)
    if compiled.starts_child and not state.has_children:
        state = replace(state, has_children=True)
    if keys and _undoes(chain):
        return _go_on_undoing(state, chain, keys, frame, checkpoint)
    undo = remember(state, chain, checkpoint, patch) if compiled.undoing is not None else state.undo
    root = frame
    if keys or patch:
        root, touched = rebuild(chain, keys, frame, patch, touched)
    if checkpoint.kind == "arrived":
        state, others = without_taken(state, checkpoint)
        touched += others
    elif isinstance(node, g.Finish) and checkpoint.kind == "completed" and not isinstance(chain[-1].opening, Catching):
        state = replace(state, finished=True, output=checkpoint.result)
        touched = ((),)  # wherever it stands, it ends everything
    if checkpoint.path in state.edits:
        state = replace(state, edits={path: each for path, each in state.edits.items() if path != checkpoint.path})
    if frame.opening is not None and isinstance(frame.opening, Awaiting):
        state = replace(state, has_awaited=True)
    return replace(state, root=root, seq=state.seq + 1, now=checkpoint.finished_at, undo=undo), touched


def _evolve_call(state: State, chain: list[Frame], keys: Keys, checkpoint: Checkpoint) -> tuple[State, Touched]:
    """Applies the checkpoint of a call in the function of the step at the end of the chain."""
    changed = evolve_sub(state, chain[-1], checkpoint)
    if changed is None:
        raise HistoryMismatch(f"{checkpoint.path!r} is not the call that its function stands at")
    others: Touched = ()
    match held_by(changed):
        case Awaiting() if checkpoint.kind == "arrived":
            state, others = without_taken(state, checkpoint)
        case Awaiting():
            state = replace(state, has_awaited=True)
        case Calling():
            state = replace(state, has_children=True)
        case _:
            pass
    if _undoes(chain):
        state, touched = _go_on_undoing(state, chain, keys, changed, checkpoint)
        return state, touched + others
    root, touched = rebuild(chain, keys, changed, None, (keys, *others))
    return replace(state, root=root, seq=state.seq + 1, now=checkpoint.finished_at), touched


def _undoes(chain: list[Frame]) -> bool:
    return len(chain) > 1 and isinstance(chain[-2].opening, Undoing)


def _go_on_undoing(
    state: State, chain: list[Frame], keys: Keys, frame: Frame, checkpoint: Checkpoint
) -> tuple[State, Touched]:
    """Puts the list of a compensation back. Nobody reads the data after it, whatever it gave."""
    state, frame, looked_at = advance(state, chain, keys, frame)
    root, _nothing = rebuild(chain[:-1], keys[:-1], frame, None, ())
    return replace(state, root=root, seq=state.seq + 1, now=checkpoint.finished_at), (looked_at,)


def _recover(frame: Frame, keys: Keys, result: Json) -> _Change:
    """The list of a `catch` ran to its end: its result is the node's, and the flow goes on after it."""
    save = frame.node.graph.save
    return _step_over(frame, result), {save: result} if save is not None else None, (keys,)


def _enter(program: Program, state: State, chain: list[Frame], keys: Keys, checkpoint: Checkpoint) -> _Change:
    """Opens a container: its list begins; all lists of a parallel; a window of a foreach's items."""
    frame = chain[-1]
    node, path, deadline_at, since = frame.node, frame.path, checkpoint.due_at, state.seq + 1
    match node.graph:
        case g.Branch() | g.Group():
            key: Key = checkpoint.result if isinstance(node.graph, g.Branch) else "steps"
            inner = Frame(block=node.blocks[key], prefix=path + "/")
            return replace(frame, opening=Inside(key, inner, deadline_at, since)), None, ((*keys, key),)
        case g.Parallel():
            data = data_of(chain)
            frames = {
                label: Frame(block=node.blocks[label], prefix=path + "/", data=data, changes={})
                for label in node.graph.branches
            }
            touched = tuple((*keys, label) for label in frames)
            return replace(frame, opening=Forked(Shelf(frames), deadline_at, since)), None, touched
        case g.Foreach():
            assert node.items is not None
            items = value_of(program, state, chain, keys, node.items, "in")
            assert isinstance(items, list)
            live: dict[int, Frame] = {}
            each = Each(
                items=items,
                total=checkpoint.result,
                next=0,
                live=live,
                data=data_of(chain),
                deadline_at=deadline_at,
                since=since,
            )
            position, begun = begin_items(frame, each, live, keys)
            return replace(frame, opening=replace(each, next=position)), None, (keys, *begun)
        case g.Loop():
            return replace(frame, opening=Turning(turn=0, deadline_at=deadline_at, since=since)), None, (keys,)
        case g.Step() | g.Decision() if not isinstance(frame.opening, Catching):
            return enter(frame, checkpoint), None, (keys,)
        case _:
            raise HistoryMismatch(f"{path!r} is not a container")


def _apply(program: Program, state: State, chain: list[Frame], keys: Keys, checkpoint: Checkpoint) -> _Change:
    """Applies what happened to the node that the last frame of the chain stands at."""
    frame = chain[-1]
    match checkpoint.kind:
        case "completed" | "collected" | "compensated":
            return _complete(program, state, chain, keys, checkpoint.result)
        case "caught":
            if checkpoint.error is None:
                raise HistoryMismatch(f"what {frame.path!r} caught is not known")
            frame, looked_at = take_caught(state, frame, keys, checkpoint.result, checkpoint.error)
            return frame, None, (looked_at,)
        case "skipped" | "ignored":
            return _step_over(frame, None), patch_of_nothing(chain), (keys,)
        case "timed_out":
            ended = replace(frame, at=len(frame.block.nodes), opening=None, result=None)
            return ended, patch_of_nothing(chain), (keys,)
        case "failed":
            return replace(frame, opening=None, error=checkpoint.error), None, (keys,)
        case "retrying":
            if checkpoint.due_at is None or checkpoint.started_at is None:
                raise HistoryMismatch(f"the retry of {frame.path!r} has no time")
            before = frame.opening
            first_at = before.first_at if isinstance(before, Retrying | Underway | Calling) else checkpoint.started_at
            retrying = Retrying(checkpoint.attempt + 1, checkpoint.due_at, first_at, kept(frame))
            return replace(frame, opening=retrying), None, (keys,)
        case "waiting" if frame.node.starts_child:
            return await_child(frame, checkpoint), None, (keys,)
        case "waiting":
            return _suspend(frame, checkpoint, state.seq + 1), None, (keys,)
        case "arrived":
            if not isinstance(frame.opening, Awaiting) or checkpoint.result["label"] not in frame.opening.slots:
                raise HistoryMismatch(f"{frame.path!r} does not wait for {checkpoint.result['label']!r}")
            return replace(frame, opening=with_arrived(state, frame, frame.opening, checkpoint.result)), None, (keys,)
        case "answered":
            return with_answer(frame, checkpoint.result), None, waiting_for_answer(frame, keys)
        case "turned":
            turning = frame.opening
            if not isinstance(turning, Turning):
                raise HistoryMismatch(f"{frame.path!r} is not a loop that has begun")
            turn = checkpoint.result
            body = Frame(block=frame.node.blocks[None], prefix=f"{frame.path}#{turn}/", names={"iteration": turn})
            next_turn = replace(turning, turn=turn, frame=body, result=_result_so_far(turning), due_at=None)
            return replace(frame, opening=next_turn), None, ((*keys, turn),)
        case (
            "entered"
            | "cancelled"
            | "paused"
            | "resumed"
            | "rewound"
            | "edited"
            | "forked"
            | "compensating"
            | "received"
            | "looked"
            | "joined"
        ):
            raise HistoryMismatch(f"{frame.path!r} cannot be {checkpoint.kind} here")
        case _:
            assert_never(checkpoint.kind)


def _complete(program: Program, state: State, chain: list[Frame], keys: Keys, result: Json) -> _Change:
    """Moves past the node with its result, and tells which keys of the data it writes."""
    frame = chain[-1]
    node = frame.node.graph
    patch: _Patch = None
    match node:
        case g.Step(save=save, action=action):
            match action:
                case g.Call(with_=None) if save is None:
                    patch = result
                case g.Set() if node.reshapes:
                    # What is stored is what `output` made of the mapping; that is computed again, from the same state.
                    assert frame.node.values is not None
                    patch = frame.node.values.render(environment(program, state, chain), now=state.now)
                case g.Set():
                    patch = result
                case _:
                    pass
        case g.Decision() if result == g.END:
            return replace(frame, at=len(frame.block.nodes), opening=None, result=None), None, (keys,)
        case g.Decision():
            result = None
        case g.Parallel(save=None):
            patch = merged_changes(frame.opening)
        case _:
            pass
    save = node.save
    if save is not None:
        patch = {**patch, save: result} if patch else {save: result}
    return _step_over(frame, result), patch, (keys,)


def _step_over(frame: Frame, result: Json) -> Frame:
    return replace(frame, at=frame.at + 1, opening=None, result=result)


def _suspend(frame: Frame, checkpoint: Checkpoint, seq: int) -> Frame:
    """Opens a wait, or lays a loop to rest until its next turn."""
    if frame.node.awaited:
        return replace(frame, opening=opening_of(checkpoint, seq))
    if checkpoint.due_at is None:
        raise HistoryMismatch(f"the wait {frame.path!r} has no time")
    if isinstance(frame.opening, Turning):
        turning = frame.opening
        return replace(
            frame, opening=replace(turning, frame=None, result=_result_so_far(turning), due_at=checkpoint.due_at)
        )
    return replace(frame, opening=Waiting(checkpoint.due_at, times_out=checkpoint.result is True))


def _result_so_far(turning: Turning) -> Json:
    return turning.result if turning.frame is None else turning.frame.result


def merged_changes(opening: Opening | None) -> dict[str, Json]:
    """Gives what the branches of a parallel changed, in the branches' order; failed ones change nothing."""
    merged: dict[str, Json] = {}
    if isinstance(opening, Forked):
        for _label, frame in opening.frames.pairs():
            if frame.ended and frame.changes:
                merged.update(frame.changes)
    return merged
