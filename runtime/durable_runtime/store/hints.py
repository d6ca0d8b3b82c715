"""Hints: NOTIFY from clients that there is something to claim or to read.

Never relied upon: whoever misses one polls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import psycopg

from durable_runtime.errors import DatabaseUnavailable
from durable_runtime.store.connections import connect
from durable_runtime.store.queries import DEFAULT_SCHEMA, with_schema

log = logging.getLogger("durable.hints")


async def listen(conninfo: str, on_hint: Callable[[], None], *, schema: str = DEFAULT_SCHEMA) -> None:
    """Calls `on_hint` whenever a client says there is work, until cancelled; connects again when the connection breaks.

    A listening connection is idle outside of transactions, so it holds back no vacuum. Behind a transaction-mode
    pooler it hears nothing, and polling does the work.
    """
    channel = with_schema("durable.", schema).rstrip(".") + "_ready"
    while True:
        try:
            async with await connect(conninfo, application_name="durable hints") as connection:
                await connection.execute(f"listen {channel}".encode())
                on_hint()  # what came while nobody listened
                async for _hint in connection.notifies():
                    on_hint()
        except (psycopg.Error, DatabaseUnavailable) as error:
            log.info("hints are lost for a moment: %s", str(error).strip().partition("\n")[0])
        await asyncio.sleep(1.0)
