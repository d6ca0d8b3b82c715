"""A fold that begins at a snapshot against one that begins at the beginning, wherever the snapshot was taken."""

from __future__ import annotations

import msgspec

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.interpreter import fold, replay
from durable_runtime.core.program import Program
from durable_runtime.core.snapshots import reaches_behind, snapshot_of, state_in
from durable_runtime.core.state import State

FOLDS = 4
"""Places in a history from which it is folded on; everywhere, the snapshot is read back."""


def snapshot_problems(program: Program, start: State, history: list[Checkpoint]) -> list[str]:
    """Lists the numbers of checkpoints after which a snapshot gives another state than the checkpoints do.

    States are compared as texts, so that the order of keys and the types of numbers count; sets have no order.
    """
    found = []
    whole = _text(fold(program, start, history))
    chosen = {len(history) * each // FOLDS for each in range(FOLDS + 1)}
    for seq, state in _states(program, start, history):
        read = state_in(program, snapshot_of(program, state))
        if _text(read) != _text(state):
            found.append(f"the snapshot at {seq} is\n{read}\nand not\n{state}")
        elif seq in chosen and not reaches_behind(history[seq:]):
            if _text(fold(program, start, history[seq:], read)) != whole:
                found.append(f"from the snapshot at {seq} the history leads elsewhere")
            if _text(fold(program, start, history, read)) != whole:
                found.append(f"with everything before the snapshot at {seq} the history leads elsewhere")
    return found


def _text(state: State) -> str:
    mailbox = state.mailbox
    found = {name: getattr(mailbox, name) for name in mailbox.__struct_fields__}
    sets = {name: sorted(each) for name, each in found.items() if isinstance(each, frozenset)}
    bare = msgspec.structs.replace(mailbox, **dict.fromkeys(sets, frozenset()))
    return repr((msgspec.structs.replace(state, mailbox=bare), sets))


def _states(program: Program, start: State, history: list[Checkpoint]) -> list[tuple[int, State]]:
    if any(one.kind in ("rewound", "forked") for one in history):
        return [(seq, fold(program, start, history[:seq])) for seq in range(len(history) + 1)]
    return [(0, start), *((one.seq, state) for one, state in replay(program, start, history))]
