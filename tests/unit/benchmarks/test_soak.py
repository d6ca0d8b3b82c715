"""The rule by which a soak is judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import soak
from benchmarks.soak import Sample


def made(
    change: Callable[[int, dict[str, float]], None] = lambda number, values: None, every: int = 30
) -> list[Sample]:
    """Gives twenty samples: dead rows go up and down as the server vacuums, the rest stays as it is."""
    found = []
    for number in range(1, 21):
        values: dict[str, float] = {
            "seconds": number * every,
            "per_second": 10_000,
            "memory_mb": 60,
            "dead_rows": 40_000 * (1 + number % 2),
        }
        change(number, values)
        found.append(Sample(**values))
    return found


def slower(number: int, values: dict[str, float]) -> None:
    values["per_second"] -= 200 * number


def larger(number: int, values: dict[str, float]) -> None:
    values["memory_mb"] += 2 * number


def unswept(number: int, values: dict[str, float]) -> None:
    values["dead_rows"] = 20_000 * number


def test_what_goes_up_and_down_is_kept() -> None:
    assert soak.broken(made()) == []


@pytest.mark.parametrize(("change", "problem"), [(slower, "slower"), (larger, "memory"), (unswept, "dead rows")])
def test_what_becomes_worse_is_not(change: Callable[[int, dict[str, float]], None], problem: str) -> None:
    [found] = soak.broken(made(change))
    assert problem in found


def test_one_that_was_too_short_is_not_judged() -> None:
    short = made(unswept, every=1)
    assert soak.broken(short) == []
    assert list(soak.lines(soak.figures(short)))[-1].endswith("too short to be judged.")


def test_samples_come_back_from_figures() -> None:
    found = made()
    assert soak.samples({**soak.figures(found), "per_second": 3.0}) == found
