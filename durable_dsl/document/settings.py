"""What stands above the steps of a workflow about its executions, as written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from durable_dsl.document.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many executions of one key may run at once, and what becomes of one more."""

    key: str | None = None
    limit: int = 1
    on_conflict: Literal["queue", "reject", "cancel_oldest"] = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOn:
    """An event that cancels an execution."""

    event: str
    key: str
    compensate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When executions are started without anybody asking."""

    name: str
    cron: str
    timezone: str = "UTC"
    overlap: Literal["allow", "skip", "cancel_oldest"] = "allow"
    catchup: Literal["none", "latest", "all"] = "latest"
    input: Mapping[str, Json] = field(default_factory=dict)
