"""The state of one execution: a tree of open scopes, nothing else.

Rule 1: only `evolve` makes a new state, and only from a checkpoint.
Rule 2: a finished scope leaves its result and its changes to the data, and is gone; the tree is as large as what is
open.
Rule 3: values are shared and never changed in place; a new state copies the way from the root to what changed, no
more.

A *frame* is one list of nodes being run. The node it stands at may hold an *opening*: a wait, a retry, or inner
frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from durable_dsl.graph import Function
from durable_runtime.core.awaiting import Awaiting, CancelKey
from durable_runtime.core.calls import Calling, Retrying, Underway, Waiting
from durable_runtime.core.checkpoints import ErrorValue, Json, Key, Keys
from durable_runtime.core.mailbox import EMPTY, Mailbox
from durable_runtime.core.program import COMPENSATE, ON_FAILURE, Block, CompiledNode, catch_key
from durable_runtime.core.shelf import Shelf

_EMPTY: dict[str, Any] = {}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One list of nodes being run.

    `prefix` starts the paths of its nodes. `data` is its own copy, or None when it shares its parent's; `changes` are
    the keys a parallel's branch changed in its copy, None elsewhere. `names` are what it adds to expressions (item,
    index, iteration). `answers` are what functions said
    about the node it stands at, `error` means the list has failed.
    """

    block: Block
    prefix: str = ""
    at: int = 0
    opening: Opening | None = None
    result: Json = None
    data: dict[str, Json] | None = None
    changes: dict[str, Json] | None = None
    names: dict[str, Json] = _EMPTY
    answers: dict[str, Json] = _EMPTY
    error: ErrorValue | None = None

    @property
    def ended(self) -> bool:
        """True when the list ran to its end; a failed one has not."""
        return self.at >= len(self.block.nodes) and self.error is None

    @property
    def is_open(self) -> bool:
        """True while it stands at a node: it has neither ended nor failed."""
        return self.error is None and self.at < len(self.block.nodes)

    @property
    def current(self) -> CompiledNode | None:
        """The node it stands at; None when it has ended or failed."""
        nodes = self.block.nodes
        return nodes[self.at] if self.error is None and self.at < len(nodes) else None

    @property
    def node(self) -> CompiledNode:
        return self.block.nodes[self.at]

    @property
    def path(self) -> str:
        """The instance path of the node it stands at."""
        return self.prefix + self.block.nodes[self.at].name


class Inside(msgspec.Struct, frozen=True):
    """A branch or a group: one inner frame under the key of its list. `since` is, as in every container, the number
    of the checkpoint that entered it.
    """

    key: Key
    frame: Frame
    deadline_at: datetime | None = None
    since: int = 0


class Forked(msgspec.Struct, frozen=True):
    """A parallel: a frame for each branch, finished ones included until the join.

    `ended` and `broke` count those that are over, so that none has to be looked at before the join.
    """

    frames: Shelf[Frame]
    deadline_at: datetime | None = None
    since: int = 0
    ended: int = 0
    broke: int = 0


class Each(msgspec.Struct, frozen=True):
    """A foreach: the window of live items; `next` is the first not yet begun, `done` counts the finished.

    `data` is what every item begins with.
    """

    items: list[Json]
    total: int
    next: int
    live: dict[int, Frame]
    data: dict[str, Json]
    done: int = 0
    deadline_at: datetime | None = None
    since: int = 0


class Turning(msgspec.Struct, frozen=True):
    """A loop: turn 0 stands before the first; `frame` is None between turns, then `due_at` may hold the sleep's end."""

    turn: int
    frame: Frame | None = None
    result: Json = None
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    since: int = 0


class Catching(msgspec.Struct, frozen=True):
    """A node that failed, while the list of the `catch` row that took its error runs."""

    row: int
    error: ErrorValue
    frame: Frame


class Closing(msgspec.Struct, frozen=True):
    """An execution that failed, while its `on_failure` runs; only the root frame can hold it."""

    frame: Frame


class Undo(msgspec.Struct, frozen=True):
    """A step that completed and can be undone, and those that completed before it.

    `seq` is the number of its checkpoint. `frame` is the list of the one node that undoes it, with the data and the
    names as they were right after the step; once an attempt has failed, it tells which one is next and when.
    """

    seq: int
    frame: Frame
    below: Undo | None = None


class Undoing(msgspec.Struct, frozen=True, kw_only=True):
    """What was completed below a node, or in the whole execution, while it is undone, newest first.

    `undone` counts the compensations that worked.

    `seq` and `frame` are of the step that is being undone now; there is none when all are and some could not be.
    `error` is the later error, `errors` are those of compensations that failed. Only what has a number above `since`
    can lie below the node. `row` is the row of its `catch`, and `after` what the root frame held before.
    """

    error: ErrorValue
    seq: int = 0
    frame: Frame | None = None
    errors: tuple[ErrorValue, ...] = ()
    undone: int = 0
    row: int | None = None
    since: int = 0
    after: Opening | None = None


Opening: TypeAlias = (
    Underway | Retrying | Waiting | Calling | Awaiting | Inside | Forked | Each | Turning | Catching | Closing | Undoing
)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of an execution. `now` is the time of its last checkpoint, before the first one its start.

    `paused` says who paused it and why, while it is. `not_before` is when it was to begin, if it was claimed sooner.
    `undo` are the steps that completed and are not undone, the newest first. Of those that the whole
    execution undid, `undone` counts the ones that worked, and `undo_errors` are the errors of the others.
    `retried` is the number of the checkpoint by which a failure was taken back last. `edits` are results that someone
    gave to open instances, by path, and that are theirs at the next look.
    `has_children` once a step of it started an execution that its end reaches. `joined` want to be told of its end too.
    `has_awaited` tells whether anything from outside was ever waited for. `cancel_keys` are events that cancel it.
    """

    root: Frame
    input: Json
    execution: dict[str, Json]
    now: datetime
    seq: int = 0
    retried: int = 0
    deadline_at: datetime | None = None
    finished: bool = False
    output: Json = None
    cancelled: dict[str, Json] | None = None
    paused: dict[str, Json] | None = None
    not_before: datetime | None = None
    undo: Undo | None = None
    undone: int = 0
    undo_errors: tuple[ErrorValue, ...] = ()
    edits: dict[str, Json] = _EMPTY
    has_children: bool = False
    joined: tuple[dict[str, Json], ...] = ()
    mailbox: Mailbox = EMPTY
    has_awaited: bool = False
    cancel_keys: tuple[CancelKey, ...] = ()


def child_of(opening: Opening | None, key: Key) -> Frame | None:
    """Gives the inner frame under a key, or None when there is no such frame (any more)."""
    match opening:
        case Each():
            return opening.live.get(key) if isinstance(key, int) else None
        case Forked():
            return opening.frames.find(key) if isinstance(key, str) else None
        case Inside():
            return opening.frame if opening.key == key else None
        case Turning():
            return opening.frame if opening.turn == key else None
        case Catching():
            return opening.frame if key == catch_key(opening.row) else None
        case Closing():
            return opening.frame if key == ON_FAILURE else None
        case Undoing():
            return opening.frame if key == COMPENSATE else None
        case _:
            return None


def children_of(opening: Opening | None) -> Iterator[tuple[Key, Frame]]:
    """Yields the inner frames with their keys."""
    match opening:
        case Inside():
            yield opening.key, opening.frame
        case Forked():
            yield from opening.frames.pairs()
        case Each():
            yield from opening.live.items()
        case Turning() if opening.frame is not None:
            yield opening.turn, opening.frame
        case Catching():
            yield catch_key(opening.row), opening.frame
        case Closing():
            yield ON_FAILURE, opening.frame
        case Undoing() if opening.frame is not None:
            yield COMPENSATE, opening.frame
        case _:
            return


def frames_of(frame: Frame, keys: Keys = ()) -> Iterator[tuple[Keys, Frame]]:
    """Yields this frame and all open frames below it with their addresses, outer ones first."""
    yield keys, frame
    for key, inner in children_of(frame.opening):
        yield from frames_of(inner, (*keys, key))


def chain_to(state: State, keys: Keys) -> list[Frame] | None:
    """Gives the frames from the root down to an address, or None when the address is not open."""
    frame = state.root
    chain = [frame]
    for key in keys:
        inner = child_of(frame.opening, key)
        if inner is None:
            return None
        frame = inner
        chain.append(frame)
    return chain


def data_of(chain: list[Frame]) -> dict[str, Json]:
    """Gives the data that the last frame of a chain works on: its own copy or the nearest one above."""
    for frame in reversed(chain):
        if frame.data is not None:
            return frame.data
    raise AssertionError("the root frame always has its own data")


def with_deadlines(state: State, entered: Mapping[int, datetime | None]) -> State:
    """Gives the state in which open containers have the deadlines of the checkpoints that entered them, if known."""

    def renewed(frame: Frame) -> Frame:
        opening = frame.opening
        match opening:
            case Inside() | Catching() | Closing() | Turning(frame=Frame()) | Undoing(frame=Frame()):
                assert opening.frame is not None
                opening = msgspec.structs.replace(opening, frame=renewed(opening.frame))
            case Forked():
                frames = Shelf({label: renewed(inner) for label, inner in opening.frames.pairs()})
                opening = msgspec.structs.replace(opening, frames=frames)
            case Each():
                live = {index: renewed(inner) for index, inner in opening.live.items()}
                opening = msgspec.structs.replace(opening, live=live)
            case _:
                pass
        if isinstance(opening, Inside | Forked | Each | Turning) and opening.since in entered:
            opening = msgspec.structs.replace(opening, deadline_at=entered[opening.since])
        return msgspec.structs.replace(frame, opening=opening)

    return msgspec.structs.replace(state, root=renewed(state.root)) if entered else state


def timers_of(state: State) -> Iterator[tuple[datetime, Keys, str]]:
    """Yields everything that falls due by itself: (instant, address of its frame, instance path)."""
    if state.paused is not None:
        return  # times go on, and what is due then is found when it is resumed
    # Nothing bounds what an execution does after it has failed or was cancelled.
    if state.deadline_at is not None and state.root.error is None and state.cancelled is None:
        yield state.deadline_at, (), ""
    for keys, frame in frames_of(state.root):
        for due_at in due_times(frame.opening):
            yield due_at, keys, _timer_path(frame, due_at)


def _timer_path(frame: Frame, due_at: datetime) -> str:
    """Gives the path of what falls due: of a turn that a function is asked about, the path of that attempt.

    While the attempt runs, the turn's time, which is over, must not fall due again and again.
    """
    is_turn = isinstance(frame.opening, Turning) and frame.opening.due_at is due_at
    return f"{frame.path}/while" if is_turn and isinstance(frame.node.while_, Function) else frame.path


def rests(state: State, now: datetime) -> bool:
    """Tells whether the execution begins nothing now, whatever is due: it is paused, or its time has not come.

    A cancel ends it all the same.
    """
    if state.paused is None and (state.not_before is None or now >= state.not_before):
        return False
    return state.cancelled is None


def due_times(opening: Opening | None) -> Iterator[datetime]:
    """Yields the instants at which this opening must be looked at again."""
    match opening:
        case None:
            return
        case Retrying():
            yield opening.retry_at
        case Underway():
            if opening.wait is not None:
                yield from due_times(opening.wait.opening)
        case Waiting():
            yield opening.due_at
        case Awaiting():
            if opening.times_out_at is not None:
                yield opening.times_out_at
            yield from (slot.due_at for slot in opening.slots.values() if slot.due_at is not None)
        case Turning():
            if opening.due_at is not None:
                yield opening.due_at
            if opening.deadline_at is not None:
                yield opening.deadline_at
        case Catching() | Closing() | Undoing():
            return
        case Inside() | Forked() | Each() | Calling():
            if opening.deadline_at is not None:
                yield opening.deadline_at


def waits_for_others(state: State) -> bool:
    """Tells whether something in this state is moved on by a request, so that it may suspend without a timer."""
    return any(isinstance(held_by(frame), Calling | Awaiting) for _keys, frame in frames_of(state.root))


def held_by(frame: Frame) -> Opening | None:
    """Gives what the node of a frame is held by: its opening, or that of the call at which its function was left."""
    opening = frame.opening
    return opening.wait.opening if isinstance(opening, Underway) and opening.wait is not None else opening


def held_path(frame: Frame) -> str:
    """Gives the path of what `held_by` gives: the node's, or the call's (`charge/approval#2`)."""
    opening = frame.opening
    if isinstance(opening, Underway) and opening.wait is not None:
        return f"{frame.path}/{opening.wait.name}"
    return frame.path
