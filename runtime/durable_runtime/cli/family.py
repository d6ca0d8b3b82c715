"""`durable family`: an execution with all that it started."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.output import paint_status, print_json, print_text, shows_unicode
from durable_runtime.cli.settings import Settings, database_options, pass_settings

if TYPE_CHECKING:
    from durable_runtime.client.family import Family


@click.command()
@click.argument("execution", metavar="ID")
@database_options
@pass_settings
def family(settings: Settings, execution: str) -> None:
    """Show an execution's family: the first of its line, and all that were started below it."""

    async def fetch() -> tuple[Family, str]:
        async with connect(settings) as durable:
            return await durable.family(execution), (await durable.get_execution(execution)).id

    found, id = run_async(fetch())
    if settings.json:
        print_json({"family": found.to_json()})
        return
    unicode = shows_unicode(sys.stdout)
    for line in _lines(found, id, ("├─ ", "└─ ", "│  ") if unicode else ("|- ", "`- ", "|  ")):
        print_text(line)


def _lines(found: Family, asked: str, rails: tuple[str, str, str], lead: str = "", below: str = "") -> Iterator[str]:
    between, last, through = rails
    one = found.execution
    workflow = click.style(one.workflow, bold=one.id == asked)
    path = f"{one.parent_path} " if one.parent_path else ""
    yield f"{lead}{path}{workflow}  {paint_status(one.status)}  {one.id}{'  <' if one.id == asked else ''}"
    for child in found.children:
        is_last = child is found.children[-1]
        rail = last if is_last else between
        yield from _lines(child, asked, rails, below + rail, below + ("   " if is_last else through))
