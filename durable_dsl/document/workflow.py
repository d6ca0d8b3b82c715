"""The whole document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from durable_dsl.document.nodes import Node, Retry
from durable_dsl.document.plain import Plain, plain_fields, plain_json, plain_nodes, plain_policy, plain_retry, put
from durable_dsl.document.settings import CancelOn, Concurrency, Schedule
from durable_dsl.document.values import UNSET, Json, Unset
from durable_dsl.errors import Position
from durable_dsl.yaml_writer import write_yaml


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
    secrets: tuple[str, ...] = ()
    concurrency: Concurrency | None = None
    cancel_on: tuple[CancelOn, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    steps: tuple[Node, ...]
    on_failure: tuple[Node, ...] = ()
    at: Position | None = field(default=None, compare=False)
    places: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict, compare=False, repr=False)
    """Where every field stands, by its path in the plain document: `("steps", 0, "retry", "delay")`."""

    def to_plain(self) -> Plain:
        """Gives the mapping that a YAML file holds, keys in the order a person would write them."""
        plain: Plain = {"workflow": self.name}
        put(plain, "description", self.description)
        put(plain, "version", self.version)
        put(plain, "timeout", self.timeout)
        put(plain, "queue", self.queue, "default")
        put(plain, "priority", self.priority, 0)
        put(plain, "input", plain_json(self.input))
        if not isinstance(self.output, Unset):
            plain["output"] = plain_json(self.output)
        defaults: Plain = {}
        put(defaults, "retry", None if self.defaults.retry is None else plain_retry(self.defaults.retry))
        put(defaults, "timeout", self.defaults.timeout)
        put(plain, "defaults", defaults, {})
        put(plain, "retries", {name: plain_policy(policy) for name, policy in self.retries.items()}, {})
        put(plain, "constants", plain_json(self.constants), {})
        put(plain, "secrets", list(self.secrets), [])
        if self.concurrency is not None:
            plain["concurrency"] = plain_fields(self.concurrency)
        put(plain, "cancel_on", [plain_fields(row) for row in self.cancel_on], [])
        put(plain, "schedules", [plain_fields(schedule) for schedule in self.schedules], [])
        plain["steps"] = plain_nodes(self.steps)
        put(plain, "on_failure", plain_nodes(self.on_failure), [])
        return plain

    def to_yaml(self) -> str:
        """Gives the YAML a person would write for this workflow; `load` gives an equal workflow back."""
        return write_yaml(self.to_plain())
