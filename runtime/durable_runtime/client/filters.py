"""The filters of lists, counts, and of what is asked of many executions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypedDict


class Filters(TypedDict, total=False):
    """What executions have to be let through; a filter that is not given lets everything through."""

    status: str | Collection[str] | None
    workflow: str | None
    version: str | None
    queue: str | None
    key: str | None
    parent: str | None
    root_only: bool
    headers: Mapping[str, str] | None
    created_from: datetime | None
    created_until: datetime | None
    finished_from: datetime | None
    finished_until: datetime | None
