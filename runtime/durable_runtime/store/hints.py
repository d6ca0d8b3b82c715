"""Hints: NOTIFY that there is something to claim or to read.

Never relied upon: whoever misses one polls.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

import psycopg

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.store.connections import connect
from durable_runtime.store.protocol import NoAnswer, TryAgain

log = logging.getLogger("durable.hints")

PROBE = "?"
"""How the payload begins with which a listener finds out whether it hears anything; no queue's name does."""


ENDS_WANTED = "="
"""What a client says to the workers when it waits for executions to end; no queue's name either."""


def ends_channel(schema: str) -> str:
    """Gives the channel on which clients are told of ends: ids between spaces, or nothing when there were many."""
    return f"{schema}_ended"


def workers_channel(schema: str) -> str:
    """Gives the channel on which workers are told of something to do: the queue that has work, or nothing."""
    return f"{schema}_ready"


class Listener:
    """Calls `on_hint` with the payload of whatever is said on a channel, and with an empty one after a gap.

    A listening connection is idle outside of transactions, so it holds back no vacuum. Behind a transaction-mode
    pooler it hears nothing; `hears` is true once a probe, said over another connection by `say`, has come back.
    """

    def __init__(
        self, conninfo: str, channel: str, on_hint: Callable[[str], None], say: Callable[[str], Awaitable[None]]
    ) -> None:
        self.hears = False
        self._conninfo = conninfo
        self._channel = channel
        self._on_hint = on_hint
        self._say = say

    async def serve(self) -> None:
        """Listens until cancelled; connects again when the connection breaks."""
        while True:
            try:
                async with await connect(self._conninfo, application_name="durable hints") as connection:
                    await connection.execute(f"listen {self._channel}".encode())
                    self._on_hint("")  # what came while nobody listened
                    probe = f"{PROBE}{os.urandom(8).hex()}"
                    await self._say(probe)
                    async for hint in connection.notifies():
                        if not hint.payload.startswith(PROBE):
                            self._on_hint(hint.payload)
                        elif hint.payload == probe:
                            self.hears = True
            except (psycopg.Error, DatabaseUnavailable, NoAnswer, TryAgain) as error:
                log.info("hints are lost for a moment: %s", str(error).strip().partition("\n")[0])
            finally:
                self.hears = False
            await asyncio.sleep(1.0)
