"""Put a changed frame back into the tree: the way from it to the root is copied, nothing beside it. Pure."""

from __future__ import annotations

import msgspec

from durable_dsl import graph as g
from durable_runtime.core.checkpoints import Json, Key, Keys
from durable_runtime.core.evolve_execution import HistoryMismatch, Touched
from durable_runtime.core.state import Catching, Closing, Each, Forked, Frame, Inside, Opening, Turning, Undoing

replace = msgspec.structs.replace


def rebuild(
    chain: list[Frame], keys: Keys, frame: Frame, patch: dict[str, Json] | None, touched: Touched
) -> tuple[Frame, Touched]:
    """Copies the way from a changed frame up to the root, and nothing beside it; gives the root and what was touched.

    The patch goes into the nearest copy of the data, and no further up.
    """
    for depth in range(len(keys), -1, -1):
        if patch and frame.data is not None:
            changes = {**frame.changes, **patch} if frame.changes is not None else None
            frame = replace(frame, data={**frame.data, **patch}, changes=changes)
            patch = None
        if depth == 0:
            break
        parent = chain[depth - 1]
        if isinstance(parent.opening, Each):
            each, touched = _with_item(parent, parent.opening, keys[:depth], frame, touched)
            frame = replace(parent, opening=each)
        elif isinstance(parent.opening, Forked):
            forked, touched = _with_branch(parent, parent.opening, keys[:depth], frame, touched)
            frame = replace(parent, opening=forked)
        else:
            frame = replace(parent, opening=_with_child(parent, parent.opening, keys[depth - 1], frame))
    return frame, touched


def _with_child(parent: Frame, opening: Opening | None, key: Key, inner: Frame) -> Opening:
    """Puts a changed inner frame back."""
    match opening:
        case Inside() | Turning() | Catching() | Closing() | Undoing():
            return replace(opening, frame=inner)
        case _:
            raise HistoryMismatch(f"{parent.path!r} holds no list")


def _with_branch(parent: Frame, forked: Forked, keys: Keys, inner: Frame, touched: Touched) -> tuple[Forked, Touched]:
    """Puts a changed branch of a parallel back. One that is over is looked at only if that may end the parallel."""
    node, key = parent.node.graph, keys[-1]
    assert isinstance(key, str)
    assert isinstance(node, g.Parallel)
    frames = forked.frames.with_value(key, inner)
    if inner.is_open:
        return replace(forked, frames=frames), touched
    # Until now it was open: nothing happens in a list that is over.
    if inner.error is None:
        forked = replace(forked, frames=frames, ended=forked.ended + 1)
    else:
        forked = replace(forked, frames=frames, broke=forked.broke + 1)
    if is_decided(node, forked):
        return forked, touched
    return forked, () if touched == (keys,) else tuple(address for address in touched if address != keys)


def is_decided(node: g.Parallel, forked: Forked) -> bool:
    """Tells whether the join of a parallel is reached, or out of reach."""
    running = len(forked.frames) - forked.ended - forked.broke
    if not running:
        return True
    if node.need is not None:
        return forked.ended >= node.need or forked.ended + running < node.need
    return node.on_error == "fail_fast" and forked.broke > 0


def _with_item(parent: Frame, each: Each, keys: Keys, inner: Frame, touched: Touched) -> tuple[Each, Touched]:
    """Puts a changed item of a foreach back, or closes it when it is over and begins the next.

    Then there is nothing to look at in the item, and in the foreach only when it was the last: each look costs more
    than all this.
    """
    node, key = parent.node.graph, keys[-1]
    assert isinstance(key, int)
    assert isinstance(node, g.Foreach)
    live = each.live.copy()  # dict(...) would enter each anew once one was deleted, which takes three times as long
    if not (inner.ended or (inner.error is not None and node.on_error == "complete_all")):
        live[key] = inner
        return replace(each, live=live), touched
    del live[key]
    done, outer = each.done + 1, keys[:-1]
    position, begun = begin_items(parent, each, live, outer)
    others = () if touched == (keys,) else tuple(address for address in touched if address != keys)
    return replace(each, live=live, next=position, done=done), (
        (*others, outer) if done >= each.total else (*others, *begun)
    )


def begin_items(frame: Frame, each: Each, live: dict[int, Frame], keys: Keys) -> tuple[int, Touched]:
    """Begins items in `live` until the window is full; always in order, so that a fold begins the same ones.

    Gives the first that is not begun, and the addresses of those that are.
    """
    node, position = frame.node.graph, each.next
    assert isinstance(node, g.Foreach)
    begun: list[Keys] = []
    block, path, size = frame.node.blocks[None], frame.path, node.batch
    while position < each.total and len(live) < node.concurrency:
        item = each.items[position] if size is None else each.items[position * size : (position + 1) * size]
        live[position] = Frame(
            block=block,
            prefix=f"{path}[{position}]/",
            data=each.data,
            names={node.variable: item, "index": position},
        )
        begun.append((*keys, position))
        position += 1
    return position, tuple(begun)
