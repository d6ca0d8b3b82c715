"""Performing one attempt of a step's function: async ones on the event loop, plain ones in threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

from durable_dsl.expressions import ExpressionError
from durable_runtime.actions.context import StepContext
from durable_runtime.actions.driving import Parked
from durable_runtime.actions.functions import Function, Functions, MissingFunction
from durable_runtime.actions.http import HttpClient
from durable_runtime.actions.outcome import failure_of, timed_out
from durable_runtime.actions.secrets import Secrets, SecretSource
from durable_runtime.actions.shell import run_program
from durable_runtime.actions.sql import SqlRunner
from durable_runtime.core.commands import Perform, Sealed, StartChild
from durable_runtime.core.outcomes import Failure, Success

Ending: TypeAlias = Success | Failure | Parked
"""How an attempt ends, or that it was left in its middle to be entered again."""

Call: TypeAlias = Callable[[], Success | Failure]

DEFAULT_THREADS = 32
MAX_ABANDONED = 64
"""Threads that outlived their attempt's timeout.

Python cannot end a thread; beyond this many the worker takes no more work.
"""

CLEAN_UP = 5.0
"""Seconds that an async function gets to clean up after its timeout, before a next attempt may begin."""


class Performer:
    """Runs attempts.

    `threads` plain functions run at once; the others wait for a thread, which their timeout does not count. Programs
    are run only where `allows_shell` says so. With `captures` what attempts print is a part of their log. `secrets` is
    where secrets are found, `databases` are those that `sql` steps may name, by their addresses.
    """

    def __init__(
        self,
        functions: Functions,
        threads: int = DEFAULT_THREADS,
        *,
        allows_shell: bool = False,
        captures: bool = False,
        secrets: SecretSource | None = None,
        databases: Mapping[str, str] | None = None,
    ) -> None:
        self._functions = functions
        self._secrets = Secrets(secrets)
        self._http = HttpClient()
        self._sql = SqlRunner(databases)
        self._allows_shell = allows_shell
        self.captures = captures
        self._slots = asyncio.Semaphore(threads)
        self._pool = ThreadPoolExecutor(max_workers=threads + MAX_ABANDONED, thread_name_prefix="durable-step")
        # The event loop itself holds no task; one that was left to itself would vanish in its middle.
        self._calls: set[asyncio.Task[Ending]] = set()
        self.abandoned = 0

    @property
    def exhausted(self) -> bool:
        """True when so many threads hang that this worker should not take more work."""
        return self.abandoned >= MAX_ABANDONED

    def get_function(self, path: str) -> Function:
        """Gives the function; raises `MissingFunction`."""
        return self._functions.get_function(path)

    def is_imported(self, path: str) -> bool:
        """Tells whether the module of a function is there, so that getting it takes no time."""
        return self._functions.is_imported(path)

    def find(self, perform: Perform) -> Function:
        """Gives what makes this attempt, whatever the action.

        Raises `MissingFunction` when this worker has no such function or plug-in, or runs no programs.
        """
        match perform.action:
            case "call":
                return self._functions.get_function(perform.function)
            case "use":
                return self._functions.get_plugin(perform.function)
            case "http":
                return Function("http", self._http.request)
            case "sql":
                self._sql.check(perform.function)
                return Function("sql", self._sql.run)
            case "shell":
                if not self._allows_shell:
                    raise MissingFunction("this worker runs no programs; start it with --allow-shell")
                return Function("shell", run_program)

    def stand_in(self, start: StartChild) -> Perform | None:
        """Gives the attempt that is made in a child's place; None starts the child, as everywhere but in tests."""
        return None

    def perform(self, function: Function, perform: Perform, ctx: StepContext | None) -> Coroutine[Any, Any, Ending]:
        """Makes one attempt and gives its outcome; whatever user code raises is an outcome too.

        `ctx` may be None for a function that takes none and has no calls of earlier attempts.

        `Parked` is none yet: the function waits, was closed, and will be entered again. Secrets are in its arguments
        and nowhere in its outcome. Raises `Missing` when this worker does not know them; a cancellation that comes from
        outside goes through, as asyncio's `CancelledError`.
        """
        if perform.sealed is None:
            return self.make(function, perform, ctx)
        return self._make_sealed(function, perform, perform.sealed, ctx)

    async def _make_sealed(
        self, function: Function, perform: Perform, sealed: Sealed, ctx: StepContext | None
    ) -> Ending:
        try:
            revealed = await self._secrets.reveal(perform, sealed)
        except ExpressionError as error:
            return Failure(type="ExpressionError", message=str(error), names=("ExpressionError", "Fatal"))
        if ctx is not None:
            ctx.hide(revealed.masks)
        ended = await self.make(function, revealed.perform, ctx)
        return ended if isinstance(ended, Parked) else revealed.masks.outcome(ended)

    def make(self, function: Function, perform: Perform, ctx: StepContext | None) -> Coroutine[Any, Any, Ending]:
        """Makes one attempt whose arguments are known."""
        if ctx is None:
            # Most attempts: nothing of theirs is looked at when they end.
            return self._make(function, perform, None)
        return self._make_with(function, perform, ctx)

    async def _make_with(self, function: Function, perform: Perform, ctx: StepContext) -> Ending:
        if perform.slot is not None and function.takes_ctx:
            message = f"{perform.function} takes 'ctx', and a condition is a function of the data alone"
            return Failure(type="ConditionTakesContext", message=message, names=("ConditionTakesContext", "Fatal"))
        ended = await self._make(function, perform, ctx)
        broken = None
        if isinstance(ended, Success):
            broken = ctx.substeps.check_end()
        elif isinstance(ended, Failure):
            broken = ctx.substeps.broken
        return ended if broken is None else broken

    async def _make(self, function: Function, perform: Perform, ctx: StepContext | None) -> Ending:
        timeout = perform.timeout.total_seconds() if perform.timeout is not None else None
        try:
            if ctx is not None:
                ctx.substeps.begin(is_async=function.awaits, run_plain=lambda call: self.run_plain(call, ctx))
            positional, keywords = function.arguments(perform, ctx)
            if not function.is_async:
                return await self._in_thread(lambda: _call(function, positional, keywords), perform, ctx, timeout)
            call = function.target(*positional, **keywords)
            if function.awaits and function.takes_ctx and ctx is not None:
                call = ctx.substeps.drive(call)
            if timeout is None:
                value = await call
                return value if isinstance(value, (Parked, Failure)) else Success(value)
            return await self._with_timeout(_call_async(call), perform, ctx, timeout)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                _tell(ctx)
                raise
            return Failure(type="CancelledError", message="the step cancelled itself", names=("CancelledError",))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            # SystemExit too: a step that calls sys.exit() fails, it does not end the worker.
            return failure_of(error)

    async def _with_timeout(
        self, call: Coroutine[Any, Any, Ending], perform: Perform, ctx: StepContext | None, timeout: float
    ) -> Ending:
        """Lets a call run for so long. It is cancelled then; one that pays no attention is left to itself."""
        task = asyncio.ensure_future(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            done, _pending = await asyncio.wait([task], timeout=timeout)
            if done:
                return task.result()
            _tell(ctx)
            task.cancel()
            await asyncio.wait([task], timeout=CLEAN_UP)
        except asyncio.CancelledError:
            task.cancel()
            raise
        assert perform.timeout is not None
        return timed_out(perform.path, perform.timeout)

    async def run_plain(self, call: Call, ctx: StepContext | None) -> Success | Failure:
        """Runs a plain function that an async one calls as a sub-step, in a thread."""
        return await self._in_thread(call, None, ctx, None)

    async def _in_thread(
        self, call: Call, perform: Perform | None, ctx: StepContext | None, timeout: float | None
    ) -> Success | Failure:
        async with self._slots:
            context = contextvars.copy_context()
            future = self._pool.submit(context.run, call)
            try:
                done, _pending = await asyncio.wait([asyncio.wrap_future(future)], timeout=timeout)
            except asyncio.CancelledError:
                self._abandon(future, ctx)
                raise
            if not done:
                self._abandon(future, ctx)
                assert perform is not None
                assert perform.timeout is not None
                return timed_out(perform.path, perform.timeout)
            return future.result()

    def _abandon(self, future: Future[Success | Failure], ctx: StepContext | None) -> None:
        """Leaves a thread to itself. Its result goes nowhere; it is counted until it ends."""
        _tell(ctx)
        if future.cancel() or future.done():
            return
        self.abandoned += 1
        loop = asyncio.get_running_loop()

        def ended(_future: Future[Success | Failure]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
                loop.call_soon_threadsafe(self._returned)

        future.add_done_callback(ended)

    def _returned(self) -> None:
        self.abandoned -= 1

    async def close(self) -> None:
        """Closes connections, and lets go of the threads without waiting for those that hang."""
        await self._http.close()
        await self._sql.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _tell(ctx: StepContext | None) -> None:
    """Tells a function, if it can be told, that nobody wants its result any more."""
    if ctx is not None:
        ctx.cancel()


def _call(function: Function, positional: list[Any], keywords: dict[str, Any]) -> Success | Failure:
    try:
        return Success(function.target(*positional, **keywords))
    except BaseException as error:
        return failure_of(error)


def _ending(value: Any) -> Ending:
    return value if isinstance(value, (Parked, Failure)) else Success(value)


async def _call_async(call: Coroutine[Any, Any, Any]) -> Ending:
    """Calls an async function in a task of its own, which `SystemExit` would leave by ending the event loop."""
    try:
        return _ending(await call)
    except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return failure_of(error)
