"""The attempts of one execution that run right now, and what they came to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from durable_runtime.actions.context import StepContext
from durable_runtime.actions.functions import Function, Missing
from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.collecting import results_of
from durable_runtime.core.commands import Abandon, Collect, Perform
from durable_runtime.core.outcomes import Failure, Success, settle_attempt, settle_results
from durable_runtime.core.program import Program
from durable_runtime.core.state import State
from durable_runtime.worker.surroundings import Surroundings


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an attempt, or the results of a foreach, not yet in the state.

    `uniform` draws a retry's jitter.
    """

    command: Perform | Collect
    outcome: Success | Failure
    started_at: datetime
    at: datetime
    uniform: float = 0.0


OnEnded: TypeAlias = Callable[[Ended], None]


class Attempts:
    """Runs attempts as tasks, one for each instance path.

    `ended` hears of each that was not abandoned, `missed` of one that this worker turned out not to have the secrets
    for, `broke` of an error that is not the author's.
    """

    def __init__(
        self,
        execution_id: str,
        key: int,
        around: Surroundings,
        ended: OnEnded,
        missed: Callable[[Perform, Missing], None],
        broke: Callable[[Exception], None],
    ) -> None:
        self._execution_id = execution_id
        self._key = key
        self._around = around
        self._ended = ended
        self._missed = missed
        self._broke = broke
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._contexts: dict[str, StepContext] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._tasks

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def begin(self, function: Function, perform: Perform) -> None:
        """Begins one attempt."""
        ctx = self._contexts[perform.path] = StepContext(self._execution_id, perform)
        self._tasks[perform.path] = asyncio.ensure_future(self._attempt(function, perform, ctx))

    async def _attempt(self, function: Function, perform: Perform, ctx: StepContext) -> None:
        started_at = self._around.clock.now()
        try:
            outcome = await self._around.performer.perform(function, perform, ctx)
        except Missing as error:
            if self._forget(perform.path):
                self._missed(perform, error)
            return
        if self._forget(perform.path):
            at, uniform = self._around.clock.now(), self._around.uniform()
            self._ended(Ended(command=perform, outcome=outcome, started_at=started_at, at=at, uniform=uniform))

    def collect(self, collect: Collect) -> None:
        """Begins to read a foreach's results back."""
        self._tasks[collect.path] = asyncio.ensure_future(self._collect(collect))

    async def _collect(self, collect: Collect) -> None:
        try:
            rows = await self._around.collect(self._key, collect.path)
            values: list[Json] = results_of(rows, collect.total, collect.complete_all, collect.decisions)
        except Exception as error:
            if self._forget(collect.path):
                self._broke(error)
            return
        if self._forget(collect.path):
            now = self._around.clock.now()
            self._ended(Ended(command=collect, outcome=Success(values), started_at=now, at=now))

    def _forget(self, path: str) -> bool:
        """Takes the attempt that asks off; False when it was abandoned, so that its outcome goes nowhere.

        An abandoned one may pay no attention to its cancellation and end when another runs in its place: after a jump
        back the same instance is there again, with a first attempt.
        """
        if self._tasks.get(path) is not asyncio.current_task():
            return False
        del self._tasks[path]
        self._contexts.pop(path, None)
        return True

    def abandon(self, abandon: Abandon) -> None:
        """Cancels what runs at or below a path: async functions at once, plain ones are told and left alone."""
        for path in [path for path in self._tasks if abandon.covers(path)]:
            ctx = self._contexts.pop(path, None)
            if ctx is not None:
                ctx.cancel()
            self._tasks.pop(path).cancel()


def checkpoint_of(program: Program, state: State, ended: Ended) -> Checkpoint | None:
    """Gives the checkpoint of an outcome, or None when it was abandoned in the meantime and nobody waits for it."""
    command = ended.command
    if isinstance(command, Perform):
        return settle_attempt(
            program,
            state,
            command.path,
            command.keys,
            command.attempt,
            ended.outcome,
            started_at=ended.started_at,
            at=max(ended.at, state.now),
            uniform=ended.uniform,
        )
    if not isinstance(ended.outcome, Success):
        return None
    return settle_results(program, state, command.path, command.keys, ended.outcome.value)
