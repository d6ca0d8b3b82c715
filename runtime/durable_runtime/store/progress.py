"""How far attempts say that they are."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an attempt says that it is, as JSON; None once it is over."""

    path: str
    attempt: int
    progress: bytes | None
    at: datetime
