"""An event loop on a thread of its own, for callers that have none or must not use theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class BackgroundLoop:
    """Runs coroutines one beside the other on one thread, which does not keep the process alive."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Our own, because shutting down a loop's default one takes a thread, and at the end of a process none starts.
        self._executor = ThreadPoolExecutor(4, "durable client")
        self._loop.set_default_executor(self._executor)
        self._thread = threading.Thread(target=self._loop.run_forever, name="durable client", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Runs a coroutine and waits for its answer; an interrupt of the caller cancels it."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("this would wait for itself: on the thread of Durable's own loop, use AsyncDurable")
        answer: Future[Answer] = Future()
        tasks: list[asyncio.Task[Answer]] = []

        def begin() -> None:
            # The coroutine is made on this side: one made by the caller would be lost by an interrupt in between.
            task = self._loop.create_task(work())
            task.add_done_callback(lambda ended: _hand_over(ended, answer))
            tasks.append(task)

        try:
            self._loop.call_soon_threadsafe(begin)
            return answer.result()
        except BaseException:
            # Comes after `begin`, and does nothing to a task that has ended; a loop that was stopped has cancelled all.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            raise

    def stop(self) -> None:
        """Ends the loop and its thread; what still runs is cancelled."""
        self.run(_cancel_others)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._executor.shutdown()


def _hand_over(task: asyncio.Task[Answer], answer: Future[Answer]) -> None:
    if task.cancelled():
        answer.cancel()
    elif (error := task.exception()) is not None:
        answer.set_exception(error)
    else:
        answer.set_result(task.result())


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
