"""The outside world of a simulation: what steps do to it, seen by a witness that no store and no worker can fool."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from durable_dsl import Retry
from durable_runtime import Fatal, StepContext
from durable_runtime.actions import StepFailed as DurableStepFailed
from durable_runtime.core.interpreter import counting
from durable_runtime.store.rows import checkpoint_of
from durable_runtime.testing import MemoryStore

ACT = "tests.simulation.ledger.act"
JOURNEY = "tests.simulation.ledger.journey"
CHOOSE = "tests.simulation.ledger.choose"
IS_EVEN = "tests.simulation.ledger.is_even"
UNSTORABLE = "the server refuses this"
_OVER = ("completed", "collected", "failed", "skipped", "compensated")


class StepFailed(Exception):
    """A step of a simulated workflow failed, as its workflow says."""


class Ledger:
    """Notes every attempt that begins. `problems` are attempts that must not have begun."""

    def __init__(self, store: MemoryStore, seed: int) -> None:
        self.began: Counter[tuple[str, str, int]] = Counter()
        self.problems: list[str] = []
        self._store = store
        self._random = random.Random(seed)

    def begin(self, worker_id: int, ctx: StepContext, outer_attempt: int = 0) -> None:
        """Notes an attempt by (execution, instance, attempt); of a sub-step also by the attempt of its step."""
        self.began[(ctx.execution_id, ctx.node, ctx.attempt + 1000 * outer_attempt)] += 1
        if worker_id not in self._store.rows.workers:
            return  # a worker that was taken over and does not know it yet; it will not be able to store anything
        one = next(one for one in self._store.rows.executions.values() if one.public_id == ctx.execution_id)
        stored = self._store.rows.checkpoints.get(one.key, {})
        # What a retry took back counts no more.
        count = {each.seq for each in counting(checkpoint_of(row) for row in stored.values())}
        # A call at the end of a failed attempt is made again by the next, with attempts of its own.
        again = max((seq for seq, row in stored.items() if row[1] == ctx.node and row[2] == "failed"), default=0)
        for seq, row in stored.items():
            if seq not in count or (outer_attempt and seq <= again):
                continue
            if row[1] == ctx.node and (row[2] in _OVER or (row[2] == "retrying" and row[3] >= ctx.attempt)):
                self.problems.append(
                    f"{ctx.execution_id}: {ctx.node} began attempt {ctx.attempt} at worker {worker_id} "
                    f"although checkpoint {seq} says {row[2]} of attempt {row[3]}"
                )

    def duration(self) -> float:
        """Draws how long an attempt takes: mostly moments, now and then longer than a lease."""
        return self._random.choice((0.0, 0.001, 0.05, 0.3, 1.0)) if self._random.random() < 0.97 else 6.0


WORKER: ContextVar[tuple[Ledger, int]] = ContextVar("WORKER")
"""The ledger, and the id of the worker whose task this is."""


async def act(
    ctx: StepContext, value: Any = None, failures: int = 0, error: str = "StepFailed", delay: float | None = None
) -> Any:
    """Gives its value after `failures` attempts that failed, whoever makes them."""
    ledger, worker_id = WORKER.get()
    ledger.begin(worker_id, ctx)
    await asyncio.sleep(ledger.duration() if delay is None else delay)
    if ctx.attempt <= failures:
        raise Fatal("fatal on purpose") if error == "Fatal" else StepFailed(f"failure {ctx.attempt} on purpose")
    return value


async def journey(
    ctx: StepContext,
    value: Any = None,
    failures: int = 0,
    nap: float = 0.0,
    hears: str | None = None,
    key: str | None = None,
) -> Any:
    """Makes calls of its own, some of which fail, sleeps, and fails as a whole in its first `failures` attempts.

    It may wait for an event that it `hears`, and for people, and tell nobody of that.
    """
    found = [await ctx.step("look", _go, ctx, value)]
    if hears is not None:
        ctx.emit("nobody", ctx.node, 1)
        found.append(await ctx.wait_event("hear", hears, key=key, where="event.n > least", values={"least": 0}))
        found.append(await ctx.ask("word", "text", "What?"))
        ctx.send_event(ctx.execution_id, "nobody", 1)
    await ctx.sleep("nap", timedelta(seconds=nap))
    found.append(await ctx.step("insist", _go, ctx, [value], 1, retry=Retry(max_attempts=3, delay="40ms")))
    try:
        await ctx.step("fall", _go, ctx, None, 9)
    except DurableStepFailed as error:
        found.append(error.type)
    if ctx.attempt <= failures:
        await ctx.step("stumble", _go, ctx, None, 9)
    for number in range(2):
        found.append(await ctx.step("look", _go, ctx, number))
        await ctx.sleep("nap", timedelta(seconds=nap / 2))
    return [*found, ctx.random(), ctx.random()]


async def _go(outer: StepContext, value: Any, failures: int = 0, *, ctx: StepContext) -> Any:
    ledger, worker_id = WORKER.get()
    ledger.begin(worker_id, ctx, outer.attempt)
    await asyncio.sleep(ledger.duration())
    if ctx.attempt <= failures:
        raise StepFailed(f"failure {ctx.attempt} on purpose")
    return value


async def pipeline(data: dict[str, Any], ctx: StepContext) -> dict[str, Any]:
    """Gives a mapping that is merged into the data: how many keys there were, under a name of the node's own."""
    ledger, worker_id = WORKER.get()
    ledger.begin(worker_id, ctx)
    await asyncio.sleep(ledger.duration())
    return {"p_" + ctx.node.rpartition("/")[2]: len(data)}


async def choose(data: dict[str, Any], ctx: StepContext) -> str | None:
    """Chooses where to jump to: what the data say under `choice`."""
    ledger, worker_id = WORKER.get()
    ledger.begin(worker_id, ctx)
    await asyncio.sleep(ledger.duration())
    choice: str | None = data.get("choice")
    return choice


async def is_even(data: dict[str, Any]) -> bool:
    """Answers a condition, after a while, as `size(data) % 2 == 0` does at once."""
    ledger, _worker_id = WORKER.get()
    await asyncio.sleep(ledger.duration())
    return len(data) % 2 == 0
