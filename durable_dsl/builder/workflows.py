"""A whole workflow in Python, read by the reader of YAML files, so that both are checked alike."""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Literal, NotRequired, TypedDict, Unpack

from durable_dsl.builder.values import Draft, Duration, Retry, draft, gather, problems_of
from durable_dsl.document import Json, Workflow
from durable_dsl.errors import DslError, Position, Problem
from durable_dsl.places import Path
from durable_dsl.reading import read_workflow


class Defaults(TypedDict, total=False):
    """What steps that call a function take when they say nothing themselves."""

    retry: int | str | Retry
    timeout: Duration


class Concurrency(TypedDict, total=False):
    """How many executions may run at once."""

    key: str
    limit: int
    on_conflict: Literal["queue", "reject", "cancel_oldest"]


class CancelOn(TypedDict):
    """An event that cancels an execution."""

    event: str
    key: str
    compensate: NotRequired[bool]


class Schedule(TypedDict):
    """When executions are started by themselves."""

    name: str
    cron: str
    timezone: NotRequired[str]
    overlap: NotRequired[Literal["allow", "skip", "cancel_oldest"]]
    catchup: NotRequired[Literal["none", "latest", "all"]]
    input: NotRequired[Mapping[str, Json]]


class Settings(TypedDict, total=False):
    """What stands above the steps of a workflow."""

    description: str
    version: str
    timeout: Duration
    queue: str
    priority: int
    input: Json
    output: Json
    defaults: Defaults
    retries: Mapping[str, Retry | int]
    constants: Mapping[str, Json]
    secrets: Sequence[str]
    concurrency: Concurrency
    cancel_on: Sequence[CancelOn]
    schedules: Sequence[Schedule]
    on_failure: Sequence[Draft]


def workflow(name: str, *steps: Draft, **settings: Unpack[Settings]) -> Workflow:
    """Gives the workflow that these steps make; its fields are those of a YAML file.

    Raises `DslError` with all mistakes, each at the line of the call that made it.
    """
    whole = draft("workflow", name, {**settings, "steps": list(steps)})
    places: dict[Path, Position] = {}
    plain = gather(whole, (), places)
    built, problems = read_workflow(plain, places, whole.at.file)
    problems = [*problems_of(whole), *problems]
    if problems or built is None:
        raise DslError([_with_source(problem) for problem in problems])
    return built


def workflows_of(module: ModuleType) -> list[Workflow]:
    """Gives the workflows among a module's own names in the order they were defined; the first is the default.

    One workflow under two names counts once; names with a leading underscore are the module's own business.
    """
    found: list[Workflow] = []
    for name, value in vars(module).items():
        if isinstance(value, Workflow) and not name.startswith("_") and not any(value is other for other in found):
            found.append(value)
    return found


def _with_source(problem: Problem) -> Problem:
    """Adds the line of Python that a problem stands in, and points to the first word of it."""
    line = linecache.getline(problem.file, problem.line).rstrip("\n")
    if not line.strip():
        return problem
    word = line.strip().split("(")[0]
    return replace(problem, source_line=line, column=len(line) - len(line.lstrip()) + 1, width=len(word))
