"""What the steps of drawn documents do: as their arguments and their path say, whoever runs them and how often.

`outcome_of` says it; the functions that a worker calls do it, after a witness outside of the store has noted them.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from dataclasses import dataclass
from typing import Any

from durable_dsl import Retry
from durable_runtime import Fatal, StepContext
from durable_runtime import StepFailed as CallFailed
from tests.simulation.ledger import WORKER

HERE = "tests.model.steps"
OUTER = 1000
"""An attempt of a call is noted as its number and so much for each attempt of its step, as the simulation does."""

LEDGER = "DURABLE_MODEL_LEDGER"
"""Names the file that real workers write to; simulated ones have a ledger of their own."""


class StepFailed(Exception):
    """A step failed, as its document says."""


class Declined(StepFailed):
    """The same, of a more special kind."""


ERRORS: dict[str, type[Exception]] = {"StepFailed": StepFailed, "Declined": Declined, "Fatal": Fatal}


@dataclass(frozen=True)
class Given:
    """An attempt gives this value."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """An attempt raises an error of this class."""

    error: str


@dataclass(frozen=True)
class Hung:
    """An attempt never ends."""


def outcome_of(function: str, arguments: dict[str, Any] | None, data: dict[str, Any], path: str, attempt: int) -> Any:
    """Says what an attempt comes to: `Given`, `Raised` or `Hung`."""
    match function.rpartition(".")[2]:
        case "act":
            assert arguments is not None
            return _acted(path, attempt, **arguments)
        case "pipeline":
            return Given({"p_" + path.rpartition("/")[2]: len(data)})
        case "same_key":
            return Given({"same": len(data) % 2})
        case "is_even":
            return Given(len(data) % 2 == 0)
        case "parity":
            return Given(len(data) % 2)
        case "some":
            return Given(list(range(len(data) % 4)))
        case "breaks":
            return Raised("StepFailed")
        case "choose":
            return Given(data.get("from_" + path.rpartition("/")[2]))
        case _:
            raise AssertionError(function)


def failures_at(path: str, salt: int) -> int:
    """Draws how many attempts of an instance fail, the same whenever it is asked; 9 is more than any policy allows."""
    return (0, 0, 0, 0, 1, 1, 2, 9)[zlib.crc32(f"{salt} {path}".encode()) % 8]


def outcome_of_call(call: dict[str, Any], path: str, attempt: int) -> Given | Raised:
    """Says what an attempt of a sub-step comes to."""
    failures = failures_at(path, call["salt"]) if "salt" in call else call.get("failures", 0)
    return Raised("StepFailed") if "stumbles" in call or attempt <= failures else Given(call["value"])


def _acted(
    path: str,
    attempt: int,
    value: Any = None,
    failures: int = 0,
    salt: int | None = None,
    error: str = "StepFailed",
    hangs: bool = False,
    unstorable: bool = False,
) -> Given | Raised | Hung:
    if hangs:
        return Hung()
    if attempt <= (failures if salt is None else failures_at(path, salt)):
        return Raised(error)
    return Given({1, 2} if unstorable else value)


async def act(ctx: StepContext, **arguments: Any) -> Any:
    """Does what its arguments say."""
    return await _do(ctx, "act", arguments, {})


async def pipeline(data: dict[str, Any], ctx: StepContext) -> Any:
    """Merges how many keys there were into the data, under a name of the node's own."""
    return await _do(ctx, "pipeline", None, data)


async def same_key(data: dict[str, Any], ctx: StepContext) -> Any:
    """The same under one name for all nodes: two branches of a parallel may clash."""
    return await _do(ctx, "same_key", None, data)


async def choose(data: dict[str, Any], ctx: StepContext) -> Any:
    """Chooses where to jump to: what the data say under the node's name."""
    return await _do(ctx, "choose", None, data)


async def is_even(data: dict[str, Any]) -> Any:
    """Answers a condition."""
    return await _answer("is_even", data)


async def parity(data: dict[str, Any]) -> Any:
    """Answers what a branch asks."""
    return await _answer("parity", data)


async def some(data: dict[str, Any]) -> Any:
    """Gives the items of a foreach."""
    return await _answer("some", data)


async def breaks(data: dict[str, Any]) -> Any:
    """Fails as a condition."""
    return await _answer("breaks", data)


async def journey(ctx: StepContext, calls: list[dict[str, Any]], failures: int = 0) -> list[Any]:
    """Makes calls of its own, and fails as a whole in its first attempts. Whoever enters it again is not counted."""
    found: list[Any] = []
    for call in calls:
        if "sleep" in call:
            await ctx.sleep(call["name"], call["sleep"])
            continue
        if "stumbles" in call and ctx.attempt > call["stumbles"]:
            continue
        retry = Retry(max_attempts=call.get("attempts", 1), delay="40ms")
        try:
            found.append(await ctx.step(call["name"], _call, ctx, call, retry=retry))
        except CallFailed as error:
            if not call.get("caught"):
                raise StepFailed(f"StepFailed of attempt {ctx.attempt}") from None
            found.append(error.type)
    if ctx.attempt <= failures:
        raise StepFailed(f"StepFailed of attempt {ctx.attempt}")
    return found


async def _call(outer: StepContext, call: dict[str, Any], *, ctx: StepContext) -> Any:
    await _witness(ctx, outer.attempt)
    outcome = outcome_of_call(call, ctx.node, ctx.attempt)
    if isinstance(outcome, Given):
        return outcome.value
    raise ERRORS[outcome.error](f"{outcome.error} of attempt {ctx.attempt}")


async def _answer(function: str, data: dict[str, Any]) -> Any:
    if WORKER.get(None) is not None:
        await asyncio.sleep(min(WORKER.get()[0].duration(), 2.0))
    outcome = outcome_of(function, None, data, "", 1)
    if isinstance(outcome, Given):
        return outcome.value
    raise ERRORS[outcome.error](f"{outcome.error} of attempt 1")


async def _do(ctx: StepContext, function: str, arguments: dict[str, Any] | None, data: dict[str, Any]) -> Any:
    await _witness(ctx)
    match outcome_of(function, arguments, data, ctx.node, ctx.attempt):
        case Given(value):
            return value
        case Raised(error):
            raise ERRORS[error](f"{error} of attempt {ctx.attempt}")
        case _:
            await asyncio.sleep(3600)


async def _witness(ctx: StepContext, outer: int = 0) -> None:
    """Notes that an attempt begins, before it does anything; `outer` is the attempt of the step whose call it is."""
    simulated = WORKER.get(None)
    if simulated is not None:
        ledger, worker_id = simulated
        ledger.begin(worker_id, ctx, outer)
        await asyncio.sleep(min(ledger.duration(), 2.0))
        return
    file = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{ctx.execution_id} {ctx.node} {ctx.attempt + OUTER * outer}\n".encode())
    finally:
        os.close(file)
