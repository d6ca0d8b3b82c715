"""What a worker that ends when it is idle asks for."""

from __future__ import annotations

import msgspec


class Outlook(msgspec.Struct, frozen=True):
    """Whether something is left that will run by itself.

    Something that can be claimed or is on its way, something that runs, something that waits for a time. What was
    deferred waits for a worker that knows its calls, until it is tried again.
    """

    pending: bool
    running: bool
    timers: bool

    @property
    def is_empty(self) -> bool:
        return not (self.pending or self.running or self.timers)
