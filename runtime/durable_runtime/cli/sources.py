"""Workflows by the file or module they are written in."""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.project import use_project

if TYPE_CHECKING:
    from durable_dsl import Graph, Problem, Workflow

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_YAML = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Source:
    """One workflow, read and without a mistake. `text` is the file it came from, empty for a module.

    `started` are those of the same file or module that it starts, and that these start. `warnings` are those of the
    whole file or module, at its first workflow.
    """

    workflow: Workflow
    graph: Graph
    text: str
    started: tuple[Source, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def graphs(self) -> list[Graph]:
        """All that may run when it is started, its own graph first."""
        return [self.graph, *(source.graph for source in self.started)]


def get_workflow(name: str, workflow: str | None) -> Source:
    """Reads a YAML file, a Python file or an importable module, and gives the workflow of this name, or the first.

    Puts the project folder on the import path. Raises `DslError` with all mistakes, `CommandError` where there is none.
    """
    sources = list_workflows(name)
    if workflow is None:
        return _with_started(sources[0], sources)
    for source in sources:
        if source.workflow.name == workflow:
            return _with_started(source, sources)
    from durable_dsl.suggestions import did_you_mean

    names = [source.workflow.name for source in sources]
    hint = did_you_mean(workflow, names) or f"it has {', '.join(names)}"
    raise CommandError(f"there is no workflow '{workflow}' in {name}; {hint}", Exit.NOT_FOUND)


def _with_started(source: Source, beside: list[Source]) -> Source:
    from durable_runtime.client.definitions import started_by

    found = {source.graph.workflow: source}
    by_name = {each.graph.workflow: each for each in beside}
    to_look_at = [source]
    while to_look_at:
        for name in started_by(to_look_at.pop().graph):
            if name in by_name and name not in found:
                found[name] = by_name[name]
                to_look_at.append(by_name[name])
    return replace(source, started=tuple(each for each in found.values() if each is not source))


def list_workflows(name: str) -> list[Source]:
    """Reads every workflow of a YAML file, a Python file or an importable module, at least one."""
    project = use_project()
    path = Path(name)
    if path.is_file():
        return _of_module(_import_file(path, project), name) if path.suffix == ".py" else _of_file(name)
    if path.is_dir():
        raise CommandError(f"{name} is a folder; name the file of a workflow", Exit.USAGE)
    if _MODULE.fullmatch(name) and path.suffix not in _YAML:
        return _of_module(_import(name, name), name)
    raise CommandError(f"there is no file {name}{_similar_file(path)}", Exit.NOT_FOUND)


def check_calls(source: Source) -> None:
    """Imports everything that a workflow calls; raises `DslError` for each call that is not there or does not fit."""
    from durable_dsl import DslError
    from durable_dsl.checks import check_imports
    from durable_dsl.loader import add_source_lines

    problems = check_imports(source.graph, source.workflow)
    if problems:
        raise DslError(add_source_lines(problems, source.text) if source.text else problems)


def _of_file(name: str) -> list[Source]:
    from durable_dsl import load_document
    from durable_dsl.loader import read_file
    from durable_dsl.pipeline import build_text

    try:
        text = read_file(name)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}", Exit.NOT_FOUND) from None
    graphs, warnings = build_text(text, name)
    return _beside(load_document(text, name), graphs, text, warnings)


def _beside(workflows: list[Workflow], graphs: list[Graph], text: str, warnings: list[Problem]) -> list[Source]:
    found = [Source(workflow, graph, text) for workflow, graph in zip(workflows, graphs, strict=True)]
    return [replace(found[0], warnings=tuple(warnings)), *found[1:]]


def _of_module(module: ModuleType, name: str) -> list[Source]:
    from durable_dsl import workflows_of
    from durable_dsl.pipeline import build

    workflows = workflows_of(module)
    if not workflows:
        raise CommandError(
            f"there is no workflow in {name}; assign one to a public name: flow = workflow(...)", Exit.NOT_FOUND
        )
    graphs, warnings = build(workflows)
    return _beside(workflows, graphs, "", warnings)


def _import_file(path: Path, project: Path) -> ModuleType:
    """Imports a Python file under the name by which a worker will import it too."""
    resolved = path.resolve()
    for root in (project.resolve(), Path.cwd().resolve()):
        if resolved.is_relative_to(root):
            inside = resolved.relative_to(root).with_suffix("")
            parts = inside.parts[:-1] if inside.name == "__init__" else inside.parts
            name = ".".join(parts)
            if _MODULE.fullmatch(name):
                return _import(name, str(path))
            raise CommandError(f"{path} cannot be imported: '{name}' is no module name", Exit.INVALID)
    raise CommandError(
        f"{path} is outside of the project folder {project}, so a worker could not import it; run from its own project",
        Exit.INVALID,
    )


def _import(name: str, shown: str) -> ModuleType:
    from durable_dsl import DslError

    try:
        return importlib.import_module(name)
    except DslError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise CommandError(
                f"there is neither a file nor a module {shown}{_similar_file(Path(shown))}", Exit.NOT_FOUND
            ) from None
        raise CommandError(f"importing {shown} failed: {error}", Exit.INVALID) from None
    except (Exception, SystemExit) as error:  # the top of a module is any code
        frames = traceback.extract_tb(sys.exc_info()[2])
        place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        raise CommandError(f"importing {shown} failed: {type(error).__name__}: {error}{place}", Exit.INVALID) from None


def _similar_file(path: Path) -> str:
    from durable_dsl.suggestions import find_similar

    folder = path.parent
    try:
        names = [each.name for each in folder.iterdir() if each.suffix in (*_YAML, ".py")]
    except OSError:
        return "" if folder == Path() else f"; the folder {folder} is not there either"
    similar = find_similar(path.name, names)
    return f"; did you mean {folder / similar}?" if similar is not None else ""
