"""Driving a step's async function, so that it can be left in its middle without an exception going through it.

A call of `ctx` that cannot go on yields its reason where a coroutine yields futures. `drive` knows it, closes the
coroutine as a generator is closed, and gives the reason to its own caller; everything else goes to the event loop.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from typing import Any, NoReturn

import msgspec

from durable_runtime.core.outcomes import Failure
from durable_runtime.core.substeps import SubOutcome


class Parked(msgspec.Struct, frozen=True):
    """The function was left in the middle, to be entered again: with what it waits for, unless that is stored."""

    sub: SubOutcome | None = None


@types.coroutine
def leave(reason: Parked | Failure) -> Generator[Any, None, NoReturn]:
    """Hands a reason to `drive`, which closes the function; this never returns."""
    yield reason
    raise AssertionError("a function that was left went on")


@types.coroutine
def drive(call: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Awaits an async function; gives its result, or the reason for which it was left in the middle."""
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            yielded = call.send(value) if error is None else call.throw(error)
        except StopIteration as stop:
            return stop.value
        if isinstance(yielded, (Parked, Failure)):
            close(call)
            return yielded
        value, error = None, None
        try:
            value = yield yielded
        except GeneratorExit:
            close(call)
            raise
        except BaseException as thrown:
            error = thrown


def close(call: Coroutine[Any, Any, Any]) -> None:
    """Closes a function that is left. Its `finally` and `with` run, and cannot await: what they raise is of no use."""
    try:
        call.close()
    except BaseException:
        return
