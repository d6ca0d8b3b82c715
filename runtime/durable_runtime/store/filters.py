"""Which executions are meant: every filter that lists, counts and requests to many have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

Order: TypeAlias = Literal["newest", "oldest", "finished"]
"""How a list is sorted: by start, newest or oldest first, or by end, the last first."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What all executions meant have in common; None lets everything through.

    `statuses` are as people see them, `paused` among them. `version` is the beginning of a content hash, or a label.
    `parent` is an id, `root_only` leaves those out that an execution started. `headers` are texts by name that they all
    have. Times are from (inclusive) and until (exclusive).
    """

    statuses: tuple[str, ...] | None = None
    workflow: str | None = None
    version: str | None = None
    queue: str | None = None
    key: str | None = None
    parent: str | None = None
    root_only: bool = False
    headers: dict[str, str] | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    finished_from: datetime | None = None
    finished_until: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """Gives the parameters of a statement that filters."""
        values = msgspec.structs.asdict(self)
        values["statuses"] = None if self.statuses is None else list(self.statuses)
        values["headers"] = None if self.headers is None else msgspec.json.encode(self.headers).decode()
        return values


EVERYTHING = Filter()

LEVELS = ("debug", "stdout", "stderr", "info", "warning", "error")
"""The levels of log lines, the least first: what was printed counts less than what was logged on purpose."""
