"""The whole document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from durable_dsl.document.nodes import UNSET, Json, Node, Retry, Unset
from durable_dsl.errors import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What steps that call take when they say nothing themselves."""

    retry: Retry | str | None = None
    timeout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A whole workflow. `input` is a JSON Schema (2020-12), `retries` are named policies."""

    name: str
    description: str | None = None
    version: str | None = None
    timeout: str | None = None
    queue: str = "default"
    priority: int = 0
    input: Json = None
    output: Json | Unset = UNSET
    defaults: Defaults = Defaults()
    retries: Mapping[str, Retry] = field(default_factory=dict)
    constants: Mapping[str, Json] = field(default_factory=dict)
    steps: tuple[Node, ...]
    at: Position | None = field(default=None, compare=False)
    places: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict, compare=False, repr=False)
    """Where every field stands, by its path in the plain document: `("steps", 0, "retry", "delay")`."""
