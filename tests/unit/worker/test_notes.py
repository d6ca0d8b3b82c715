"""What attempts tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from durable_runtime.actions.notes import Notes

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_no_two_lines_of_an_attempt_have_the_same_time_or_go_back_in_it() -> None:
    clock = iter([NOON, NOON, NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)])
    notes = Notes("work", 1, lambda: next(clock), lambda: None)
    for _ in range(4):
        notes.log("again", "info")

    lines, _progress = notes.take()

    tick = timedelta(microseconds=1)
    assert [line.at - NOON for line in lines] == [timedelta(), tick, 2 * tick, timedelta(seconds=1)]
