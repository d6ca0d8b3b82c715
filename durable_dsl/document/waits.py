"""What a wait waits for, as written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from durable_dsl.document.values import Json

AskKind: TypeAlias = Literal["approval", "choice", "text", "form", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event by its name; without `key` one that was sent to this execution."""

    name: str
    key: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question to people. `fields` are JSON Schemas by name, for a form; `schema` is one, for JSON."""

    kind: AskKind
    prompt: str | None = None
    assignees: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Json] = field(default_factory=dict)
    schema: Json = None
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """One thing that is waited for: a span, an instant, an event or an answer; exactly one is set."""

    for_: str | None = None
    until_at: str | None = None
    event: Event | None = None
    ask: Ask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTimeout:
    """What a wait does when its timeout is over instead of failing: jumps, or gives a value."""

    value: Json = None
    goto: str | None = None
