"""What Python values become in a plain document: functions their import path, spans their text, a call its line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from types import ModuleType
from typing import Any, Literal, TypeAlias

from durable_dsl.durations import DurationError, format_duration
from durable_dsl.errors import Position, Problem
from durable_dsl.places import BROKEN

Function: TypeAlias = Callable[..., Any] | str
"""A function at the top level of a module, or its import path."""

Duration: TypeAlias = str | timedelta
"""A text such as `1h30m` or `${ … }`, or a timedelta."""

Condition: TypeAlias = str | bool | Callable[..., Any] | Mapping[str, str]
"""CEL without `${ … }`, a bool that is constant, a function of the data, or `{"call": …}` with its import path."""

CONDITIONS = frozenset({"when", "while", "until", "match", "in"})
"""Fields that hold an expression, so that a function is called for them and is not a text."""

Plain: TypeAlias = dict[str, Any]


class UnusableValue(Exception):
    """Says why a Python value cannot stand in a document; the call that was given it turns this into a problem."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Draft:
    """A part of a workflow as a call described it; `workflow(…)` reads all of them together.

    `plain` may hold further drafts, and `BROKEN` for a value whose mistake is among `problems`.
    """

    plain: Plain
    at: Position
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry policy; the defaults are the language's. Exception classes stand for their names."""

    max_attempts: int = 3
    backoff: Literal["exponential", "linear", "constant"] = "exponential"
    delay: Duration = "1s"
    factor: float = 2
    max_delay: Duration = "5m"
    max_elapsed: Duration | None = None
    jitter: float | Literal["full"] = 0.25
    only: Sequence[type[BaseException] | str] = ()
    except_: Sequence[type[BaseException] | str] = ()
    when: str | None = None


_DEFAULTS = Retry()


def draft(kind: str, name: str, fields: Mapping[str, Any]) -> Draft:
    """Makes the draft of a node from the call two frames up; a field that is None is left out, except `output`."""
    return _draft({kind: name}, fields)


def part(fields: Mapping[str, Any]) -> Draft:
    """Makes the draft of a part of a node from the call two frames up; a field that is None is left out."""
    return _draft({}, fields)


def _draft(plain: Plain, fields: Mapping[str, Any]) -> Draft:
    frame = sys._getframe(3)
    at = Position(frame.f_code.co_filename, frame.f_lineno, 1)
    problems: list[Problem] = []
    for key, value in fields.items():
        if value is None and key != "output":
            continue
        try:
            word = key.rstrip("_")
            plain[word] = plain_condition(value) if word in CONDITIONS else plain_value(value)
        except UnusableValue as unusable:
            problems.append(Problem(unusable.code, unusable.message, at.file, at.line, at.column, hint=unusable.hint))
            plain[key.rstrip("_")] = BROKEN
    return Draft(plain, at, tuple(problems))


def plain_condition(value: Any) -> Any:
    """Gives what stands for a condition: for a function the mapping that calls it."""
    return {"call": import_path(value)} if callable(value) else plain_value(value)


def plain_value(value: Any) -> Any:
    """Gives what stands for a Python value in a document; JSON and drafts are themselves.

    Raises `UnusableValue` for a function without an import path, and for a span or instant that has no text.
    """
    match value:
        case None | bool() | int() | float() | str() | Draft():
            return value
        case timedelta():
            return _span(value)
        case datetime():
            if value.tzinfo is None:
                raise UnusableValue(
                    "W152",
                    f"the instant {value.isoformat()} has no time zone",
                    "write datetime(…, tzinfo=timezone.utc)",
                )
            return value.isoformat()
        case Retry():
            return _policy(value)
        case Mapping():
            for key in value:
                if not isinstance(key, str):
                    raise UnusableValue("W153", f"a key must be text, not {key!r:.60}", f"write '{key}'")
            return {key: plain_value(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain_value(inner) for inner in value]
        case type() if issubclass(value, BaseException):
            return value.__name__
        case _ if callable(value):
            return import_path(value)
        case _:
            raise UnusableValue(
                "W153",
                f"a {type(value).__name__} cannot stand in a workflow: {value!r:.60}",
                "use JSON values: text, numbers, booleans, None, lists and mappings",
            )


def _span(span: timedelta) -> str:
    try:
        return format_duration(span)
    except DurationError as error:
        raise UnusableValue("W151", str(error), "give whole milliseconds, zero or more") from None


def _policy(retry: Retry) -> Plain:
    changed = {key: getattr(retry, key) for key in Retry.__slots__ if getattr(retry, key) != getattr(_DEFAULTS, key)}
    return {
        key.rstrip("_"): plain_value(value) for key, value in {"max_attempts": retry.max_attempts, **changed}.items()
    }


def import_path(function: Callable[..., Any]) -> str:
    """Gives the path under which a worker imports this very function: `package.module.function`.

    Raises `UnusableValue` with the reason for whatever another process could not find by its name.
    """
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__qualname__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        raise _unusable(f"'{name}' is a bound method, and its object does not exist in the worker")
    module = getattr(function, "__module__", None)
    if name is None or module is None:
        raise _unusable(f"{function!r:.60} has no name of its own")
    if name.endswith("<lambda>"):
        raise _unusable("a lambda has no name by which a worker could import it")
    if "<locals>" in name:
        raise _unusable(f"'{name.rpartition('.')[2]}' is defined inside a function, where a worker cannot import it")
    if "." in name:
        raise _unusable(f"'{name}' is defined inside a class, where a worker cannot import it")
    loaded = sys.modules.get(module)
    if loaded is not None and getattr(loaded, name, function) is not function:
        raise _unusable(f"'{module}.{name}' is something else than the function given")
    return f"{_module_name(module)}.{name}"


def _module_name(module: str) -> str:
    """A script runs as `__main__`, which is another module in every process; its file names it for all."""
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name.removesuffix(".__main__"))
    file = getattr(main, "__file__", None)
    if file is None:
        raise _unusable("functions typed at a prompt are in no module that a worker could import")
    return PurePath(file).stem


def _unusable(message: str) -> UnusableValue:
    return UnusableValue("W150", message, "define it with 'def' at the top level of a module")


def gather(part: Any, path: tuple[str | int, ...], places: dict[tuple[str | int, ...], Position]) -> Any:
    """Gives a draft's plain value with everything inside it, and enters each draft's line into `places`."""
    match part:
        case Draft():
            places[path] = part.at
            return {key: gather(inner, (*path, key), places) for key, inner in part.plain.items()}
        case dict():
            return {key: gather(inner, (*path, key), places) for key, inner in part.items()}
        case list():
            return [gather(inner, (*path, index), places) for index, inner in enumerate(part)]
        case _:
            return part


def problems_of(part: Any) -> Iterator[Problem]:
    """Yields the problems of a draft and of everything inside it."""
    match part:
        case Draft():
            yield from part.problems
            yield from problems_of(part.plain)
        case dict():
            for inner in part.values():
                yield from problems_of(inner)
        case list():
            for inner in part:
                yield from problems_of(inner)
        case _:
            return
