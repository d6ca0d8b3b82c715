"""`durable validate`: every mistake of every file at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.exits import Ended, Exit
from durable_runtime.cli.files import count, list_files
from durable_runtime.cli.output import plain_problem, print_json, print_text, printable, say
from durable_runtime.cli.settings import Settings, pass_settings, talking_options

if TYPE_CHECKING:
    from durable_dsl import Problem
    from durable_runtime.cli.sources import Source


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--imports", is_flag=True, help="Also import everything that is called, and compare its parameters.")
@click.option("--strict", is_flag=True, help="Take warnings for mistakes.")
@talking_options
@pass_settings
def validate(settings: Settings, paths: tuple[str, ...], imports: bool, strict: bool) -> None:
    """Show every mistake in workflow files, and what is probably not meant.

    PATH is a YAML file, a Python file or module, or a folder, in which all YAML files with a workflow are looked at.
    """
    files = list(list_files(paths))
    reports = [_report(file, imports) for file in files]
    problems = [problem for _file, _sources, found in reports for problem in found]
    wrong = [problem for problem in problems if strict or problem.severity == "error"]
    if settings.json:
        print_json({"valid": not wrong, "files": [_plain_report(*report) for report in reports]})
    else:
        for problem in problems:
            print_text(printable(str(problem)))
    if wrong:
        places = sum(1 for _file, _sources, found in reports if any(problem in wrong for problem in found))
        say(settings, f"{count(len(wrong), 'problem')} in {places} of {count(len(files), 'file')}")
        raise Ended(Exit.INVALID)
    workflows = sum(len(sources) for _file, sources, _found in reports)
    told = count(len(problems), "warning") if problems else "no problems"
    say(settings, f"{count(len(files), 'file')} with {count(workflows, 'workflow')}: {told}")


def _report(file: str, imports: bool) -> tuple[str, list[Source], list[Problem]]:
    from durable_dsl import DslError
    from durable_runtime.cli.sources import check_calls, list_workflows

    try:
        sources = list_workflows(file)
    except DslError as error:
        return file, [], list(error.problems)
    problems = [warning for source in sources for warning in source.warnings]
    for source in sources if imports else ():
        try:
            check_calls(source)
        except DslError as error:
            problems += error.problems
    return file, sources, problems


def _plain_report(file: str, sources: list[Source], problems: list[Problem]) -> dict[str, Any]:
    return {
        "file": file,
        "workflows": [{"name": source.graph.workflow, "version": source.graph.version} for source in sources],
        "problems": [plain_problem(problem) for problem in problems],
    }
