"""`durable worker`: a process that runs executions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from durable_runtime.cli.connection import connect, ease_collection, run_async
from durable_runtime.cli.exits import Ended, Exit
from durable_runtime.cli.log import show_log
from durable_runtime.cli.output import print_json, say
from durable_runtime.cli.project import use_project
from durable_runtime.cli.settings import Settings, database_options, pass_settings
from durable_runtime.cli.signals import on_interrupt
from durable_runtime.cli.sql_databases import addresses_of, sql_databases_option

if TYPE_CHECKING:
    from durable_runtime.worker import WorkerReport


@click.command()
@click.option("--until-idle", is_flag=True, help="End when nothing is left that will run by itself.")
@click.option(
    "--queue", "queues", multiple=True, metavar="NAME[=LIMIT]", help="Only this queue. Repeatable. Default: all."
)
@click.option("--concurrency", "-c", type=click.IntRange(1, 10_000), metavar="N", help="Executions at once.")
@click.option("--name", metavar="NAME", help="How others see this worker. Default: host and process.")
@click.option("--allow-shell", is_flag=True, help="Run the programs of `shell` steps.")
@click.option("--capture-output", is_flag=True, help="Make what steps print a part of their log.")
@sql_databases_option
@database_options
@pass_settings
def worker(
    settings: Settings,
    until_idle: bool,
    queues: tuple[str, ...],
    concurrency: int | None,
    name: str | None,
    allow_shell: bool,
    capture_output: bool,
    sql_databases: tuple[str, ...],
) -> None:
    """Run executions until Ctrl-C or SIGTERM.

    Takes over what workers that died have left. With --until-idle it waits for that, for timers and for retries, but
    not for events or people. Names under `call:` are looked up from the project folder.
    """
    limits = _limits(queues)
    databases = addresses_of(sql_databases)
    project = use_project()
    show_log(logging.WARNING if settings.quiet else logging.INFO)

    async def work() -> tuple[WorkerReport, bool]:
        async with connect(settings) as durable:
            found = durable.worker(
                queues=limits,
                concurrency=concurrency,
                name=name,
                allow_shell=allow_shell,
                capture_output=capture_output,
                databases=databases,
            )
            say(settings, f"worker {found.name} runs {_served(limits)} with the modules of {project}")
            ease_collection()
            with on_interrupt(found.stop) as interrupted:
                return await found.run(until_idle=until_idle), interrupted()

    report, interrupted = run_async(work())
    counts = {name: getattr(report, name) for name in report.__struct_fields__}
    if settings.json:
        print_json({"report": counts})
    else:
        said = [f"{number} {status}" for status, number in counts.items() if number and status != "waiting"]
        nothing = "nothing to do" if until_idle and not interrupted else "nothing has ended"
        say(settings, f"the worker has ended: {', '.join(said) or nothing}")
    # Whoever stops a worker that has no end of its own gets what they asked for.
    if interrupted and until_idle:
        raise Ended(Exit.INTERRUPTED)


def _limits(queues: Sequence[str]) -> dict[str, int] | None:
    """Reads `name` and `name=limit`; None serves every queue."""
    limits: dict[str, int] = {}
    for queue in queues:
        name, equals, limit = queue.partition("=")
        if not name or (equals and not (limit.isascii() and limit.isdigit() and int(limit))):
            raise click.UsageError(f"--queue takes a name, or name=limit with a limit from 1 on, not '{queue}'")
        limits[name] = int(limit) if equals else _NO_LIMIT
    return limits or None


_NO_LIMIT = 10_000
"""What a queue without a limit of its own gets; the worker's concurrency bounds it first."""


def _served(limits: dict[str, int] | None) -> str:
    if limits is None:
        return "every queue"
    shown = [name if limit == _NO_LIMIT else f"{name} ({limit} at once)" for name, limit in limits.items()]
    return f"the queue {shown[0]}" if len(shown) == 1 else f"the queues {', '.join(shown)}"
