"""The loop on a thread of its own."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from durable_runtime.client.event_loop import BackgroundLoop


def test_an_interrupt_of_who_waits_cancels_what_runs() -> None:
    loop = BackgroundLoop()
    cancelled = threading.Event()
    waiter = threading.main_thread().ident
    assert waiter is not None

    async def endless() -> None:
        signal.pthread_kill(waiter, signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        loop.run(endless)

    assert cancelled.wait(timeout=30)
    loop.stop()


def test_stopping_cancels_what_others_wait_for() -> None:
    loop = BackgroundLoop()
    begun = threading.Event()
    raised: list[BaseException] = []

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    def wait() -> None:
        try:
            loop.run(endless)
        except BaseException as error:
            raised.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert begun.wait(timeout=30)
    loop.stop()
    waiter.join(timeout=30)

    assert [type(error).__name__ for error in raised] == ["CancelledError"]


def test_waiting_for_itself_is_refused() -> None:
    loop = BackgroundLoop()

    async def inner() -> int:
        return 1

    async def outer() -> int:
        return loop.run(inner)

    with pytest.raises(RuntimeError, match="this would wait for itself"):
        loop.run(outer)
    loop.stop()
