"""What a soak showed over its time, and the rule by which it is judged."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

KEYS = ("seconds", "per_second", "memory_mb", "dead_rows")
LONG_ENOUGH = 300
"""Seconds from which on it is judged: the server vacuums once a minute."""

SPEED, MEMORY, MEMORY_MB, DEAD, DEAD_ROWS = 0.8, 1.1, 5, 1.5, 10_000
RULE = (
    f"In its last quarter a soak is at least {SPEED:.0%} as fast as in its second, and takes at most {MEMORY - 1:.0%} "
    f"and {MEMORY_MB} MB more memory; in its second half there are at most {DEAD} times as many dead rows, and "
    f"{DEAD_ROWS:,}, as in its first."
)


@dataclass(frozen=True)
class Sample:
    """What was measured of a part of the time, at its end."""

    seconds: float
    per_second: float
    memory_mb: float
    dead_rows: float


def figures(samples: list[Sample]) -> dict[str, float]:
    """Gives samples as figures."""
    return {f"over_time_{n:02}_{key}": getattr(sample, key) for n, sample in enumerate(samples) for key in KEYS}


def samples(figures: Mapping[str, float]) -> list[Sample]:
    """Gives the samples among figures."""
    numbers = sorted({key.split("_")[2] for key in figures if key.startswith("over_time_")})
    return [Sample(*(figures[f"over_time_{number}_{key}"] for key in KEYS)) for number in numbers]


def broken(found: list[Sample]) -> list[str]:
    """Gives what of the rule is broken; nothing for one that was too short."""
    if not found or found[-1].seconds < LONG_ENOUGH:
        return []
    quarter = len(found) // 4
    second, last = found[quarter : 2 * quarter], found[-quarter:]
    halves = [max(each.dead_rows for each in half) for half in (found[: 2 * quarter], found[2 * quarter :])]
    speeds = [statistics.median(each.per_second for each in part) for part in (second, last)]
    memories = [max(each.memory_mb for each in part) for part in (second, last)]
    checks = {
        f"it became slower, from {speeds[0]:,.0f} to {speeds[1]:,.0f} steps/s": speeds[1] < SPEED * speeds[0],
        f"its memory grew from {memories[0]:.1f} to {memories[1]:.1f} MB": memories[1]
        > MEMORY * memories[0] + MEMORY_MB,
        f"its dead rows grew from {halves[0]:,.0f} to {halves[1]:,.0f}": halves[1] > DEAD * halves[0] + DEAD_ROWS,
    }
    return [problem for problem, holds in checks.items() if holds]


def lines(figures: Mapping[str, float]) -> Iterator[str]:
    """Gives the table over time, and the verdict."""
    found = samples(figures)
    if not found:
        return
    yield from ("| after | steps/s | memory MB | dead rows |", "|---:|---:|---:|---:|")
    for each in found:
        yield f"| {each.seconds:,.0f} s | {each.per_second:,.0f} | {each.memory_mb:.1f} | {each.dead_rows:,.0f} |"
    problems = broken(found)
    short = found[-1].seconds < LONG_ENOUGH
    verdict = "too short to be judged" if short else "not kept: " + "; ".join(problems) if problems else "kept"
    yield from ("", f"{RULE} Here: {verdict}.")
