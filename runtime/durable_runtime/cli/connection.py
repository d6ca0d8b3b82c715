"""The way from a command's options to a database: a client, or a plain address for what needs no client."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from durable_runtime.cli.settings import Settings

if TYPE_CHECKING:
    from durable_runtime.client import AsyncDurable

Value = TypeVar("Value")

COLLECT_AFTER = 10_000
"""Objects made and not freed until the young ones are looked at; Python's own number is 700."""


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[AsyncDurable]:
    """Opens a client on the database that the options name, else on the embedded server of the project."""
    from durable_runtime.client import AsyncDurable

    async with AsyncDurable(settings.url, schema=settings.schema) as durable:
        yield durable


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """Gives the address of the database, with the embedded server running for as long as it is used."""
    if settings.url is not None:
        yield settings.url
        return
    from durable_runtime.embedded import EmbeddedServer

    with EmbeddedServer() as url:
        yield url


def run_async(work: Coroutine[Any, Any, Value]) -> Value:
    """Runs a coroutine to its end on the fastest event loop there is."""
    import asyncio

    try:
        from uvloop import new_event_loop
    except ImportError:  # it does not exist for every platform
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def ease_collection() -> None:
    """Has the garbage collector of this process leave alone what there is by now, and look less often at what comes.

    For a process that does nothing but work: its modules never become garbage, and looking through them once took as
    long as a thousand steps. What executions leave behind has no cycles and is freed at once, without the collector.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
