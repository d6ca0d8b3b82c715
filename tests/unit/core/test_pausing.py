"""A paused execution begins nothing, loses nothing, and goes on where it stood."""

from __future__ import annotations

from datetime import timedelta

import pytest

from durable_runtime.core.interpreter import fold
from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.core.state import rests, timers_of
from tests.unit.core.living import HOUR, NOON, Life

TWO = "  - step: one\n    call: m.one\n  - step: two\n    call: m.two\n"
RETRIED = "  - step: one\n    call: m.one\n    retry: {max_attempts: 3, delay: 10m}\n"


def test_what_runs_may_end_and_what_follows_begins_when_it_is_resumed() -> None:
    life = Life(TWO)
    assert life.begun() == ["one"]
    assert life.ask("pause", {"by": "ann", "reason": "why"})
    assert life.state.paused == {"by": "ann", "reason": "why"}
    life.end("one", Success(None))
    assert life.begun() == []
    assert life.ask("resume")
    assert life.begun() == ["two"]


def test_a_last_step_that_ends_meanwhile_does_not_complete_the_execution() -> None:
    life = Life("  - step: one\n    call: m.one\n")
    life.look()
    life.ask("pause")
    life.end("one", Success(None))
    assert life.look().finish is None
    life.ask("resume")
    finish = life.look().finish
    assert finish is not None
    assert finish.status == "completed"


def test_what_is_due_waits_and_is_done_when_it_is_resumed() -> None:
    life = Life(RETRIED)
    life.look()
    life.end("one", Failure(type="Oops", message="no"))
    assert len(list(timers_of(life.state))) == 1
    life.ask("pause")
    assert list(timers_of(life.state)) == []
    assert life.begun(NOON + HOUR) == []
    life.ask("resume", at=NOON + HOUR)
    assert life.begun(NOON + HOUR) == ["one"]


@pytest.mark.parametrize("head", ["timeout: 30m", ""])
def test_a_deadline_goes_on_and_ends_it_when_it_is_resumed(head: str) -> None:
    life = Life(
        f"  - group: all\n    {'timeout: 30m' if not head else ''}\n    steps:\n      - wait: x\n        for: 2h", head
    )
    life.look()
    life.ask("pause")
    assert life.look(NOON + HOUR).finish is None
    life.ask("resume", at=NOON + HOUR)
    finish = life.look(NOON + HOUR).finish
    assert finish is not None
    assert finish.error is not None
    assert finish.error.type == "Timeout"


def test_a_failure_meanwhile_runs_on_failure_only_when_it_is_resumed() -> None:
    life = Life("  - step: one\n    call: m.one\n", "on_failure: [{step: tell, call: m.tell}]")
    life.look()
    life.ask("pause")
    life.end("one", Failure(type="Oops", message="no"))
    assert life.begun() == []
    life.ask("resume")
    assert life.begun() == ["on_failure/tell"]


def test_a_cancel_ends_a_paused_one() -> None:
    life = Life(TWO)
    life.look()
    life.ask("pause")
    life.ask("cancel", {"reason": "enough"})
    finish = life.look().finish
    assert finish is not None
    assert finish.status == "cancelled"
    assert not life.ask("pause")


def test_asking_twice_changes_nothing() -> None:
    life = Life(TWO)
    assert not life.ask("resume")
    assert life.ask("pause", {"by": "ann"})
    assert not life.ask("pause", {"by": "ben"})
    assert life.state.paused == {"by": "ann"}
    assert life.ask("resume")
    assert not life.ask("resume")


def test_a_fold_knows_that_it_is_paused() -> None:
    life = Life(TWO)
    life.look()
    life.ask("pause", {"by": "ann"})
    life.end("one", Success(None))
    assert fold(life.program, life.start, life.history) == life.state
    life.ask("resume")
    assert fold(life.program, life.start, life.history) == life.state


def test_one_that_is_claimed_before_its_time_begins_nothing_and_its_timeout_counts_from_then() -> None:
    life = Life(TWO, "timeout: 30m", scheduled_at=NOON + HOUR)
    assert rests(life.state, NOON)
    assert life.begun() == []
    assert life.state.deadline_at == NOON + HOUR + timedelta(minutes=30)
    life.ask("pause")
    assert life.begun(NOON + HOUR) == []
    life.ask("resume", at=NOON + HOUR)
    assert life.begun(NOON + HOUR) == ["one"]
