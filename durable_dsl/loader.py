"""YAML text and files to workflows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from durable_dsl.document import Workflow
from durable_dsl.errors import DslError, Problem
from durable_dsl.reading import read_workflow
from durable_dsl.suggestions import did_you_mean
from durable_dsl.yaml_text import read_yaml, split_lines


def load(source: str | Path, workflow: str | None = None) -> Workflow:
    """Reads a workflow from a YAML file: the one of this name, or the first, which is the file's default.

    Raises `DslError` with every problem of the file, and `FileNotFoundError` and other `OSError`s as they come.
    """
    file = str(source)
    workflows = load_document(read_file(source), file)
    if workflow is None:
        return workflows[0]
    names = [each.name for each in workflows]
    if workflow not in names:
        hint = did_you_mean(workflow, names) or f"it holds {', '.join(names)}"
        raise DslError([Problem("W041", f"there is no workflow '{workflow}' in this file", file, hint=hint)])
    return workflows[names.index(workflow)]


def load_document(text: str, file: str = "<input>") -> list[Workflow]:
    """Reads every workflow of a text, at least one. Raises `DslError` with all problems of all documents."""
    workflows, problems = read_documents(text, file)
    if problems:
        raise DslError(problems)
    return workflows


def read_documents(text: str, file: str = "<input>") -> tuple[list[Workflow], list[Problem]]:
    """Reads every workflow of a text and gives them with all problems, in the order of the text; raises nothing.

    With problems, the workflows are those that are good enough to look for more.
    """
    each = read_each(text, file)
    workflows = [workflow for workflow, _ in each if workflow is not None]
    return workflows, add_source_lines((problem for _, found in each for problem in found), text)


def read_each(text: str, file: str = "<input>") -> list[tuple[Workflow | None, list[Problem]]]:
    """Reads every document of a text and gives each with its own problems, which show no lines yet; raises nothing."""
    documents = read_yaml(text, file)
    if not documents:
        hint = "a document begins with 'workflow: name'"
        return [(None, [Problem("W015", "there is no workflow here", file, hint=hint)])]
    each: list[tuple[Workflow | None, list[Problem]]] = []
    named: dict[str, Workflow] = {}
    for document in documents:
        workflow, found = read_workflow(document.value, document.places, file)
        problems = first_at_each_place(document.problems, found)
        if workflow is not None and workflow.name:
            first = named.setdefault(workflow.name, workflow)
            at = workflow.at
            if first is not workflow and first.at is not None and at is not None:
                message = f"there are two workflows called '{workflow.name}' in this file"
                hint = f"the first is in line {first.at.line}"
                problems.append(Problem("W040", message, file, at.line, at.column, hint, at.width))
        problems.sort(key=lambda problem: (problem.line, problem.column))
        each.append((workflow, problems))
    return each


def read_file(source: str | Path) -> str:
    """Reads a file's text. Raises `DslError` where it is not UTF-8, and `OSError`s as they come."""
    raw = Path(source).read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = split_lines(raw[: error.start].decode("utf-8-sig"))
        message = f"the file is not UTF-8: byte 0x{raw[error.start]:02X} cannot stand here"
        problem = Problem("W011", message, str(source), len(before), len(before[-1]) + 1, "save it as UTF-8")
        raise DslError([problem]) from None


def first_at_each_place(*stages: Iterable[Problem]) -> list[Problem]:
    """Joins the problems of several stages; a later stage says nothing about a place where an earlier one has."""
    kept: list[Problem] = []
    for stage in stages:
        taken = {(problem.line, problem.column) for problem in kept if problem.line}
        kept += [problem for problem in stage if (problem.line, problem.column) not in taken]
    return kept


def add_source_lines(problems: Iterable[Problem], text: str) -> list[Problem]:
    """Puts into each problem the line it stands in, which is shown below its message."""
    lines = split_lines(text.removeprefix("\ufeff"))
    return [
        replace(problem, source_line=lines[problem.line - 1])
        if problem.source_line is None and 0 < problem.line <= len(lines)
        else problem
        for problem in problems
    ]
