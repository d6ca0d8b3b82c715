"""From an import path to a function that can be called: found once, checked against `allow`, its parameters known."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

import msgspec

from durable_runtime.actions.calling import is_async
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.commands import Perform

PLUGINS = "durable.actions"
"""The group of entry points under which packages offer actions for `use`."""


class Missing(Exception):
    """This worker lacks what an attempt needs. Another may have it, or it will come: the execution is deferred."""


class MissingFunction(Missing):
    """This worker has no such function, as during a roll-out."""


class Function:
    """A step's function and how it wants to be called.

    `awaits` tells whether its author made it async, which decides how it makes the calls of `ctx`.
    """

    __slots__ = ("awaits", "is_async", "path", "takes_ctx", "takes_data", "target")

    def __init__(self, path: str, target: Callable[..., Any]) -> None:
        self.path = path
        self.target = target
        self.is_async = self.awaits = is_async(target)
        self.takes_ctx, self.takes_data = _parameters(target)

    def arguments(self, perform: Perform, ctx: object) -> tuple[list[Any], dict[str, Any]]:
        """Gives the positional and keyword arguments of one attempt, as values of its own.

        Only what is handed over is copied: a step with `with` must not pay for the size of the data it does not get.
        """
        keywords: dict[str, Any] = _copy(perform.arguments) if perform.arguments is not None else {}
        positional = [_copy(perform.data)] if perform.arguments is None and self.takes_data else []
        if self.takes_ctx:
            keywords["ctx"] = ctx
        return positional, keywords


def _copy(value: Json) -> Any:
    """Copies a value: what user code changes in place must not reach the state, or a resumed execution would differ."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _parameters(target: Callable[..., Any]) -> tuple[bool, bool]:
    """Tells whether a function takes `ctx`, and whether it takes anything else."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return False, True  # a builtin without a signature gets the data
    takes_ctx = any(parameter.name == "ctx" for parameter in parameters)
    return takes_ctx, any(parameter.name != "ctx" for parameter in parameters)


class Functions:
    """Finds functions by import path. With `allow`, only in these packages and modules (and below them)."""

    def __init__(self, allow: Sequence[str] | None = None) -> None:
        self._allow = None if allow is None else tuple(allow)
        self._found: dict[str, Function] = {}
        self._plugins: dict[str, Function] = {}

    def get_function(self, path: str) -> Function:
        """Gives the function at `package.module.name`.

        Raises `MissingFunction` when it cannot be imported or may not be. Failures are not remembered: the code may
        arrive later.
        """
        found = self._found.get(path)
        if found is None:
            found = self._found[path] = Function(path, self._import(path))
        return found

    def is_imported(self, path: str) -> bool:
        """Tells whether the module of a function is there already."""
        return path in self._found or path.rpartition(".")[0] in sys.modules

    def get_plugin(self, name: str) -> Function:
        """Gives the action `plugin.action` of an installed package.

        A package offers it as an entry point of the group `durable.actions`: under the whole name, or under the part
        before the first dot with the rest as its attribute. Raises `MissingFunction` when none does.
        """
        found = self._plugins.get(name)
        if found is None:
            found = self._plugins[name] = Function(name, _load_plugin(name))
        return found

    def _import(self, path: str) -> Callable[..., Any]:
        module_name, _dot, name = path.rpartition(".")
        if not module_name:
            raise MissingFunction(f"{path!r} is not an import path; write package.module.function")
        if self._allow is not None and not any(path == entry or path.startswith(entry + ".") for entry in self._allow):
            raise MissingFunction(f"{path} is not in what this worker allows: {', '.join(self._allow) or 'nothing'}")
        try:
            target = getattr(_import_module(module_name), name)
        except ImportError as error:
            raise MissingFunction(f"{path} cannot be imported: {error}") from None
        except AttributeError as error:
            if module_name in sys.modules:
                raise MissingFunction(f"the module {module_name} has no {name!r}") from None
            raise MissingFunction(f"{path} cannot be imported: AttributeError: {error}") from None
        except (Exception, SystemExit) as error:
            # The module's own code runs here: a missing setting or a typo in it must not end the worker.
            raise MissingFunction(f"{path} cannot be imported: {type(error).__name__}: {error}") from None
        if not callable(target):
            raise MissingFunction(f"{path} is not a function but a {type(target).__name__}")
        function: Callable[..., Any] = target
        return function


def _load_plugin(name: str) -> Callable[..., Any]:
    offered = {entry.name: entry for entry in entry_points(group=PLUGINS)}
    first, _dot, rest = name.partition(".")
    try:
        if name in offered:
            target = offered[name].load()
        elif first in offered:
            target = offered[first].load()
            for attribute in rest.split("."):
                target = getattr(target, attribute)
        else:
            raise MissingFunction(f"no installed package offers the action {name!r} (entry points {PLUGINS!r})")
    except (ImportError, AttributeError) as error:
        raise MissingFunction(f"the action {name!r} cannot be loaded: {error}") from None
    if not callable(target):
        raise MissingFunction(f"the action {name!r} is not a function but a {type(target).__name__}")
    function: Callable[..., Any] = target
    return function


def _import_module(name: str) -> Any:
    """Imports a module, or takes a class out of one: `shop.orders.Gateway` for `shop.orders.Gateway.charge`."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        outer, _dot, attribute = name.rpartition(".")
        if not outer or error.name is None or not name.startswith(error.name):
            raise
        return getattr(_import_module(outer), attribute)
