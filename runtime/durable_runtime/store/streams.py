"""What attempts write into streams, as the store takes it and as clients see it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from durable_runtime.core.checkpoints import Json


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One thing written into a stream, a JSON text; everything but that and `at` is its position.

    `path` is that of the step, or of the call in its function, `attempt` the step's, `again` the call's. `since` is the
    checkpoint by which the execution was last retried, and with it the step. `number` counts what the same attempt has
    written. So an attempt that a crash has cut off and that is made once more comes by the same positions, and what is
    stored there stays.
    """

    name: str
    path: str
    since: int
    attempt: int
    again: int
    number: int
    value: bytes
    at: datetime


class StreamItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an execution wrote into a stream: by the node instance at `path`, in that attempt of it.

    What an attempt has written stays when it fails: where the step is tried again, the next `attempt` writes anew.
    """

    id: int
    value: Json
    path: str
    attempt: int
    at: datetime
