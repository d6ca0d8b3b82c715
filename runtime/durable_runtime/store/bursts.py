"""Bursts: many starts with one key of which one execution comes, with the input of the last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from durable_runtime.store.protocol import NewExecution, Row

Run: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[list[Row]]]
"""Runs a statement by its name, inside of one transaction."""


async def debounce(run: Run, new: NewExecution, span: timedelta, limit: timedelta | None, call: str) -> str:
    """Gives the id of the execution that a start with this key became a part of, or began.

    The key's row is locked first and the rest is read afterwards, so calls with one key have an order. A `call` that
    is the last one known was committed before, by an answer that was lost.
    """
    parameters: dict[str, Any] = {
        "workflow": new.workflow,
        "key": new.key,
        "call": call,
        "span": span,
        "limit": limit,
        "public_id": new.public_id,
        "definition_id": new.definition_id,
        "queue": new.queue,
        "priority": new.priority,
        "input": new.input.decode(),
        "headers": None if new.headers is None else new.headers.decode(),
    }
    [(last_call, execution)] = await run("hold_burst", parameters)
    if execution is not None and last_call == call:
        return str(execution)
    found = await run("extend_burst", parameters) or await run("begin_burst", parameters)
    return str(found[0][0])
