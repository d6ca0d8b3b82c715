"""Steps that misbehave, and the signals by which tests see and steer them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from durable_runtime.actions import Retry, StepContext

begun: Counter[str] = Counter()
"""How often a step began, by its tag."""

ended: Counter[str] = Counter()
"""How often a step came to its end, by its tag."""

opened: set[str] = set()
"""The tags whose steps may go on."""

_told = threading.Condition()


def forget() -> None:
    """Begins a test: nothing has begun, everything is held."""
    begun.clear()
    ended.clear()
    opened.clear()


def let_go(*tags: str) -> None:
    """Lets the steps with these tags go on, now and later."""
    with _told:
        opened.update(tags)
        _told.notify_all()


async def note(tag: str) -> str:
    """Notes that it ran."""
    begun[tag] += 1
    return tag


async def held(tag: str) -> str:
    """Stays until let go."""
    begun[tag] += 1
    while tag not in opened:
        await asyncio.sleep(0.002)
    ended[tag] += 1
    return tag


async def held_han(tag: str) -> str:
    """Stays until let go; gives a text that LATIN1 has no bytes for."""
    await held(tag)
    return "\N{CJK UNIFIED IDEOGRAPH-6F22}"


def held_thread(tag: str) -> str:
    """Stays in its thread until let go, whoever waits for it."""
    begun[tag] += 1
    with _told:
        _told.wait_for(lambda: tag in opened)
    ended[tag] += 1
    return tag


def held_thread_attempt(tag: str, ctx: StepContext) -> str:
    """Stays in its thread until its attempt is let go; gives which attempt it is."""
    return held_thread(f"{tag} {ctx.attempt}")


async def stubborn(tag: str) -> str:
    """Pays no attention to being cancelled until let go; gives which time it was."""
    begun[tag] += 1
    visit = begun[tag]
    key = f"{tag} {visit}"
    while key not in opened:
        try:
            await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            ended[f"{key} cancelled"] += 1
    ended[key] += 1
    return key


async def leave(tag: str) -> None:
    """Ends the process, as it believes."""
    begun[tag] += 1
    raise SystemExit(3)


def leave_thread(tag: str) -> None:
    """The same in a thread."""
    begun[tag] += 1
    raise SystemExit(3)


async def much_later(tag: str) -> None:
    """Wants to be tried again in 300 thousand years."""
    begun[tag] += 1
    raise Retry("later", after=timedelta(days=100_000_000))


class Unreadable(dict[str, Any]):
    """A mapping that breaks when it is looked at."""

    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")

    def __eq__(self, _other: object) -> bool:
        raise RuntimeError("cannot be compared")

    __hash__ = None


async def unreadable(tag: str) -> Any:
    """Gives what breaks while it is being read."""
    begun[tag] += 1
    return {"broken": Unreadable(key=1)}


async def block(tag: str) -> str:
    """Blocks the whole event loop until let go."""
    begun[tag] += 1
    with _told:
        _told.wait_for(lambda: tag in opened)
    return tag


async def write_down(tag: str) -> str:
    """Adds a line to the ledger, outside of the database."""
    return write_in_thread(tag)


def write_in_thread(tag: str) -> str:
    """The same as a plain function."""
    with Path(os.environ["DURABLE_TEST_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write(f"{tag}\n")
    return tag


async def kill_process(tag: str) -> None:
    """Takes its whole process with it."""
    await write_down(tag)
    os.kill(os.getpid(), 9)
    time.sleep(60)  # never returns  # noqa: ASYNC251


async def through_gate(tag: str) -> str:
    """Adds a line to the ledger and stays until there is a file named by the environment."""
    await write_down(tag)
    while not os.path.exists(os.environ["DURABLE_TEST_GATE"]):  # noqa: ASYNC240
        await asyncio.sleep(0.002)
    return tag
