"""`durable start` and `start-many`: executions for some worker."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.filters import headers_of, instant, span_of
from durable_runtime.cli.inputs import read_input, read_inputs
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

AT_OPTION = click.option("--at", "scheduled_at", metavar="TIME", help="Not before this: an ISO 8601 time with a zone.")

KEY_OPTIONS = (
    click.option("--key", metavar="TEXT", help="Your name for it; a workflow has one execution with it."),
    click.option(
        "--on-conflict", type=click.Choice(("return", "reject")), default="return", help="When it has the key."
    ),
    click.option("--header", "headers", multiple=True, metavar="NAME=TEXT", help="A text to go with it. Repeatable."),
)


def input_options(command: Command) -> Command:
    """Adds the options that say what to start."""
    for option in reversed(INPUT_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("file")
@input_options
@AT_OPTION
@KEY_OPTIONS[0]
@KEY_OPTIONS[1]
@KEY_OPTIONS[2]
@click.option("--debounce", metavar="SPAN", help="Begin so long after the last start with the key: 30s.")
@click.option("--debounce-limit", metavar="SPAN", help="And at latest so long after the first: 5m.")
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
    key: str | None,
    on_conflict: Literal["return", "reject"],
    headers: tuple[str, ...],
    debounce: str | None,
    debounce_limit: str | None,
) -> None:
    """Start an execution and print its id; a worker runs it.

    FILE is a YAML file, a Python file or module, or the name of a workflow that was started before.
    """
    given = read_input(whole, pairs)
    at = None if scheduled_at is None else instant(scheduled_at, "--at")
    source = _find_source(file, workflow)

    async def begin() -> str:
        async with connect(settings) as durable:
            return await durable.start(
                source,
                given,
                queue=queue,
                priority=priority,
                scheduled_at=at,
                id=id,
                key=key,
                on_conflict=on_conflict,
                debounce=span_of(debounce, "--debounce"),
                debounce_limit=span_of(debounce_limit, "--debounce-limit"),
                headers=headers_of(headers) or None,
            )

    started = run_async(begin())
    if settings.json:
        print_json({"id": started})
        return
    print_text(started)
    say(settings, f"run it: durable worker --until-idle\nlook at it: durable status {started}")


@click.command("start-many")
@click.argument("file")
@click.argument("inputs")
@INPUT_OPTIONS[2]
@INPUT_OPTIONS[3]
@INPUT_OPTIONS[4]
@AT_OPTION
@KEY_OPTIONS[2]
@database_options
@pass_settings
def start_many(
    settings: Settings,
    file: str,
    inputs: str,
    workflow: str | None,
    queue: str | None,
    priority: int | None,
    scheduled_at: str | None,
    headers: tuple[str, ...],
) -> None:
    """Start an execution for each of INPUTS, all or none, and print their ids in the same order.

    INPUTS is a JSON list, or JSON with an object on each line: as it stands, @file, or - for stdin.
    """
    given = read_inputs(inputs)
    at = None if scheduled_at is None else instant(scheduled_at, "--at")
    source = _find_source(file, workflow)

    async def begin() -> list[str]:
        async with connect(settings) as durable:
            return await durable.start_many(
                source, given, queue=queue, priority=priority, scheduled_at=at, headers=headers_of(headers) or None
            )

    started = run_async(begin())
    if settings.json:
        print_json({"ids": started})
        return
    for id in started:
        print_text(id)
    say(settings, f"{len(started)} were started; run them: durable worker --until-idle")


def _find_source(file: str, workflow: str | None) -> Any:
    """Gives the graphs of a file or module, or the name of a stored workflow where there is neither."""
    try:
        return get_workflow(file, workflow).graphs
    except CommandError as error:
        if error.exit is not Exit.NOT_FOUND or workflow is not None or not _STORED_NAME.fullmatch(file):
            raise
        return file
