"""What a function hands to `ctx.wait_event` and `ctx.ask`, checked before anything waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from durable_dsl.expressions import ExpressionSyntaxError, compile_expression
from durable_runtime.actions.arguments import ContextMisuse, span_of
from durable_runtime.core.answers import flaws_of
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.open_waits import EVENT_NAME
from durable_runtime.core.substeps import Await
from durable_runtime.core.values import NotStorable, as_key, encode

AskKind: TypeAlias = Literal["approval", "choice", "text", "form", "json"]


class Raises:
    """Stands for no default: a wait that times out raises."""

    def __repr__(self) -> str:
        return "RAISES"


RAISES: Final = Raises()

_SEEN = frozenset({"input", "data", "constants", "execution", "event"})
"""What a condition may read besides the function's own values."""


def event_wait(
    event: str,
    key: str | int | None,
    where: str | None,
    values: Mapping[str, Json] | None,
    timeout: timedelta | str | None,
    default: Any,
) -> Await:
    """Gives what `ctx.wait_event` waits for; raises `ContextMisuse` for what can be no event, key or condition."""
    check_event("ctx.wait_event", event)
    spec: dict[str, Json] = {"event": event}
    if key is not None:
        spec["key"] = event_key("ctx.wait_event", key)
    if where is not None:
        given = dict(values or {})
        if taken := sorted(_SEEN & given.keys()):
            raise ContextMisuse(f"ctx.wait_event: {taken[0]!r} has a meaning in 'where' already; name the value else")
        try:
            compile_expression(where, _SEEN | given.keys())
        except ExpressionSyntaxError as error:
            raise ContextMisuse(f"ctx.wait_event: 'where' is no condition: {error}") from None
        spec["where"] = where
        if given:
            spec["values"] = given
    elif values:
        raise ContextMisuse("ctx.wait_event: 'values' are for 'where', and there is none")
    return _await("ctx.wait_event", spec, timeout, default)


def ask_wait(
    kind: AskKind,
    prompt: str | None,
    assignees: Sequence[str],
    choices: Sequence[str],
    fields: Mapping[str, Json] | None,
    schema: Json,
    metadata: Mapping[str, Json] | None,
    timeout: timedelta | str | None,
    default: Any,
) -> Await:
    """Gives what `ctx.ask` waits for; raises `ContextMisuse` with every reason why it is no question."""
    spec: dict[str, Json] = {
        "ask": kind,
        "prompt": prompt,
        "assignees": list(assignees),
        "metadata": dict(metadata or {}),
        "choices": list(choices),
        "fields": dict(fields or {}),
        "schema": schema,
    }
    spec = {name: value for name, value in spec.items() if value not in (None, [], {})}
    flaws = flaws_of(spec)
    if flaws:
        raise ContextMisuse(f"ctx.ask: {'; '.join(flaws)}")
    return _await("ctx.ask", spec, timeout, default)


def check_event(what: str, name: object) -> None:
    """Raises `ContextMisuse` for what cannot name an event."""
    if not isinstance(name, str) or not EVENT_NAME.fullmatch(name):
        raise ContextMisuse(
            f"{what}: {name!r} cannot be an event: letters, digits and '_', with single '.', ':' or '-' between"
        )


def event_key(what: str, key: object) -> str:
    """Gives the key of an event as it is compared; raises `ContextMisuse` for what is none."""
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise ContextMisuse(f"{what}: the key of an event is a text or a whole number, not {key!r}")
    return as_key(key)


def key_text(what: str, key: object) -> str | None:
    """Gives the key of an execution as it is compared; raises `ContextMisuse` for what is none."""
    if key is None:
        return None
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise ContextMisuse(f"{what}: a key is a text or a whole number, not {key!r}")
    return str(key)


def _await(what: str, spec: dict[str, Json], timeout: timedelta | str | None, default: Any) -> Await:
    span = None if timeout is None else span_of(what, timeout)
    if default is RAISES:
        given = None
    elif span is None:
        raise ContextMisuse(f"{what}: 'default' is what a timeout gives, and there is none")
    else:
        given = {"value": default}
    try:
        encode([spec, given])
    except NotStorable as error:
        raise ContextMisuse(f"{what}: what it waits for cannot be stored: {error}") from None
    return Await(spec=spec, timeout=span, default=given)
