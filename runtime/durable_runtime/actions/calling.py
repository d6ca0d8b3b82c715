"""The functions that `ctx.step` calls: how they are called, and what comes out of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from durable_runtime.actions.arguments import ContextMisuse
from durable_runtime.actions.outcome import StepFailed, failure_of
from durable_runtime.core.checkpoints import ErrorValue
from durable_runtime.core.outcomes import Failure, Success


class Abandoned(BaseException):
    """Ends the thread of a plain function whose attempt nobody wants any more; not for authors to catch."""


def call_plain(function: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]) -> Success | Failure:
    """Calls a plain function and gives its outcome, whatever it raises."""
    try:
        value = function(*args, **keywords)
    except Abandoned:
        raise
    except BaseException as error:
        return failure_of(error)
    if inspect.iscoroutine(value):
        value.close()
        problem = ContextMisuse("an async function was given to ctx.step in a plain one; make the outer one async too")
        return failure_of(problem)
    return Success(value)


async def call_async(function: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]) -> Success | Failure:
    """Awaits an async function and gives its outcome; a cancellation from outside goes through."""
    try:
        return Success(await function(*args, **keywords))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return Failure(type="CancelledError", message="the sub-step cancelled itself", names=("CancelledError",))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return failure_of(error)


def is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an instance with an async __call__ is one too
    )


def takes_ctx(function: Callable[..., Any]) -> bool:
    try:
        return "ctx" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def raised_by(error: ErrorValue) -> StepFailed:
    return StepFailed(error.message, type=error.type, data=error.data, names=error.names)
