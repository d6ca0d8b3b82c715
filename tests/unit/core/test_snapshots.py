"""Snapshots: the text of a state gives the same state, whatever values it holds, and no other text gives one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from durable_runtime.core.checkpoints import Snapshot
from durable_runtime.core.encoding import Codec, Unreadable
from durable_runtime.core.outcomes import Success
from durable_runtime.core.snapshots import FORMAT, reaches_behind, snapshot_of, state_in
from durable_runtime.core.state import Each, State, Undo
from tests.unit.core.living import Life

LINES = """
- step: load
  call: m.load
  save: big
- foreach: lines
  in: "[1, 2, 3]"
  concurrency: 3
  steps:
    - step: price
      call: m.price
"""


def in_the_middle(value: Any) -> Life:
    """An execution whose data holds a value, and whose three items are all open."""
    life = Life(LINES)
    life.look()
    life.end("load", Success(value))
    life.look()
    return life


def read_back(life: Life) -> State:
    return state_in(life.program, snapshot_of(life.program, life.state))


@pytest.mark.parametrize(
    "value",
    [
        {"b": 1, "a": 2},
        {"a": 2, "b": 1},
        1e16,
        10**16,
        -0.0,
        0,
        1.0,
        True,
        None,
        5e-324,
        2**63 - 1,
        "x" * 100,
        'a "text" \\ with \u2028 and ü',
        [[0], {"base": 3, "keys": {}}, []],
        {"": None, "0": [1.0, 1]},
        {},
    ],
    ids=repr,
)
def test_values_of_users_come_back_exactly(value: Any) -> None:
    life = in_the_middle(value)
    assert repr(read_back(life)) == repr(life.state)


def test_what_many_frames_share_is_written_once_and_shared_again() -> None:
    life = in_the_middle("x" * 10_000)
    assert len(snapshot_of(life.program, life.state).state) < 12_000
    each = read_back(life).root.opening
    assert isinstance(each, Each)
    assert all(frame.data is each.data for frame in each.live.values())


def test_a_mapping_that_differs_little_from_the_one_before_it_is_written_as_that() -> None:
    life = Life(
        "- foreach: lines\n  in: '[1, 2, 3, 4]'\n  steps:\n"
        "    - {step: book, call: m.book, compensate: {call: m.undo}}\n- step: last\n  call: m.last\n"
    )
    life.start = life.state = msgspec.structs.replace(
        life.state, root=msgspec.structs.replace(life.state.root, data={f"key{n}": n + 1000 for n in range(500)})
    )
    life.run(last=Success(None), by_path={f"lines[{n}]/book": Success({"booked": n}) for n in range(4)})
    assert isinstance(life.state.undo, Undo)
    assert repr(read_back(life)) == repr(life.state)
    assert len(snapshot_of(life.program, life.state).state) < 2 * len(json.dumps(life.start.root.data))


def test_thousands_of_steps_that_can_be_undone_nest_no_deeper_than_one() -> None:
    life = Life("- {step: book, call: m.book, compensate: {call: m.undo}}\n")
    life.look()
    frame, undo = life.state.root, None
    for seq in range(5_000):
        undo = Undo(seq, msgspec.structs.replace(frame, data={"n": seq}), undo)
    life.state = msgspec.structs.replace(life.state, undo=undo)
    found = read_back(life).undo
    for seq in reversed(range(5_000)):
        assert found is not None
        assert (found.seq, found.frame.data) == (seq, {"n": seq})
        found = found.below
    assert found is None


@pytest.mark.parametrize(
    "damaged",
    [
        lambda one: msgspec.structs.replace(one, format="1-000000000000"),
        lambda one: msgspec.structs.replace(one, version="another graph"),
        lambda one: msgspec.structs.replace(one, seq=one.seq + 1),
        lambda one: msgspec.structs.replace(one, state=one.state[:-1]),
        lambda one: msgspec.structs.replace(one, state=one.state.replace(b'"root":', b'"tree":')),
        lambda one: msgspec.structs.replace(one, state=one.state.replace(b'"live":', b'"dead":')),
        lambda one: msgspec.structs.replace(one, state=one.state.replace(b"lines None", b"lines 7")),
    ],
)
def test_a_snapshot_that_is_not_ours_or_damaged_is_not_read(damaged: Callable[[Snapshot], Snapshot]) -> None:
    life = in_the_middle(1)
    with pytest.raises(Unreadable):
        state_in(life.program, damaged(snapshot_of(life.program, life.state)))


def test_one_that_nothing_can_take_the_place_of_is_read_though_another_release_wrote_it() -> None:
    life = in_the_middle(1)
    old = msgspec.structs.replace(snapshot_of(life.program, life.state), format="0-old", pruned=True)
    assert repr(state_in(life.program, old)) == repr(life.state)


def test_the_format_is_another_as_soon_as_a_field_is() -> None:
    class Part(msgspec.Struct):
        span: timedelta

    shape = Codec(Part).shape
    renamed = Codec(msgspec.defstruct("Part", [("time", timedelta)])).shape
    assert shape != renamed
    assert FORMAT.startswith("1-")


def test_an_annotation_that_cannot_be_written_is_told_at_once() -> None:
    with pytest.raises(TypeError, match="cannot be written"):
        Codec(msgspec.defstruct("Part", [("number", complex)]))


def test_the_end_of_a_foreach_and_a_retry_say_more_than_a_snapshot_before_them_knows() -> None:
    life = Life(LINES)
    life.run(load=Success(1))
    kinds = [one.kind for one in life.history]
    assert not reaches_behind(life.history)
    ended = next(at for at, one in enumerate(life.history) if (one.path, one.kind) == ("lines", "completed"))
    collected = [
        msgspec.structs.replace(one, kind="collected") if at == ended else one for at, one in enumerate(life.history)
    ]
    assert not reaches_behind(collected)
    assert reaches_behind(collected[kinds.index("entered") + 1 :])
    assert not reaches_behind(collected[ended + 1 :])
