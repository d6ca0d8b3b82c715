"""Results of items that are remembered instead of read back: only where nothing was missed, and while they are few."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from durable_runtime.core import collecting
from durable_runtime.core.checkpoints import Checkpoint, Kind
from durable_runtime.core.collecting import KnownResults

AT = datetime(2030, 1, 1, tzinfo=UTC)


def checkpoint(seq: int, path: str, kind: Kind = "completed", result: object = None) -> Checkpoint:
    return Checkpoint(seq=seq, path=path, kind=kind, result=result, encoded=b"12345", finished_at=AT)


def known(*checkpoints: Checkpoint) -> KnownResults:
    results = KnownResults()
    for one in checkpoints:
        results.add(one)
    return results


ENTERED = checkpoint(1, "each", "entered", 2)
FIRST, SECOND = checkpoint(2, "each[0]/a", result=1), checkpoint(3, "each[1]/a", result=2)


def test_what_was_seen_from_the_beginning_is_known() -> None:
    assert known(ENTERED, FIRST, SECOND).take("each") == [
        ("each[0]/a", "completed", 1, None),
        ("each[1]/a", "completed", 2, None),
    ]


def test_a_foreach_that_was_entered_elsewhere_is_not() -> None:
    assert known(FIRST, SECOND).take("each") is None


def test_a_checkpoint_that_was_missed_makes_everything_unknown() -> None:
    assert known(ENTERED, SECOND).take("each") is None
    seen = known(ENTERED, FIRST)
    seen.follow(3)  # a request was answered meanwhile
    assert seen.take("each") is None


def test_a_state_that_went_back_makes_everything_unknown() -> None:
    seen = known(ENTERED, FIRST, SECOND)
    seen.follow(2)
    assert seen.take("each") is None


def test_a_foreach_that_is_over_is_forgotten_and_one_that_begins_again_begins_anew() -> None:
    over = known(ENTERED, FIRST, SECOND, checkpoint(4, "each", "collected"))
    assert over.take("each") is None
    over.add(checkpoint(5, "each", "entered", 1))
    over.add(checkpoint(6, "each[0]/a", result=9))
    assert over.take("each") == [("each[0]/a", "completed", 9, None)]


@pytest.mark.parametrize(("limit", "value"), [("MOST_KNOWN", 1), ("MOST_KNOWN_BYTES", 7)])
def test_many_or_large_ones_are_read_back(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(collecting, limit, value)
    assert known(ENTERED, FIRST, SECOND).take("each") is None
