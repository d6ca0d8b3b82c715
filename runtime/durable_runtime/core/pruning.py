"""Finished turns of loops that keep only their last ones: what of the history may go. Pure.

Turns are pruned by whole turns, and only those that had ended when an earlier snapshot was taken. That one stays with
the history from then on: a fold begins there, and everything after it is as it was, to be retried or forked from.
"""

from __future__ import annotations

from collections.abc import Iterator

from durable_dsl.graph import Loop
from durable_runtime.core.checkpoints import Prune
from durable_runtime.core.state import State, Turning, frames_of


def prunes(then: State | None, now: State) -> tuple[Prune, ...]:
    """Gives what may go now, if `then` is the state in the snapshot that stays."""
    if then is None:
        return ()
    before = {(path, turning.since): turning.turn for path, turning, _keep in _loops(then)}
    found = []
    for path, turning, keep in _loops(now):
        # The turn that the snapshot was taken in has checkpoints on both sides of it.
        first = min(turning.turn - keep, before.get((path, turning.since), 0))
        if first > 1:
            spared = _undoable(now, turning.since, then.seq)
            found.append(Prune(path=path, since=turning.since, first=first, spared=spared))
    return tuple(found)


def _loops(state: State) -> Iterator[tuple[str, Turning, int]]:
    """Yields the open loops that do not keep all turns."""
    for _keys, frame in frames_of(state.root):
        if isinstance(frame.opening, Turning) and isinstance(frame.node.graph, Loop):
            keep = frame.node.graph.keep
            if keep is not None:
                yield frame.path, frame.opening, keep


def _undoable(state: State, since: int, upto: int) -> tuple[int, ...]:
    found, undo = [], state.undo
    while undo is not None and undo.seq > since:
        if undo.seq <= upto:
            found.append(undo.seq)
        undo = undo.below
    return tuple(found)
