"""The whole way from a text or a document to graphs, with the problems of all its stages at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from durable_dsl.checks import check as check_graph
from durable_dsl.checks import check_imports, check_names
from durable_dsl.compiler import compile_workflow
from durable_dsl.document import Workflow
from durable_dsl.errors import DslError, Problem
from durable_dsl.graph import Graph
from durable_dsl.loader import add_source_lines, first_at_each_place, read_each, read_file


def load_graphs(source: str | Path) -> list[Graph]:
    """Reads, compiles and checks every workflow of a YAML file; the first is the file's default.

    Raises `DslError` with every problem of any stage; `FileNotFoundError` and other `OSError`s come as they are.
    """
    return compile_text(read_file(source), str(source))


def compile_text(text: str, file: str = "<input>") -> list[Graph]:
    """Reads, compiles and checks every workflow of a YAML text; raises `DslError` with every problem."""
    return build_text(text, file)[0]


def build_text(text: str, file: str = "<input>") -> tuple[list[Graph], list[Problem]]:
    """Gives the graphs of a YAML text with its warnings; raises `DslError` when there is more than warnings."""
    graphs, problems = _build(text, file)
    return graphs, _warnings(problems)


def compile(workflow: Workflow) -> Graph:
    """Compiles and checks a workflow from `load` or from the Python builder; raises `DslError` with every problem."""
    return build([workflow])[0][0]


def build(workflows: Sequence[Workflow]) -> tuple[list[Graph], list[Problem]]:
    """Gives the graphs of workflows that stand beside each other with their warnings; raises `DslError` for more."""
    built = [(*_compile(workflow), workflow) for workflow in workflows]
    problems = [problem for _graph, found, _workflow in built for problem in found]
    whole = [(graph, workflow) for graph, _found, workflow in built if graph is not None]
    if len(whole) == len(built):
        problems += check_names(whole)
    warnings = _warnings(problems)
    return [graph for graph, _workflow in whole], warnings


def _warnings(problems: list[Problem]) -> list[Problem]:
    if any(problem.severity == "error" for problem in problems):
        raise DslError(problems)
    return problems


def check(source: str | Path, *, imports: bool = False) -> list[Problem]:
    """Gives every problem of a YAML file in the order of the text; none, or only warnings, means that it can run.

    With `imports` the functions it calls are imported, which runs their modules, and their parameters checked. A file
    that is not UTF-8 is a problem too; `FileNotFoundError` and other `OSError`s come as they are.
    """
    try:
        text = read_file(source)
    except DslError as error:
        return list(error.problems)
    return check_text(text, str(source), imports=imports)


def check_text(text: str, file: str = "<input>", *, imports: bool = False) -> list[Problem]:
    """Gives every problem of a YAML text in the order of the text, as `check` does; raises nothing."""
    return _build(text, file, imports)[1]


def _build(text: str, file: str, imports: bool = False) -> tuple[list[Graph], list[Problem]]:
    graphs: list[Graph] = []
    built: list[tuple[Graph, Workflow]] = []
    problems: list[Problem] = []
    for workflow, found in read_each(text, file):
        if workflow is not None:
            # What could not be read stands as a placeholder in the document. Expressions and targets beside it are
            # still worth compiling, but what the whole graph looks like can only be told of a whole document.
            graph, later = compile_workflow(workflow) if found else _compile(workflow, imports)
            found = first_at_each_place(found, later)
            if graph is not None:
                graphs.append(graph)
                built.append((graph, workflow))
        problems += sorted(found, key=lambda problem: (problem.line, problem.column))
    if not problems:
        problems = check_names(built)
    return graphs, add_source_lines(problems, text)


def _compile(workflow: Workflow, imports: bool = False) -> tuple[Graph | None, list[Problem]]:
    graph, problems = compile_workflow(workflow)
    if graph is None:
        return None, problems
    problems = problems + check_graph(graph, workflow)
    if imports:
        problems += check_imports(graph, workflow)
    return graph, problems
