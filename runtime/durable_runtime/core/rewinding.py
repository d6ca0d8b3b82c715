"""Going back to before a failure: which checkpoints count no more, and the state without them. Pure.

History is never rewritten. A `rewound` checkpoint lists the numbers of those that a fold leaves out from then on: what
failed, on the way from the execution down to the nodes where it began, the retries of these nodes, and what
`on_failure` did. Everything else stays, so what has finished does not run again. What was bounded in time begins its
time anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.commands import Abandon
from durable_runtime.core.interpreter import counting, fold, replay
from durable_runtime.core.program import CATCH, ON_FAILURE, Program
from durable_runtime.core.state import Catching, Frame, State, chain_to, children_of
from durable_runtime.errors import HistoryPruned

_BEFORE_ITS_END = ("entered", "retrying", "waiting", "arrived")
"""What a node without lists of its own leaves before it fails; `entered` only if its function makes calls."""

_State: TypeAlias = Callable[[set[int]], State]


class Past(msgspec.Struct, frozen=True):
    """An execution's state without checkpoints, and all that are stored of it.

    Where turns of loops were pruned, `base` is the state with which the history begins that is whole.
    """

    start: State
    history: list[Checkpoint]
    base: State | None = None

    def state(self, program: Program) -> State:
        """Gives the state that the history leads to."""
        return fold(program, self.start, self.history, self.base)

    @property
    def floor(self) -> int:
        """The number of the last checkpoint that nothing can be taken back of."""
        return 0 if self.base is None else self.base.seq


def rewind(program: Program, past: Past, payload: Json, now: datetime) -> tuple[Checkpoint, State]:
    """Gives the checkpoint that takes a failure back, and the state after it.

    `payload` says who asked and why, and under `edit` perhaps the result of a node (`node`, `value`) that is not to
    run again. Raises `HistoryPruned` when what failed began before the history that is left.
    """
    seq = past.history[-1].seq + 1 if past.history else 1
    result = {**(payload or {}), "without": check_rewind(program, past)}
    checkpoint = Checkpoint(path="", kind="rewound", seq=seq, result=result, finished_at=now)
    return checkpoint, fold(program, past.start, [*past.history, checkpoint], past.base)


def check_rewind(program: Program, past: Past) -> list[int]:
    """Gives the numbers of what would be taken back; raises `HistoryPruned`."""
    without = sorted(_failures(program, past))
    if past.base is not None and ((without and without[0] <= past.floor) or past.base.root.error is not None):
        raise HistoryPruned("what failed began in turns of a loop that are gone, for it keeps only its last ones")
    return without


def _failures(program: Program, past: Past) -> set[int]:
    """Gives the numbers of the checkpoints that belong to the failure, none when no node has failed."""
    kept = counting(past.history)
    states = enumerate(replay(program, past.start, kept, past.base), sum(one.seq <= past.floor for one in kept))
    cause = next((at for at, (_one, state) in states if state.root.error is not None), None)
    if cause is None or past.start.root.error is not None:
        return set()
    without = {kept[cause].seq}
    without |= {one.seq for one in kept[cause:] if one.path == ON_FAILURE or one.path.startswith(f"{ON_FAILURE}/")}
    before = kept[:cause]

    def state_without(dropped: set[int]) -> State:
        state = past.start if past.base is None else past.base
        for _one, after in replay(program, past.start, [one for one in before if one.seq not in dropped], past.base):
            state = after
        return state

    if kept[cause].path:
        _take_back(before, state_without, program.locate(kept[cause].path), kept[cause].path, without)
    return without


def _take_back(before: list[Checkpoint], state: _State, keys: Keys, path: str, without: set[int]) -> None:
    """Adds what made the instance at `path` fail: the failures inside of it, or what it left before it failed."""
    frame = _frame_at(state(without), keys)
    if isinstance(frame.opening, Catching) and frame.opening.frame.ended:
        # Its `catch` gave the error on. What made it fail in the first place is below that; but what was undone below
        # it before that has to be done again, so then it begins from the beginning.
        undone = frame.node.graph.catch[frame.opening.row].compensate
        since = _last(before, path, ("entered",) if undone and _holds_lists(frame) else ("caught",), without)
        below = Abandon(path if undone else f"{path}/{CATCH}")
        without |= {one.seq for one in before if one.seq == since or (one.seq > since and below.covers(one.path))}
        frame = _frame_at(state(without), keys)
    failed = [(key, inner) for key, inner in children_of(frame.opening) if inner.error is not None]
    for key, inner in failed:
        without.add(_last(before, inner.path, ("failed",), without))
        _take_back(before, state, (*keys, key), inner.path, without)
    if not failed and not _holds_lists(frame):
        without |= attempts_of([one for one in before if one.seq not in without], path)


def attempts_of(before: list[Checkpoint], path: str) -> set[int]:
    """Gives what the attempts of a node without lists left, but for the calls of its function that are done.

    The node begins from the beginning; its function, if it made calls, finds all but the one at the end that failed.
    """
    last = max((one.seq for one in before if one.path == path and one.kind not in _BEFORE_ITS_END), default=0)
    own = [one for one in before if one.seq > last and (one.path == path or one.path.startswith(f"{path}/"))]
    found: set[int] = set()
    calls: list[Checkpoint] = []
    entered = False
    for one in (*own, None):
        if one is not None and one.path != path:
            calls.append(one)
            continue
        if calls and calls[-1].kind == "failed":
            # The call that the attempt ended with, and its own attempts.
            call = calls[-1].path
            found |= {each.seq for each in calls if each.path == call}
        calls = []
        if one is not None and (one.kind != "entered" or entered):
            found.add(one.seq)
        entered = entered or (one is not None and one.kind == "entered")
    return found


def _holds_lists(frame: Frame) -> bool:
    return any(not str(key).startswith(CATCH) for key in frame.node.blocks)


def _frame_at(state: State, keys: Keys) -> Frame:
    chain = chain_to(state, keys)
    if chain is None:
        raise AssertionError(f"what failed at {keys} is not open before it failed")
    return chain[-1]


def _last(before: Iterable[Checkpoint], path: str, kinds: tuple[str, ...], without: set[int]) -> int:
    found = (one.seq for one in before if one.path == path and one.kind in kinds and one.seq not in without)
    return max(found, default=0)
