"""What an execution waits for from outside, as others know it: to answer it, and to send events its way. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from durable_runtime.core.checkpoints import Json

Place: TypeAlias = tuple[str, str]
"""A wait's path, and the label in it ('' for a single one)."""

EVENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([.:-][A-Za-z0-9_]+)*")
"""What an event can be called, in a workflow and outside of it."""

_DECORATION = re.compile(r"\[\d+\]|#\d+")


class OpenWait(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is waited for. `name` and `key` are those of an event, `detail` is what the wait stored of it.

    `cancel_on` is an event whose coming cancels the execution; it belongs to no wait, and its label is its number.
    """

    path: str
    label: str
    kind: Literal["event", "ask", "cancel_on"]
    detail: dict[str, Json]
    opened_at: datetime
    name: str | None = None
    key: str | None = None
    due_at: datetime | None = None

    @property
    def place(self) -> Place:
        return self.path, self.label


def node_id_of(path: str) -> str:
    """Gives the id of the node that an instance path is of: `lines[3]/price` is `lines/price`."""
    return _DECORATION.sub("", path)


def matches(name: str, path: str, label: str) -> bool:
    """Tells whether a name means this instance: its path, its node's id, or its node's name; then the label, if any.

    `sign_offs` alone does not mean one of several labels.
    """
    ends = f".{label}" if label else ""
    return name in (path + ends, node_id_of(path) + ends, node_id_of(path).rpartition("/")[2] + ends)
