"""Where an execution stands outside of its own history: what its queue, its worker and its waits say."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from durable_runtime.core.values import decode
from durable_runtime.store.protocol import Row


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the tables say of one execution at a moment.

    `worker` is the name of its owner, `lease_ended` whether that one gave no sign of life in time. `waits` are (kind,
    path, due at). `before` counts what is before it in its queue, `serving` the living workers that serve its queue, of
    `workers` that live at all. `limit` is how many of the queue they run at once, None without a limit, and `running`
    how many are. `is_locked`: another transaction holds its row. `unread` are the kinds of requests in its inbox.
    """

    now: datetime
    worker: str | None
    lease_ended: bool
    waits: tuple[tuple[str, str, datetime], ...]
    unread: tuple[str, ...]
    before: int
    serving: int
    workers: int
    limit: int | None
    running: int
    is_locked: bool


def standing_of(row: Row, *, is_locked: bool) -> Standing:
    """Makes it of the row that the statement of this name gives."""
    waits = tuple((kind, path, datetime.fromtimestamp(due, UTC)) for kind, path, due in decode(row[3]))
    return Standing(
        now=row[0],
        worker=row[1],
        lease_ended=bool(row[2]),
        waits=waits,
        unread=tuple(row[4]),
        before=row[5],
        serving=row[6],
        workers=row[7],
        limit=None if row[8] is None else int(row[8]),
        running=row[9],
        is_locked=is_locked,
    )
