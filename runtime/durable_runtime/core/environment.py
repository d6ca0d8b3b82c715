"""What expressions see at a place of an execution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from durable_dsl.durations import DurationError, parse_duration
from durable_dsl.expressions import Template
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State, data_of


def as_text(value: Json) -> str:
    """Gives a value as text: texts as they are, everything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class TimeError(ValueError):
    """A value that should give a duration or an instant gave something else."""


def environment(program: Program, state: State, chain: list[Frame]) -> dict[str, Any]:
    """Gives the names an expression may read at the last frame of `chain`; inner names hide outer ones."""
    names: dict[str, Any] = {
        "input": state.input,
        "constants": program.constants,
        "execution": state.execution,
        "data": data_of(chain),
    }
    for frame in chain:
        if frame.names:
            names.update(frame.names)
    return names


def span_of(value: int | Template, names: Mapping[str, Json], state: State) -> timedelta:
    """Gives a span: milliseconds as they are, a template by its value.

    Raises `ExpressionError` when the template fails and `TimeError` when what it gives is not a duration, or a
    negative one.
    """
    if isinstance(value, int):
        return timedelta(milliseconds=value)
    text = value.render(names, now=state.now)
    if not isinstance(text, str):
        raise TimeError(f"expected a duration such as '30s', got {text!r}")
    try:
        span = parse_duration(text)
    except DurationError as error:
        raise TimeError(str(error)) from None
    if span < timedelta(0):
        raise TimeError(f"a duration cannot be negative, got {text!r}")
    return span


def parse_instant(value: Json) -> datetime:
    """Reads a timestamp of RFC 3339, with its zone or `Z`.

    Raises `TimeError` when it is not one, or has no zone: a time without a zone is a different instant on every
    machine.
    """
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise TimeError(f"expected a timestamp such as '2026-01-31T09:00:00Z', got {value!r}") from None
    if instant.tzinfo is None:
        raise TimeError(f"the timestamp {value!r} has no time zone; add 'Z' or an offset such as '+01:00'")
    return instant.astimezone(UTC)
