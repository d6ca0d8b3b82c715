"""What a wait waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import field

from durable_dsl.graph.values import Json, Span, Value


class Event(Value, frozen=True, kw_only=True):
    """An event by its name, and its `key` (a template; None: sent to this execution). `where` sees it as `event`."""

    name: str
    key: str | None = None
    where: str | None = None


class Ask(Value, frozen=True, kw_only=True):
    """A question to people; `prompt`, `assignees` and `metadata` may hold `${ … }`.

    `choices` are for a choice, `fields` (JSON Schemas by name) for a form, `schema` for JSON.
    """

    kind: Literal["approval", "choice", "text", "form", "json"]
    prompt: str | None = None
    assignees: list[str] = field(default_factory=list)
    choices: tuple[str, ...] = ()
    fields: dict[str, Json] = field(default_factory=dict)
    schema: Json = None
    metadata: dict[str, Json] = field(default_factory=dict)


class Awaited(Value, frozen=True, kw_only=True):
    """One thing that is waited for; exactly one of these is set. `until_at` is a template that gives a timestamp."""

    for_: Span | None = None
    until_at: str | None = None
    event: Event | None = None
    ask: Ask | None = None


class OnTimeout(Value, frozen=True, kw_only=True):
    """What a wait does when its timeout is over: jumps to `goto` (an id, or `end`), or gives `value`, a template."""

    value: Json = None
    goto: str | None = None


def templates_of_awaited(awaited: Awaited) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yields the values of what is waited for that may hold `${ … }`, each with the path to it in a document."""
    yield ("for",), awaited.for_
    yield ("at",), awaited.until_at
    if awaited.event is not None:
        yield ("key",), awaited.event.key
    if awaited.ask is not None:
        yield ("prompt",), awaited.ask.prompt
        yield ("assignees",), awaited.ask.assignees
        yield ("metadata",), awaited.ask.metadata
