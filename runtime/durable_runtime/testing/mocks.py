"""Functions of steps replaced for a test: by other functions, by values, by exceptions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from durable_dsl import Graph
from durable_dsl.graph import Call, Child, Decision, Http, Shell, Sql, Start, Step, Use, conditions_of
from durable_dsl.graph import Function as AskedFunction
from durable_dsl.suggestions import did_you_mean
from durable_runtime.actions.calling import is_async
from durable_runtime.actions.context import StepContext
from durable_runtime.actions.functions import Function, Functions, MissingFunction
from durable_runtime.actions.performing import Call as PlainCall
from durable_runtime.actions.performing import Ending, Performer
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.commands import Perform, StartChild
from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.errors import InvalidOption


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that began. `arguments` is its `with` as evaluated, or the whole data for a call without one.

    With `slot` a function was asked a condition of the node: `when`, `cases 1`, `until 3`.
    """

    node: str
    function: str
    attempt: int
    arguments: Json
    slot: str | None = None


class MockedPerformer(Performer):
    """Performs attempts as a worker does, with `mocks` by node id or by import path; a node's own comes first.

    Plain functions are called on the event loop, so that a test stays in one thread. `calls` lists what began.
    """

    def __init__(
        self, graphs: Sequence[Graph], mocks: Mapping[str, Any], secrets: Mapping[str, str], *, captures: bool = False
    ) -> None:
        functions = Functions()
        super().__init__(functions, threads=1, secrets=lambda name: secrets.get(name, f"<{name}>"), captures=captures)
        self.calls: list[Called] = []
        self._mocks = {name: _function(name, mock) for name, mock in mocks.items()}
        self._real: dict[str, Function] = {}
        self._check(graphs, functions)

    def _check(self, graphs: Sequence[Graph], functions: Functions) -> None:
        """Raises `InvalidOption` for a mock that replaces nothing, and for a call that nothing can be found for."""
        called = [call for graph in graphs for call in _calls_of(graph)]
        simulated = {graph.workflow for graph in graphs}
        children = [call for graph in graphs for call in _children_of(graph)]
        asked = [path for graph in graphs for path in _asked_by(graph)]
        known = {id for id, _path in (*called, *children)} | {path for _id, path in called if path} | {*asked}
        for name in self._mocks:
            if name not in known:
                hint = did_you_mean(name, known) or "mocks are named by a node's id or by the import path of a call"
                raise InvalidOption(f"the workflow '{graphs[0].workflow}' calls nothing at or named {name!r}; {hint}")
        for node, name in children:
            if node not in self._mocks and name not in simulated:
                raise InvalidOption(f"{node} starts '{name}', which is not beside it, so it needs a mock under its id")
        for node, path in (*called, *((f"a condition that calls {path}", path) for path in asked)):
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
        own = self._mocks.get(perform.node) if perform.slot is None else None
        return own or self.get_function(perform.function)

    def stand_in(self, start: StartChild) -> Perform | None:
        """Gives the attempt of a child's mock, where its step has one; it gets what the child would as its input."""
        if start.node not in self._mocks:
            return None
        return Perform(
            path=start.path,
            node=start.node,
            keys=start.keys,
            function=start.workflow,
            attempt=start.attempt,
            data=start.input,
            arguments=start.input,
            timeout=start.timeout,
            began_at=start.began_at,
        )

    async def make(self, function: Function, perform: Perform, ctx: StepContext | None) -> Ending:
        """Makes one attempt with the node's mock, the function's, or the function itself."""
        arguments = perform.data if perform.arguments is None else perform.arguments
        name = perform.function or perform.action
        called = Called(
            node=perform.path, function=name, attempt=perform.attempt, arguments=arguments, slot=perform.slot
        )
        self.calls.append(called)
        return await super().make(function, perform, ctx)

    async def run_plain(self, call: PlainCall, ctx: StepContext | None) -> Success | Failure:
        """Calls a sub-step's plain function on the event loop too."""
        return call()


def _calls_of(graph: Graph) -> list[tuple[str, str]]:
    """Lists (node id, import path) of everything that is called."""
    found: list[tuple[str, str]] = []
    for node in graph.walk_all():
        match node:
            case Step(action=Call(function=path)) | Decision(call=str() as path):
                found.append((node.id, path))
            case Step(action=Http() | Shell() | Sql() | Use()):
                found.append((node.id, ""))
            case _:
                pass
    return found


def _children_of(graph: Graph) -> list[tuple[str, str]]:
    """Lists (node id, workflow) of everything that is started."""
    return [
        (node.id, node.action.workflow)
        for node in graph.walk()
        if isinstance(node, Step) and isinstance(node.action, Child | Start)
    ]


def _asked_by(graph: Graph) -> list[str]:
    """Lists the import paths of functions that stand in place of expressions."""
    conditions = [condition for node in graph.walk() for _keys, condition in conditions_of(node)]
    return list(dict.fromkeys(condition.call for condition in conditions if isinstance(condition, AskedFunction)))


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
