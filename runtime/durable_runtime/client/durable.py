"""The client for everyone else: the methods of AsyncDurable, waited for. Delegates, holds no logic."""

from __future__ import annotations

import atexit
import functools
import inspect
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast

from durable_runtime.client.async_durable import AsyncDurable
from durable_runtime.client.event_loop import BackgroundLoop
from durable_runtime.store.queries import DEFAULT_SCHEMA

P = ParamSpec("P")
R = TypeVar("R")


class OnDefault(Generic[P, R]):
    """A method that works on the class too, where it means the default instance: `Durable.start(...)`."""

    def __init__(self, method: Callable[Concatenate[Durable, P], R]) -> None:
        self._method = method

    def __get__(self, durable: Durable | None, owner: type[Durable]) -> Callable[P, R]:
        method = self._method

        @functools.wraps(method)
        def bound(*args: P.args, **kwargs: P.kwargs) -> R:
            return method(owner.default() if durable is None else durable, *args, **kwargs)

        signature = inspect.signature(method)
        bound.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=list(signature.parameters.values())[1:]
        )
        return bound


def waited_for(method: Callable[Concatenate[AsyncDurable, P], Coroutine[Any, Any, R]]) -> OnDefault[P, R]:
    """Gives the same method for `Durable`: with the same parameters, docstring, errors, and the result itself."""

    def call(durable: Durable, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return durable._wait_for(method, *args, **kwargs)

    functools.update_wrapper(call, method)
    return OnDefault(call)


def called(method: Callable[Concatenate[AsyncDurable, P], R]) -> OnDefault[P, R]:
    """Gives the same method for `Durable` where there is nothing to wait for."""

    def call(durable: Durable, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(durable._get_engine(), *args, **kwargs)

    functools.update_wrapper(call, method)
    return OnDefault(call)


def iterated(method: Callable[Concatenate[AsyncDurable, P], AsyncIterator[R]]) -> OnDefault[P, Iterator[R]]:
    """Gives the same method for `Durable`, as an iterator whose every next thing is waited for."""

    def call(durable: Durable, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        iterator = method(durable._get_engine(), *args, **kwargs)
        end = object()

        async def following(_engine: AsyncDurable) -> R | object:
            return await anext(iterator, end)

        async def leave(_engine: AsyncDurable) -> None:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()

        def items() -> Iterator[R]:
            try:
                while (item := durable._wait_for(following)) is not end:
                    yield cast(R, item)
            finally:
                # One that nobody read to its end may be collected anywhere, on the loop's own thread too, or at exit.
                if durable._loop is not None:
                    with suppress(RuntimeError):
                        durable._wait_for(leave)

        return items()

    functools.update_wrapper(call, method)
    return OnDefault(call)


def close(durable: Durable) -> None:
    """Closes the connections and leaves the embedded server; the next call opens them again.

    At the end of the process this is done for whoever forgot it.
    """
    durable._end()


class Durable:
    """Everything that can be done with executions, from any thread, waiting for each answer.

    The arguments are those of `AsyncDurable`, and so are the methods, which document themselves there. Called on the
    class (`Durable.start(...)`), a method means the default instance, which has no arguments. An instance works from
    any number of threads, from inside of a coroutine (which it blocks), and in a forked child, where it connects
    anew.
    """

    _default: ClassVar[Durable | None] = None
    _default_turn: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        database: str | None = None,
        *,
        schema: str = DEFAULT_SCHEMA,
        queues: Mapping[str, int] | None = None,
        home: Path | None = None,
        hint_at_commit: bool = True,
    ) -> None:
        self._make = functools.partial(
            AsyncDurable, database, schema=schema, queues=queues, home=home, hint_at_commit=hint_at_commit
        )
        self._renew()

    @classmethod
    def default(cls) -> Durable:
        """Gives the instance that calls on the class use, one for the process."""
        with cls._default_turn:
            if Durable._default is None:
                Durable._default = Durable()
            return Durable._default

    start = waited_for(AsyncDurable.start)
    start_many = waited_for(AsyncDurable.start_many)
    get_execution = waited_for(AsyncDurable.get_execution)
    find_execution = waited_for(AsyncDurable.find_execution)
    list_executions = waited_for(AsyncDurable.list_executions)
    count_executions = waited_for(AsyncDurable.count_executions)
    list_children = waited_for(AsyncDurable.list_children)
    family = waited_for(AsyncDurable.family)
    get_steps = waited_for(AsyncDurable.get_steps)
    get_logs = waited_for(AsyncDurable.get_logs)
    progress = waited_for(AsyncDurable.progress)
    explain = waited_for(AsyncDurable.explain)
    get_graph = waited_for(AsyncDurable.get_graph)
    node_states = waited_for(AsyncDurable.node_states)
    result = waited_for(AsyncDurable.result)
    cancel = waited_for(AsyncDurable.cancel)
    pause = waited_for(AsyncDurable.pause)
    resume = waited_for(AsyncDurable.resume)
    retry = waited_for(AsyncDurable.retry)
    set_result = waited_for(AsyncDurable.set_result)
    fork = waited_for(AsyncDurable.fork)
    cancel_many = waited_for(AsyncDurable.cancel_many)
    pause_many = waited_for(AsyncDurable.pause_many)
    resume_many = waited_for(AsyncDurable.resume_many)
    retry_many = waited_for(AsyncDurable.retry_many)
    send_event = waited_for(AsyncDurable.send_event)
    emit = waited_for(AsyncDurable.emit)
    keep_events = waited_for(AsyncDurable.keep_events)
    get_value = waited_for(AsyncDurable.get_value)
    list_values = waited_for(AsyncDurable.list_values)
    read_stream = iterated(AsyncDurable.read_stream)
    list_pending = waited_for(AsyncDurable.list_pending)
    find_ask = waited_for(AsyncDurable.find_ask)
    provide_input = waited_for(AsyncDurable.provide_input)
    cancel_wait = waited_for(AsyncDurable.cancel_wait)
    list_workers = waited_for(AsyncDurable.list_workers)
    migrate = waited_for(AsyncDurable.migrate)
    worker = called(AsyncDurable.worker)
    close = OnDefault(close)

    def __enter__(self) -> Durable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _renew(self) -> None:
        self._process = os.getpid()
        self._engine = self._make()
        self._loop: BackgroundLoop | None = None
        self._turn = threading.Lock()
        self._ends_at_exit = False

    def _get_engine(self) -> AsyncDurable:
        if self._process != os.getpid():
            # The parent's connections are not ours to use or to end, and its loop's thread does not exist here.
            self._renew()
        return self._engine

    def _get_loop(self) -> BackgroundLoop:
        with self._turn:
            if self._loop is None:
                self._loop = BackgroundLoop()
            return self._loop

    def _wait_for(
        self, method: Callable[Concatenate[AsyncDurable, P], Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        engine = self._get_engine()
        try:
            return self._get_loop().run(lambda: method(engine, *args, **kwargs))
        finally:
            if engine.is_open and not self._ends_at_exit:
                # Registered only now, so that it comes before what the embedded server registered when it was joined.
                self._ends_at_exit = True
                atexit.register(self._end)

    def _end(self) -> None:
        if self._process != os.getpid():
            return
        loop = self._get_loop()
        loop.run(self._engine.close)
        loop.stop()
        atexit.unregister(self._end)
        self._loop, self._ends_at_exit = None, False
