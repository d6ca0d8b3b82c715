"""Functions of steps replaced for a test: by other functions, by values, by exceptions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from durable_dsl import Graph
from durable_dsl.graph import Call, Decision, Http, Shell, Step, Use
from durable_dsl.suggestions import did_you_mean
from durable_runtime.actions.context import StepContext
from durable_runtime.actions.functions import Function, Functions, MissingFunction
from durable_runtime.actions.performing import Call as PlainCall
from durable_runtime.actions.performing import Ending, Performer
from durable_runtime.actions.substeps import is_async
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.commands import Perform
from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.errors import InvalidOption


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that began. `arguments` is its `with` as evaluated, or the whole data for a call without one."""

    node: str
    function: str
    attempt: int
    arguments: Json


class MockedPerformer(Performer):
    """Performs attempts as a worker does, with `mocks` by node id or by import path; a node's own comes first.

    Plain functions are called on the event loop, so that a test stays in one thread. `calls` lists what began.
    """

    def __init__(self, graph: Graph, mocks: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        functions = Functions()
        super().__init__(functions, threads=1, secrets=lambda name: secrets.get(name, f"<{name}>"))
        self.calls: list[Called] = []
        self._mocks = {name: _function(name, mock) for name, mock in mocks.items()}
        self._real: dict[str, Function] = {}
        self._check(graph, functions)

    def _check(self, graph: Graph, functions: Functions) -> None:
        """Raises `InvalidOption` for a mock that replaces nothing, and for a call that nothing can be found for."""
        called = dict(_calls_of(graph))
        known = {*called, *filter(None, called.values())}
        for name in self._mocks:
            if name not in known:
                hint = did_you_mean(name, known) or "mocks are named by a node's id or by the import path of a call"
                raise InvalidOption(f"the workflow '{graph.workflow}' calls nothing at or named {name!r}; {hint}")
        for node, path in called.items():
            if node in self._mocks or path in self._mocks or path in self._real:
                continue
            if not path:
                raise InvalidOption(f"{node} reaches out of the test, so it needs a mock under its id")
            try:
                found = functions.get_function(path)
            except MissingFunction as error:
                raise InvalidOption(f"{node} needs a mock: {error}") from None
            self._real[path] = _on_the_loop(path, found.target)

    def get_function(self, path: str) -> Function:
        """Gives what stands for the function at this path; which mock is taken depends on the node."""
        return self._real.get(path) or self._mocks.get(path) or Function(path, _nothing)

    def find(self, perform: Perform) -> Function:
        """Gives the node's mock, the function's, or the function itself; the outside world has only mocks."""
        return self._mocks.get(perform.node) or self.get_function(perform.function)

    async def make(self, function: Function, perform: Perform, ctx: StepContext) -> Ending:
        """Makes one attempt with the node's mock, the function's, or the function itself."""
        arguments = perform.data if perform.arguments is None else perform.arguments
        name = perform.function or perform.action
        self.calls.append(Called(node=perform.path, function=name, attempt=perform.attempt, arguments=arguments))
        return await super().make(function, perform, ctx)

    async def run_plain(self, call: PlainCall, ctx: StepContext) -> Success | Failure:
        """Calls a sub-step's plain function on the event loop too."""
        return call()


def _calls_of(graph: Graph) -> list[tuple[str, str]]:
    """Lists (node id, import path) of everything that is called."""
    found: list[tuple[str, str]] = []
    for node in graph.walk_all():
        match node:
            case Step(action=Call(function=path)) | Decision(call=str() as path):
                found.append((node.id, path))
            case Step(action=Http() | Shell() | Use()):
                found.append((node.id, ""))
            case _:
                pass
    return found


def _function(name: str, mock: Any) -> Function:
    is_class = isinstance(mock, type)
    if isinstance(mock, BaseException) or (is_class and issubclass(mock, BaseException)):

        def fail(*_arguments: object, **_keywords: object) -> Json:
            raise mock

        return _on_the_loop(name, fail)
    if callable(mock):
        return _on_the_loop(name, mock)

    def give(*_arguments: object, **_keywords: object) -> Json:
        return mock

    return _on_the_loop(name, give)


def _on_the_loop(name: str, target: Callable[..., Any]) -> Function:
    """Makes a coroutine function of any callable, with the parameters it had."""

    @functools.wraps(target, updated=())
    async def call(*arguments: Any, **keywords: Any) -> Any:
        result = target(*arguments, **keywords)
        return await result if inspect.isawaitable(result) else result

    function = Function(name, call)
    function.awaits = is_async(target)
    return function


def _nothing() -> None:
    return None
