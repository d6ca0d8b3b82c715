"""`durable convert`: workflows in YAML as Python, in Python as YAML."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.output import print_json, print_text, say
from durable_runtime.cli.settings import Settings, pass_settings, talking_options

if TYPE_CHECKING:
    from durable_dsl import Workflow


@click.command()
@click.argument("file")
@click.option("--to", type=click.Choice(["python", "yaml"]), help="Default: the other one.")
@click.option("--output", "-o", metavar="FILE", help="Write here instead of to stdout.")
@talking_options
@pass_settings
def convert(settings: Settings, file: str, to: str | None, output: str | None) -> None:
    """Write workflows in YAML as Python, or in Python as YAML.

    FILE is a YAML file, a Python file or a module. The result is the same workflows, the same versions too. A function
    that can be imported is imported in Python; others stay texts. Comments are not part of a workflow and stay behind.
    """
    from durable_runtime.cli.sources import list_workflows

    sources = list_workflows(file)
    target = to or ("python" if sources[0].text else "yaml")
    workflows = [source.workflow for source in sources]
    if target == "yaml":
        text = "---\n".join(workflow.to_yaml() for workflow in workflows)
        unknown: list[str] = []
    else:
        text, unknown = _as_python(workflows)
    if settings.json:
        print_json({"language": target, "text": text, "not_imported": unknown})
    if output is not None and output != "-":
        _write(output, text)
        say(settings, f"wrote {output}")
    elif not settings.json:
        print_text(text, end="")
    for path in unknown:
        say(settings, f"{path} cannot be imported from here, so it stays a text")


def _as_python(workflows: list[Workflow]) -> tuple[str, list[str]]:
    """Gives the module, of which it is certain that it builds the same workflows, and the paths left as texts."""
    from durable_dsl import DslError, workflows_of
    from durable_dsl.python_text import write_python

    known: dict[str, bool] = {}

    def is_function(path: str) -> bool:
        if path not in known:
            known[path] = _is_function(path)
        return known[path]

    text = write_python(workflows, is_function)
    module = ModuleType("converted")
    try:
        exec(compile(text, "<converted>", "exec"), module.__dict__)
        same = [built.to_plain() for built in workflows_of(module)] == [each.to_plain() for each in workflows]
    except (TypeError, DslError) as error:
        raise CommandError(f"something in these workflows has no form in Python yet: {error}", Exit.INVALID) from None
    if not same:
        raise RuntimeError("the Python for these workflows would mean something else")
    return text, [path for path, found in known.items() if not found]


def _is_function(path: str) -> bool:
    """Tells whether a path leads to a function that knows itself by just that path, as the builder asks it."""
    from importlib import import_module

    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except (Exception, SystemExit):  # the top of a module is any code
        return False
    return callable(found) and f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}" == path


def _write(output: str, text: str) -> None:
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}", Exit.USAGE) from None
