"""`durable count`, `inspect`, `explain`, `logs`: what executions are doing, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.executions import show
from durable_runtime.cli.filters import filter_options, filters_of
from durable_runtime.cli.output import (
    one_line,
    paint_status,
    pretty_json,
    print_json,
    print_table,
    print_text,
    printable,
)
from durable_runtime.cli.schema import explain_code
from durable_runtime.cli.settings import Settings, database_options, pass_settings
from durable_runtime.cli.steps import log_line

if TYPE_CHECKING:
    from durable_runtime.client import Execution, Progress
    from durable_runtime.store.seen import LogLine, PublishedValue

FOLLOW = 0.5
"""Seconds between two looks of `logs --follow`."""


@click.command()
@filter_options
@database_options
@pass_settings
def count(settings: Settings, /, **options: Any) -> None:
    """Count executions by status."""

    async def fetch() -> dict[str, int]:
        async with connect(settings) as durable:
            return await durable.count_executions(**filters_of(options))

    found = run_async(fetch())
    if settings.json:
        print_json({"counts": found, "total": sum(found.values())})
    else:
        print_table(("status", "executions"), [(paint_status(each), str(number)) for each, number in found.items()])


_LEVELS = ("debug", "stdout", "stderr", "info", "warning", "error")


@click.command()
@click.argument("execution", metavar="ID")
@database_options
@pass_settings
def inspect(settings: Settings, execution: str) -> None:
    """Show everything there is of an execution: why it is where it is, how far, its steps, its log."""

    async def fetch() -> tuple[Execution, list[str], Progress, list[PublishedValue]]:
        async with connect(settings) as durable:
            return (
                await durable.get_execution(execution, include_steps=True, include_logs=True),
                await durable.explain(execution),
                await durable.progress(execution),
                await durable.list_values(execution),
            )

    found, reasons, progress, values = run_async(fetch())
    if settings.json:
        counts = {"done": progress.done, "total": progress.total, "items": progress.items, "turns": progress.turns}
        shown = {each.name: each.value for each in values}
        print_json({"execution": found.to_json(), "explanation": reasons, "progress": counts, "values": shown})
        return
    print_text(f"{found.workflow} {found.id}: {printable('; '.join(reasons))}")
    items = "".join(f", {done} of {total} items of {id}" for id, (done, total) in progress.items.items())
    print_text(f"{progress.done} of {progress.total} nodes are done{items}")
    for each in values:
        print_text(f"{each.name}: {one_line(pretty_json(each.value))}")
    show(found)
    for line in found.logs or ():
        print_text(log_line(line))


@click.command()
@click.argument("what", metavar="ID|CODE")
@database_options
@pass_settings
def explain(settings: Settings, what: str) -> None:
    """Tell why an execution is where it is, or what a problem's code means: `durable explain W004`."""
    from durable_runtime.client.ids import find_id

    if find_id(what) is None:
        explain_code(settings, what)
        return

    async def fetch() -> list[str]:
        async with connect(settings) as durable:
            return await durable.explain(what)

    reasons = run_async(fetch())
    if settings.json:
        print_json({"id": what, "explanation": reasons})
    else:
        print_text("\n".join(map(printable, reasons)))


@click.command()
@click.argument("execution", metavar="ID")
@click.option("--level", type=click.Choice(_LEVELS), help="Only this level and above.")
@click.option("--node", metavar="PATH", help="Only this node and what lies inside of it.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the execution has ended.")
@database_options
@pass_settings
def logs(settings: Settings, execution: str, level: str | None, node: str | None, follow: bool) -> None:
    """Show what an execution logged, oldest line first.

    With --follow lines come as they are written; with --json too, one object for each look that found some.
    """
    import asyncio

    def show_lines(lines: list[LogLine]) -> None:
        if settings.json:
            plain = [{name: getattr(line, name) for name in line.__struct_fields__} for line in lines]
            print_json({"id": execution, "logs": plain})
        else:
            for line in lines:
                print_text(log_line(line))

    async def read() -> None:
        async with connect(settings) as durable:
            last = 0
            while True:
                # Asked first, so that what was logged before the end is read after it.
                ended = (await durable.get_execution(execution)).has_ended
                lines = await durable.get_logs(execution, level=level, node=node, after=last)
                if lines or not follow:
                    show_lines(lines)
                    last = lines[-1].id if lines else last
                if ended or not follow:
                    return
                await asyncio.sleep(FOLLOW)

    run_async(read())
