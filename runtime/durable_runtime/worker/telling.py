"""What an attempt's context asks of the worker: to commit what a call came to, and to wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from datetime import datetime

from durable_runtime.actions.calling import Abandoned
from durable_runtime.actions.port import Again, Answer
from durable_runtime.core.calls import SubStep
from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.commands import StartChild
from durable_runtime.core.outcomes import Failure, Success, error_of
from durable_runtime.core.retry import is_retried
from durable_runtime.core.substeps import Published, SubOutcome
from durable_runtime.core.values import NotStorable, encode
from durable_runtime.store.joined import Transaction
from durable_runtime.worker.children import Target
from durable_runtime.worker.clock import Clock


class AttemptPort:
    """The way from one attempt to its run. `tell` hands over what a call came to, and what hears the answer, `find`
    gives what a child runs."""

    def __init__(
        self,
        path: str,
        clock: Clock,
        tell: Callable[[SubOutcome, datetime, Callable[[Answer], None], Transaction | None], None],
        find: Callable[[StartChild], Awaitable[Target | Failure]],
    ) -> None:
        self._path = path
        self._find = find
        self.begins: tuple[StartChild, Target] | None = None
        """What the call that is noted next starts."""
        self._clock = clock
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._is_over = False
        self._over: threading.Event | None = None
        self._waiting: Future[Answer] | None = None

    def now(self) -> datetime:
        return self._clock.now()

    def note(self, sub: SubOutcome, transaction: Transaction | None = None) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = self._loop.create_future()

        def hear(found: Answer) -> None:
            if not answer.done():
                answer.set_result(found)

        self._tell(sub, self._clock.now(), hear, transaction)
        return answer

    def note_and_wait(self, sub: SubOutcome, transaction: Transaction | None = None) -> Answer:
        if threading.get_ident() == self._loop_thread:
            return self._note_at_once(sub)
        answer = self._waiting = Future()

        def hear(found: Answer) -> None:
            if not answer.done():
                answer.set_result(found)

        try:
            self._loop.call_soon_threadsafe(self._tell, sub, self._clock.now(), hear, transaction)
            # Looked at after the future stands there to be cancelled: one of the two is seen.
            if self._is_over:
                raise CancelledError
            return answer.result()
        except (CancelledError, RuntimeError):
            raise Abandoned(f"nobody wants what {self._path} comes to any more") from None

    def _note_at_once(self, sub: SubOutcome) -> Answer:
        """Answers before it is stored, where a plain function runs on the event loop: in a simulation."""
        now = self._clock.now()
        self._tell(sub, now, lambda _answer: None, None)
        outcome = sub.outcome
        if isinstance(outcome, Published):
            return SubStep(name=sub.name, at=now, result=outcome.values)
        if isinstance(outcome, Success):
            try:
                return SubStep(name=sub.name, at=now, result=encode(outcome.value)[1])
            except NotStorable as error:
                outcome = Failure(type="ResultNotStorable", message=str(error), names=("ResultNotStorable", "Fatal"))
        assert isinstance(outcome, Failure)
        names = outcome.names or (outcome.type,)
        nothing = now - now
        if is_retried(sub.retry, attempt=sub.attempt, names=names, elapsed=nothing, delay=nothing):
            return Again(now, sub.attempt + 1)
        return SubStep(name=sub.name, at=now, error=error_of(outcome, f"{self._path}/{sub.name}", sub.attempt))

    async def find_target(
        self, name: str, workflow: str, input: dict[str, Json], queue: str | None, key: str | None, *, awaited: bool
    ) -> Failure | None:
        start = StartChild(
            path=f"{self._path}/{name}",
            node=self._path,
            keys=(),
            workflow=workflow,
            attempt=1,
            input=input,
            key=key,
            queue=queue,
            attached=awaited,
            awaited=awaited,
            timeout=None,
            began_at=self._clock.now(),
        )
        found = await self._find(start)
        if isinstance(found, Failure):
            return found
        self.begins = start, found
        return None

    def wait_until(self, due_at: datetime) -> None:
        if threading.get_ident() == self._loop_thread:
            return
        # Looked at after the event stands there to be set: one of the two is seen.
        over = self._over = threading.Event()
        while (seconds := (due_at - self._clock.now()).total_seconds()) > 0:
            if self._is_over or over.wait(timeout=seconds):
                raise Abandoned(f"nobody wants what {self._path} comes to any more")

    def cancel(self) -> None:
        self._is_over = True
        if self._over is not None:
            self._over.set()
        if self._waiting is not None:
            self._waiting.cancel()


def answer_of(checkpoint: Checkpoint, step: str) -> Answer:
    """Gives what a call hears once its checkpoint is stored."""
    if checkpoint.kind == "retrying" and checkpoint.due_at is not None:
        return Again(checkpoint.due_at, checkpoint.attempt + 1)
    name = checkpoint.path.removeprefix(step + "/")
    return SubStep(name=name, at=checkpoint.finished_at, result=checkpoint.result, error=checkpoint.error)
