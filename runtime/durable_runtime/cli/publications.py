"""`durable get-value`: what executions show while they run."""

from __future__ import annotations

from typing import Any

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.filters import span_of
from durable_runtime.cli.output import pretty_json, print_json, print_text, printable
from durable_runtime.cli.settings import Settings, database_options, pass_settings


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
