"""What a contender is asked to do, and the gate between preparing and being measured."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO, TypeAlias

Figures: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Task:
    """One measurement: a workload of `plan.py` in these sizes, on this empty database."""

    workload: str
    url: str
    sizes: Mapping[str, int]

    def __getitem__(self, size: str) -> int:
        return self.sizes[size]


@dataclass
class Gate:
    """Where a contender waits, prepared, until the server's counters were read; keeps its time and processor time."""

    answers: TextIO
    questions: TextIO = sys.stdin
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    _began: tuple[float, float] = field(default=(0.0, 0.0))

    async def go(self) -> None:
        """Says that everything is prepared, and returns when the measurement begins."""
        self._say("ready")
        await self._hear()
        self._began = time.perf_counter(), _cpu_seconds()

    def stop(self) -> None:
        """Ends the time that counts."""
        self.seconds = time.perf_counter() - self._began[0]
        self.cpu_seconds = _cpu_seconds() - self._began[1]

    async def hold(self) -> None:
        """Says that the time is over, and returns when the counters were read while everything is still there."""
        self._say("over")
        await self._hear()

    def result(self, figures: Figures) -> None:
        """Hands in what was measured; `steps` is what everything is divided by."""
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self._say(json.dumps({**figures, "seconds": self.seconds, "cpu": self.cpu_seconds, "memory": memory}))

    def _say(self, line: str) -> None:
        self.answers.write(line + "\n")
        self.answers.flush()

    async def _hear(self) -> None:
        if not await asyncio.to_thread(self.questions.readline):
            raise SystemExit("nobody measures any more")


Run: TypeAlias = Callable[[Task, Gate], Awaitable[Figures]]


def _cpu_seconds() -> float:
    """Processor time of this process and of the children it waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


async def timed(count: int, once: Callable[[int], Awaitable[Any]], warm_up: int = 3) -> Figures:
    """Does something so many times, one after the other; gives the 50th and 99th percentile in milliseconds."""
    for number in range(-warm_up, 0):
        await once(number)
    times = []
    for number in range(count):
        began = time.perf_counter()
        await once(number)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {"steps": count, "p50_ms": times[count // 2], "p99_ms": times[min(count - 1, int(count * 0.99))]}


async def by_callers(callers: int, count: int, once: Callable[[int], Awaitable[Any]]) -> None:
    """Does something `count` times, shared by so many callers at once."""
    numbers = iter(range(count))

    async def call() -> None:
        for number in numbers:
            await once(number)

    await asyncio.gather(*(call() for _ in range(callers)))
