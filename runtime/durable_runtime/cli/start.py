"""`durable start`: an execution for some worker."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.inputs import read_input
from durable_runtime.cli.output import print_json, print_text, say
from durable_runtime.cli.settings import Settings, database_options, pass_settings
from durable_runtime.cli.sources import get_workflow

Command = TypeVar("Command", bound=Callable[..., Any])
_STORED_NAME = re.compile(r"[a-z][a-z0-9_]*")

INPUT_OPTIONS = (
    click.option(
        "-i", "pairs", multiple=True, metavar="KEY=VALUE", help="One input: key=text, or key:=JSON. Repeatable."
    ),
    click.option("--input", "whole", metavar="JSON", help="The whole input: JSON, @file, or - for stdin."),
    click.option("--workflow", "-w", metavar="NAME", help="Which workflow of the file. Default: the first."),
    click.option("--queue", metavar="NAME", help="The queue. Default: the workflow's."),
    click.option("--priority", type=int, metavar="N", help="Higher runs first. Default: the workflow's."),
    click.option("--id", "id", metavar="UUID", help="The id of the execution. Default: a new one."),
)


def input_options(command: Command) -> Command:
    """Adds the options that say what to start."""
    for option in reversed(INPUT_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("file")
@input_options
@click.option("--at", "scheduled_at", metavar="TIME", help="Not before this: an ISO 8601 time with a zone.")
@database_options
@pass_settings
def start(
    settings: Settings,
    file: str,
    pairs: tuple[str, ...],
    whole: str | None,
    workflow: str | None,
    queue: str | None,
    priority: int | None,
    id: str | None,
    scheduled_at: str | None,
) -> None:
    """Start an execution and print its id; a worker runs it.

    FILE is a YAML file, a Python file or module, or the name of a workflow that was started before.
    """
    given = read_input(whole, pairs)
    at = None if scheduled_at is None else _instant(scheduled_at)
    source = _find_source(file, workflow)

    async def begin() -> str:
        async with connect(settings) as durable:
            return await durable.start(source, given, queue=queue, priority=priority, scheduled_at=at, id=id)

    started = run_async(begin())
    if settings.json:
        print_json({"id": started})
        return
    print_text(started)
    say(settings, f"run it: durable worker --until-idle\nlook at it: durable status {started}")


def _find_source(file: str, workflow: str | None) -> Any:
    """Gives the graphs of a file or module, or the name of a stored workflow where there is neither."""
    try:
        return get_workflow(file, workflow).graphs
    except CommandError as error:
        if error.exit is not Exit.NOT_FOUND or workflow is not None or not _STORED_NAME.fullmatch(file):
            raise
        return file


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--at takes a time such as 2031-05-01T12:00:00+02:00, not '{text}'") from None
    if at.tzinfo is None:
        raise click.UsageError(f"--at needs a zone, since workers stand in different ones: {text}Z or {text}+02:00")
    return at
