"""`durable validate`: every mistake of every file at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.exits import CommandError, Ended, Exit
from durable_runtime.cli.output import print_json, print_text, printable, say
from durable_runtime.cli.project import MARKER
from durable_runtime.cli.settings import Settings, pass_settings, talking_options

if TYPE_CHECKING:
    from durable_dsl import Problem
    from durable_runtime.cli.sources import Source

_BEGINS_WORKFLOW = re.compile(r"^workflow[ \t]*:", re.MULTILINE)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--imports", is_flag=True, help="Also import everything that is called, and compare its parameters.")
@talking_options
@pass_settings
def validate(settings: Settings, paths: tuple[str, ...], imports: bool) -> None:
    """Show every mistake in workflow files.

    PATH is a YAML file, a Python file or module, or a folder, in which all YAML files with a workflow are looked at.
    """
    files = list(_list_files(paths))
    reports = [_report(file, imports) for file in files]
    problems = [problem for _file, _sources, found in reports for problem in found]
    if settings.json:
        print_json({"valid": not problems, "files": [_plain_report(*report) for report in reports]})
    else:
        for problem in problems:
            print_text(printable(str(problem)))
    wrong = sum(1 for _file, _sources, found in reports if found)
    if problems:
        say(settings, f"{_count(len(problems), 'problem')} in {wrong} of {_count(len(files), 'file')}")
        raise Ended(Exit.INVALID)
    workflows = sum(len(sources) for _file, sources, _found in reports)
    say(settings, f"{_count(len(files), 'file')} with {_count(workflows, 'workflow')}: no problems")


def _list_files(paths: Sequence[str]) -> Iterator[str]:
    """Yields what to look at, each once. A folder's YAML files count where a line begins with `workflow:`."""
    seen = set()
    for path in paths:
        if not os.path.isdir(path):
            found = [path]
        else:
            found = sorted(_workflow_files(path))
            if not found:
                raise CommandError(f"there is no YAML file with a workflow below {path}", Exit.NOT_FOUND)
        for file in found:
            if os.path.realpath(file) not in seen:
                seen.add(os.path.realpath(file))
                yield file


def _workflow_files(top: str) -> Iterator[str]:
    for folder, inner, names in os.walk(top):
        inner[:] = [name for name in inner if not name.startswith((".", "__")) and name != "node_modules"]
        for name in names:
            file = Path(folder, name)
            if file.suffix not in (".yaml", ".yml") or name == MARKER:
                continue
            try:
                text = file.read_bytes().decode(errors="replace")
            except OSError as error:
                raise CommandError(f"{file} cannot be read: {error.strerror}", Exit.NOT_FOUND) from None
            if _BEGINS_WORKFLOW.search(text):
                yield str(file)


def _report(file: str, imports: bool) -> tuple[str, list[Source], list[Problem]]:
    from durable_dsl import DslError
    from durable_runtime.cli.sources import check_calls, list_workflows

    try:
        sources = list_workflows(file)
    except DslError as error:
        return file, [], list(error.problems)
    problems: list[Problem] = []
    for source in sources if imports else ():
        try:
            check_calls(source)
        except DslError as error:
            problems += error.problems
    return file, sources, problems


def _plain_report(file: str, sources: list[Source], problems: list[Problem]) -> dict[str, Any]:
    fields = ("code", "message", "file", "line", "column", "width", "hint")
    return {
        "file": file,
        "workflows": [{"name": source.graph.workflow, "version": source.graph.version} for source in sources],
        "problems": [{field: getattr(problem, field) for field in fields} for problem in problems],
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
