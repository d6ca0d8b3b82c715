"""An open wait for what comes from outside, as the state holds it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from durable_runtime.core.checkpoints import Json


class Slot(msgspec.Struct, frozen=True):
    """One thing that a wait still waits for.

    `spec` is as its `waiting` checkpoint stored it: `{event, key}`, `{ask, prompt, ...}` or `{at}`; of a call in a
    function the event's `where` too, and the `values` that it reads. `due_at` is set for a time.
    """

    spec: dict[str, Json]
    due_at: datetime | None = None


class Awaiting(msgspec.Struct, frozen=True, kw_only=True):
    """A wait for events, answers, or several things by label; a single one has the label ''.

    `opened` is the number of the checkpoint that opened it, at `opened_at`. `slots` are what has not
    come yet, `arrived` what has, in the order in which it came. `default` holds what a call in a function gives when
    it times out, under `value`; without one it fails. Of a node its graph says that.
    """

    opened: int
    opened_at: datetime
    slots: dict[str, Slot]
    arrived: dict[str, Json] = {}
    times_out_at: datetime | None = None
    default: dict[str, Json] | None = None


class CancelKey(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose coming cancels the execution; `since` is when it began to listen."""

    event: str
    key: str
    compensate: bool
    since: datetime
