"""What the steps of drawn documents do: as their arguments and their path say, whoever runs them and how often.

`outcome_of` says it; the functions that a worker calls do it, after a witness outside of the store has noted them.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from dataclasses import dataclass
from typing import Any

from durable_runtime import Fatal, StepContext
from tests.simulation.ledger import WORKER

HERE = "tests.model.steps"
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
        case "choose":
            return Given(data.get("from_" + path.rpartition("/")[2]))
        case _:
            raise AssertionError(function)


def failures_at(path: str, salt: int) -> int:
    """Draws how many attempts of an instance fail, the same whenever it is asked; 9 is more than any policy allows."""
    return (0, 0, 0, 0, 1, 1, 2, 9)[zlib.crc32(f"{salt} {path}".encode()) % 8]


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


async def _do(ctx: StepContext, function: str, arguments: dict[str, Any] | None, data: dict[str, Any]) -> Any:
    await _witness(ctx)
    match outcome_of(function, arguments, data, ctx.node, ctx.attempt):
        case Given(value):
            return value
        case Raised(error):
            raise ERRORS[error](f"{error} of attempt {ctx.attempt}")
        case _:
            await asyncio.sleep(3600)


async def _witness(ctx: StepContext) -> None:
    """Notes that an attempt begins, before it does anything."""
    simulated = WORKER.get(None)
    if simulated is not None:
        ledger, worker_id = simulated
        ledger.begin(worker_id, ctx)
        await asyncio.sleep(min(ledger.duration(), 2.0))
        return
    file = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{ctx.execution_id} {ctx.node} {ctx.attempt}\n".encode())
    finally:
        os.close(file)
