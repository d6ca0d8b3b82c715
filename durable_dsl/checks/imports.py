"""Functions that a workflow calls: whether they can be imported, and whether they take what they are given."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from durable_dsl.checks.sources import Sources
from durable_dsl.document import Workflow
from durable_dsl.errors import Problem
from durable_dsl.graph import Call, Decision, Function, Graph, Step, conditions_of
from durable_dsl.places import KEY, Path
from durable_dsl.suggestions import did_you_mean

CONTEXT = "ctx"
"""The parameter that is given the step's context, not an argument of the workflow."""

_KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


class _Missing(Exception):
    """A function that cannot be imported; the arguments are the message and the hint."""


def check_imports(graph: Graph, workflow: Workflow) -> list[Problem]:
    """Gives a problem for every call that cannot be imported or does not take its arguments; imports what it checks.

    Importing runs the top of the modules that the workflow names.
    """
    sources = Sources(workflow)
    for node in graph.walk():
        if isinstance(node, Step) and isinstance(node.action, Call):
            _check(node.id, node.action.function, node.action.with_, sources)
        if isinstance(node, Step) and node.compensate is not None and isinstance(node.compensate.action, Call):
            action = node.compensate.action
            _check(node.id, action.function, action.with_, sources, ("compensate",))
        elif isinstance(node, Decision) and node.call is not None:
            function = _check(node.id, node.call, None, sources)
            if function is not None:
                _check_targets(node, function, sources)
        for keys, condition in conditions_of(node):
            if isinstance(condition, Function):
                function = _check(node.id, condition.call, None, sources, keys)
                if function is not None and CONTEXT in _parameters(function):
                    message = f"'{condition.call}' takes '{CONTEXT}', and a condition is a function of the data alone"
                    sources.add("W211", node.id, (*keys, "call"), message, hint="look at the data, or decide in a step")
    return sources.problems


def _check(
    node_id: str, path: str, with_: dict[str, Any] | None, sources: Sources, at: Path = ()
) -> Callable[..., Any] | None:
    try:
        function = _imported(path)
    except _Missing as missing:
        message, hint = missing.args
        sources.add("W210", node_id, (*at, "call"), message, hint=hint)
        return None
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        # Some functions written in C tell nothing about their parameters.
        return function
    own = {name: parameter for name, parameter in parameters.items() if name != CONTEXT}
    if with_ is None:
        _check_data(node_id, path, own, sources, at)
    else:
        _check_arguments(node_id, path, own, with_, sources, at)
    return function


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Gives a function's parameters by name; some written in C tell nothing about them."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def _imported(path: str) -> Callable[..., Any]:
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            if error.name == module_name and "." in module_name and isinstance(found := _find(module_name), type):
                return _member(found, module_name, name)
            raise _Missing(
                f"there is no module '{error.name}'", "run from the folder that holds it, or install it"
            ) from None
        raise _Missing(f"importing '{module_name}' failed: {error}", None) from None
    except (Exception, SystemExit) as error:  # whatever the top of a stranger's module does
        raise _Missing(f"importing '{module_name}' failed: {type(error).__name__}: {error}", None) from None
    return _member(module, module_name, name)


def _find(path: str) -> Any:
    """Gives what a path leads to, or None; a worker finds functions inside classes too."""
    try:
        return _imported(path)
    except _Missing:
        return None


def _member(owner: Any, owner_path: str, name: str) -> Callable[..., Any]:
    function = getattr(owner, name, None)
    if function is None:
        names = [other for other, value in vars(owner).items() if callable(value) and not other.startswith("_")]
        raise _Missing(f"'{owner_path}' has no '{name}'", did_you_mean(name, names))
    if not callable(function):
        path = f"{owner_path}.{name}"
        raise _Missing(f"'{path}' cannot be called: its type is {type(function).__name__}", "name a function")
    member: Callable[..., Any] = function
    return member


def _check_data(node_id: str, path: str, own: dict[str, inspect.Parameter], sources: Sources, at: Path) -> None:
    takes = [parameter for parameter in own.values() if parameter.kind in _POSITIONAL]
    if not takes:
        sources.add(
            "W211",
            node_id,
            (*at, "call"),
            f"'{path}' takes no argument, and without 'with' it is given the data",
            hint="add 'with: {}', or a parameter for the data",
        )
        return
    for parameter in [*takes[1:], *(each for each in own.values() if each.kind is inspect.Parameter.KEYWORD_ONLY)]:
        if parameter.default is parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
            sources.add(
                "W211",
                node_id,
                (*at, "call"),
                f"'{path}' needs '{parameter.name}' too, and without 'with' it is given the data alone",
                hint="give its arguments by name under 'with'",
            )
            return


def _check_arguments(
    node_id: str, path: str, own: dict[str, inspect.Parameter], with_: dict[str, Any], sources: Sources, at: Path
) -> None:
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in own.values())
    names = [name for name, parameter in own.items() if parameter.kind in _KEYWORDS]
    for argument in with_:
        if argument == CONTEXT:
            message = f"'{CONTEXT}' is given by the engine, not by 'with'"
            sources.add("W211", node_id, (*at, "with", argument, KEY), message, hint="remove it")
        elif argument not in own and not takes_any:
            takes = f"it takes {', '.join(names)}" if names else "it takes none"
            hint = did_you_mean(argument, names) or takes
            sources.add(
                "W211", node_id, (*at, "with", argument, KEY), f"'{path}' takes no argument '{argument}'", hint=hint
            )
    for name, parameter in own.items():
        required = parameter.default is parameter.empty
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and required:
            message = f"'{path}' takes '{name}' by position only, and 'with' gives arguments by name"
            sources.add("W211", node_id, (*at, "call"), message, hint="remove the '/' from its parameters")
        elif name in names and required and name not in with_:
            message = f"'{path}' needs the argument '{name}'"
            sources.add("W211", node_id, (*at, "with"), message, hint=f"add '{name}' to 'with'")


def _check_targets(node: Decision, function: Callable[..., Any], sources: Sources) -> None:
    """A function that says by its annotation what it returns must return targets of its decision."""
    try:
        returned = typing.get_type_hints(function).get("return")
    except Exception:  # annotations are any code
        return
    for name in _literals(returned):
        if name not in node.targets:
            known = ", ".join(node.targets)
            sources.add(
                "W212",
                node.id,
                ("goto",),
                f"'{node.call}' may return '{name}', which is no target of '{node.name}'",
                hint=did_you_mean(name, node.targets) or f"add it to 'goto', which has {known}",
            )


def _literals(annotation: Any) -> list[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return [value for value in typing.get_args(annotation) if isinstance(value, str)]
    return [name for argument in typing.get_args(annotation) for name in _literals(argument)]
