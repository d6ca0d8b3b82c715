"""Waiting until a database says that everything is done, when the process itself has nothing more to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

LOOK = 0.01
"""Seconds between two looks, in the process and then in the database."""


async def until_done(url: str, query: str, count: int, is_near: Callable[[], bool] = lambda: True) -> None:
    """Returns when `query` counts `count`; the database is not asked before `is_near`, so as not to be disturbed."""
    while not is_near():
        await asyncio.sleep(LOOK)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            row = await (await connection.execute(query.encode())).fetchone()
            if row is not None and row[0] >= count:
                return
            await asyncio.sleep(LOOK)
