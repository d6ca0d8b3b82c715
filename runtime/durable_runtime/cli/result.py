"""`durable result` and `durable workers`: waiting for what others run, and who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.filters import span_of
from durable_runtime.cli.output import moment, pretty_json, print_json, print_table, print_text, printable
from durable_runtime.cli.settings import Settings, database_options, pass_settings

if TYPE_CHECKING:
    from durable_runtime.store.seen import WorkerRow


@click.command()
@click.argument("execution", metavar="ID")
@click.option("--timeout", metavar="SPAN", help="Wait at most so long: 30s; 0s looks once. Default: for ever.")
@database_options
@pass_settings
def result(settings: Settings, execution: str, timeout: str | None) -> None:
    """Wait until an execution has ended, and print its output.

    Some worker runs it. Ends with 1 when it failed or was cancelled, with 6 when the time is up.
    """
    longest = span_of(timeout, "--timeout")

    async def fetch() -> Any:
        async with connect(settings) as durable:
            return await durable.result(execution, longest)

    output = run_async(fetch())
    if settings.json:
        print_json({"id": execution, "output": output})
    else:
        print_text(pretty_json(output))


@click.command()
@database_options
@pass_settings
def workers(settings: Settings) -> None:
    """List the workers of the database, those that were lost and not yet taken over from too."""

    async def fetch() -> list[WorkerRow]:
        async with connect(settings) as durable:
            return await durable.list_workers()

    found = run_async(fetch())
    if settings.json:
        names = ("id", "name", "host", "pid", "queues", "started_at", "expires_at", "expired", "loop_lag", "executions")
        print_json({"workers": [{name: getattr(each, name) for name in names} for each in found]})
        return
    print_table(
        ("name", "host", "pid", "queues", "executions", "since", ""),
        [
            (
                printable(each.name),
                printable(each.host),
                str(each.pid),
                printable(", ".join(f"{queue}={limit}" for queue, limit in each.queues.items())) or "all",
                str(each.executions),
                moment(each.started_at),
                "lost" if each.expired else f"its loop is {each.loop_lag:.1f} s late" if each.loop_lag >= 1 else "",
            )
            for each in found
        ],
    )
