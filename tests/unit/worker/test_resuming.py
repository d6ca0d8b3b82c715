"""From a stored history to a state: when a snapshot is not enough."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from durable_runtime.core.checkpoints import Checkpoint, Kind
from durable_runtime.core.snapshots import snapshot_of
from durable_runtime.store.histories import History
from durable_runtime.store.protocol import Claimed, Suspend
from durable_runtime.worker.resuming import NotFromSnapshot, resume
from durable_runtime.worker.snapshots import EVERY, Snapshots
from tests.unit.core.living import Life

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "path", "result"),
    [("rewound", "", {"without": [1]}), ("forked", "", {"without": [1]}), ("collected", "lines", None)],
)
def test_a_checkpoint_that_tells_of_earlier_ones_needs_all_of_them(kind: Kind, path: str, result: object) -> None:
    life = Life("- foreach: lines\n  in: '[1]'\n  save: all\n  steps: [{step: price, call: m.price}]\n")
    life.look()
    claimed = Claimed(
        key=1, id="1", definition_id=1, workflow="flow", queue="default", signal=0, recoveries=0, input={},
        created_at=NOON, scheduled_at=None, started_at=NOON, fresh=False,
    )  # fmt: skip
    snapshot = snapshot_of(life.program, life.state)
    assert resume(life.program, claimed, History(snapshot, []), EVERY).state == life.state
    later = Checkpoint(seq=snapshot.seq + 1, path=path, kind=kind, result=result, finished_at=NOON)
    with pytest.raises(NotFromSnapshot, match="tells of some before it"):
        resume(life.program, claimed, History(snapshot, [later]), EVERY)


def test_an_execution_that_runs_on_is_stored_ten_times_more_seldom_than_one_that_suspends() -> None:
    life = Life("- {step: price, call: m.price}\n")
    snapshots = Snapshots(life.program, None, 5)

    def taken(seq: int, move: Suspend | None) -> bool:
        return snapshots.take(msgspec.structs.replace(life.state, seq=seq), [], move) is not None

    suspends = Suspend(())
    assert [taken(seq, suspends) for seq in (4, 5)] == [False, True]
    assert [taken(seq, None) for seq in (5, 49, 50)] == [False, False, True]


def test_one_that_lets_turns_go_is_stored_as_often_while_it_runs_on() -> None:
    life = Life("- loop: poll\n  keep: 2\n  until: iteration > 9\n  steps: [{step: price, call: m.price}]\n")
    state = msgspec.structs.replace(life.state, seq=5)
    assert Snapshots(life.program, None, 5).take(state, [], None) is not None
