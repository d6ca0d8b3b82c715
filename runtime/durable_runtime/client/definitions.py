"""From whatever names a workflow to its definition, compiled and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from durable_dsl import Graph, Workflow
from durable_dsl.graph import Child, Start, Step
from durable_dsl.suggestions import did_you_mean
from durable_runtime.core.inputs import InputCheck
from durable_runtime.core.support import unsupported
from durable_runtime.errors import InvalidOption, UnknownWorkflow, UnsupportedWorkflow

Source: TypeAlias = str | Path | ModuleType | Workflow | Graph | Sequence[Workflow | Graph]
"""A YAML file, an imported Python module, a workflow or graph, several of these, or the name of a stored workflow."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_YAML = (".yaml", ".yml", ".json")
_KEPT = 1000


class Definition:
    """A graph ready to be started: its version, its input's check and the workflows it starts are found once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.version = graph.version
        self.input = InputCheck(graph.workflow, graph.input)
        self.starts = started_by(graph)


class Definitions:
    """Finds definitions and keeps them; a file is read again only after it changed."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[int, int], list[Definition]]] = {}
        # By identity: workflows hold mappings, so they have no hash. What is kept here cannot be collected, so its id
        # stays its own.
        self._objects: dict[int, tuple[Any, list[Definition]]] = {}

    def find(self, source: Source, workflow: str | None = None) -> Definition | None:
        """Gives a source's definition of this name, or its first; None when the source is the name of a stored one.

        Raises `DslError` with every problem of the workflow, `UnknownWorkflow` when there is no such file or no such
        name in it, `UnsupportedWorkflow` when it cannot be executed.
        """
        match source:
            case Graph() | Workflow():
                return _choose(self._of_object(source), workflow, "what was given")
            case list() | tuple() if source:
                return _choose(self._beside(source), workflow, "what was given")
            case ModuleType():
                return _choose(self._of_module(source), workflow, f"the module {source.__name__}")
            case str() | os.PathLike():
                return self._find_named(source, workflow)
            case _:
                raise InvalidOption(
                    "a workflow is started from a YAML file, a module, a workflow, a graph or a name, "
                    f"not from a {type(source).__name__}"
                )

    def find_started(self, source: Source, definition: Definition) -> tuple[list[Definition], list[tuple[str, str]]]:
        """Gives the other workflows of a source that this one starts, and those that these start.

        And what none of the source's own workflows is: (who starts it, its name); that has to be stored already.
        """
        if not definition.starts:
            return [], []
        beside = {other.graph.workflow: other for other in self._beside(source)}
        found: dict[str, Definition] = {definition.graph.workflow: definition}
        elsewhere: dict[str, str] = {}
        to_look_at = [definition]
        while to_look_at:
            looked_at = to_look_at.pop()
            for name in looked_at.starts:
                if name in beside and name not in found:
                    found[name] = supported(beside[name])
                    to_look_at.append(found[name])
                elif name not in found:
                    elsewhere.setdefault(name, looked_at.graph.workflow)
        found.pop(definition.graph.workflow)
        return list(found.values()), [(by, name) for name, by in elsewhere.items()]

    def _beside(self, source: Source) -> list[Definition]:
        match source:
            case Graph() | Workflow():
                return self._of_object(source)
            case list() | tuple():
                return [definition for each in source for definition in self._of_object(each)]
            case ModuleType():
                return self._of_module(source)
            case _:
                return self._of_file(str(source))

    def _find_named(self, source: str | Path, workflow: str | None) -> Definition | None:
        # Each start from a file comes here: what is plainly one is looked at once, and no path is taken apart.
        if str(source).endswith(_YAML):
            return _choose(self._of_file(source), workflow, str(source))
        path = Path(source)
        if path.suffix == ".py":
            raise UnknownWorkflow(f"{source} is a Python file: import its module and start from that")
        if isinstance(source, Path) or path.suffix in _YAML or os.path.lexists(path):
            return _choose(self._of_file(path), workflow, str(source))
        if _NAME.fullmatch(source) is None:
            raise UnknownWorkflow(
                f"{source!r} is neither a file (looked for {path.absolute()}) nor a name that a workflow can have"
            )
        if workflow not in (None, source):
            raise InvalidOption(
                f"there is no file {source!r}, and a stored workflow of that name holds no other one, {workflow!r}"
            )
        return None

    def _of_file(self, path: str | Path) -> list[Definition]:
        # What compiles and checks is imported where it is needed: most clients only ask.
        try:
            found = os.stat(path)
            stamp = (found.st_mtime_ns, found.st_size)
            # The folder in force is part of the key, since a relative path means another file after a change of it.
            key = str(path) if os.path.isabs(path) else os.path.abspath(path)
            kept = self._files.get(key)
            if kept is None or kept[0] != stamp:
                from durable_dsl import load_graphs

                kept = self._files[key] = stamp, [Definition(graph) for graph in load_graphs(Path(path))]
        except FileNotFoundError:
            raise UnknownWorkflow(f"there is no file {path} (looked in {Path(path).absolute().parent})") from None
        except OSError as error:
            raise UnknownWorkflow(f"the file {path} cannot be read: {error.strerror or error}") from None
        return kept[1]

    def _of_module(self, module: ModuleType) -> list[Definition]:
        from durable_dsl import workflows_of

        workflows = workflows_of(module)
        if not workflows:
            raise UnknownWorkflow(
                f"the module {module.__name__} has no workflow; assign one to a public name: flow = workflow(...)"
            )
        return [definition for workflow in workflows for definition in self._of_object(workflow)]

    def _of_object(self, source: Workflow | Graph) -> list[Definition]:
        kept = self._objects.get(id(source))
        if kept is None:
            if len(self._objects) >= _KEPT:  # someone makes workflows on the fly; what is needed will come back
                self._objects.clear()
            kept = self._objects[id(source)] = source, [Definition(_graph_of(source))]
        return kept[1]


def started_by(graph: Graph) -> list[str]:
    """Gives the names of the workflows that the steps of a graph start, each once."""
    names: dict[str, None] = {}
    for node in graph.walk():
        if isinstance(node, Step):
            undoes = node.compensate.action if node.compensate is not None else None
            for action in (node.action, undoes):
                if isinstance(action, Child | Start):
                    names[action.workflow] = None
    return list(names)


def _graph_of(source: Workflow | Graph) -> Graph:
    if isinstance(source, Graph):
        return source
    from durable_dsl import compile

    return compile(source)


def supported(definition: Definition) -> Definition:
    """Gives the definition back, or raises `UnsupportedWorkflow` when this release cannot execute it."""
    problems = unsupported(definition.graph)
    if problems:
        message = f"the workflow '{definition.graph.workflow}' cannot be executed: {'; '.join(problems)}"
        raise UnsupportedWorkflow(message, tuple(problems))
    return definition


def never_stored(name: str) -> UnknownWorkflow:
    """Gives the error for a name that is neither a file's nor a stored workflow's."""
    return UnknownWorkflow(
        f"there is no workflow {name!r}: no file {os.path.abspath(name)}, and none of this name was ever started in "
        "this database; start it from its YAML file or module"
    )


def _choose(definitions: Sequence[Definition], workflow: str | None, where: str) -> Definition:
    if workflow is None:
        return supported(definitions[0])
    for definition in definitions:
        if definition.graph.workflow == workflow:
            return supported(definition)
    names = [definition.graph.workflow for definition in definitions]
    hint = did_you_mean(workflow, names) or f"there is {', '.join(names)}"
    raise UnknownWorkflow(f"there is no workflow {workflow!r} in {where}; {hint}")
