"""`durable get-value`, `stream`: what executions show while they run."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.filters import span_of
from durable_runtime.cli.output import pretty_json, print_json, print_text, printable, shows_unicode
from durable_runtime.cli.settings import Settings, database_options, pass_settings

if TYPE_CHECKING:
    from durable_runtime.store.streams import StreamItem


@click.command("get-value")
@click.argument("execution", metavar="ID")
@click.argument("name")
@click.option("--timeout", metavar="SPAN", help="How long to wait for it: 30s. Default: until it is there.")
@database_options
@pass_settings
def get_value(settings: Settings, execution: str, name: str, timeout: str | None) -> None:
    """Print the newest value of a name that an execution has published, once there is one."""
    span = span_of(timeout, "--timeout")

    async def fetch() -> Any:
        async with connect(settings) as durable:
            return await durable.get_value(execution, name, span)

    value = run_async(fetch())
    if settings.json:
        print_json({"id": execution, "name": name, "value": value})
    else:
        print_text(printable(value) if isinstance(value, str) else pretty_json(value))


@click.command()
@click.argument("execution", metavar="ID")
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on until the execution has ended.")
@database_options
@pass_settings
def stream(settings: Settings, execution: str, name: str, follow: bool) -> None:
    """Print what an execution has written into a stream, in order, a line for each value.

    With --follow lines come as they are written; with --json then one object for each.
    """

    def plain(item: StreamItem) -> dict[str, Any]:
        return {field: getattr(item, field) for field in item.__struct_fields__}

    async def read() -> None:
        found = []
        async with connect(settings) as durable:
            async for item in durable.read_stream(execution, name, follow=follow):
                if not settings.json:
                    print_text(printable(item.value) if isinstance(item.value, str) else line_of(item.value))
                elif follow:
                    print_json({"id": execution, "stream": name, "items": [plain(item)]})
                else:
                    found.append(plain(item))
        if settings.json and not follow:
            print_json({"id": execution, "stream": name, "items": found})

    run_async(read())


def line_of(value: Any) -> str:
    """Gives a value as JSON in one line."""
    return json.dumps(value, ensure_ascii=not shows_unicode(sys.stdout))
