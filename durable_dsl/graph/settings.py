"""What a graph says about its executions as a whole."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from durable_dsl.graph.values import Json, Value


class Concurrency(Value, frozen=True, kw_only=True):
    """How many executions of one key (a template; None: of the workflow) may run, and what becomes of one more."""

    key: str | None = None
    limit: int = 1
    on_conflict: Literal["queue", "reject", "cancel_oldest"] = "queue"


class CancelOn(Value, frozen=True, kw_only=True):
    """An event that, sent with this key (a template), cancels an execution and undoes its steps if asked to."""

    event: str
    key: str
    compensate: bool = False


class Schedule(Value, frozen=True, kw_only=True):
    """When executions are started by themselves: a cron expression in a time zone."""

    name: str
    cron: str
    timezone: str = "UTC"
    overlap: Literal["allow", "skip", "cancel_oldest"] = "allow"
    catchup: Literal["none", "latest", "all"] = "latest"
    input: dict[str, Json] = field(default_factory=dict)
