"""`durable run`: an execution from start to end in this process, with a view of what happens."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.exits import CommandError, Ended, Exit
from durable_runtime.cli.inputs import read_input
from durable_runtime.cli.log import show_log
from durable_runtime.cli.output import complain, error_text, pretty_json, print_json, print_text, say, span
from durable_runtime.cli.settings import Settings, database_options, pass_settings
from durable_runtime.cli.signals import on_interrupt
from durable_runtime.cli.sources import check_calls, get_workflow
from durable_runtime.cli.sql_databases import addresses_of, sql_databases_option
from durable_runtime.cli.start import input_options

if TYPE_CHECKING:
    from asyncio import Task

    from durable_dsl import Graph
    from durable_dsl.graph import Node
    from durable_runtime.cli.views import View
    from durable_runtime.client import AsyncDurable, Execution
    from durable_runtime.worker import WorkerReport

REFRESH = 0.1
"""Seconds between two looks at the execution, unless looking takes so long that it would get in the way."""


@dataclass(frozen=True)
class Left:
    """How the run left its execution."""

    execution: Execution
    deferred: bool
    interrupted: bool
    timed_out: bool


@click.command()
@click.argument("file")
@input_options
@click.option("--timeout", metavar="DURATION", help="Stop watching after this long (30s, 5m) and end with code 6.")
@click.option("--allow-shell", is_flag=True, help="Run the programs of `shell` steps.")
@sql_databases_option
@database_options
@pass_settings
def run(
    settings: Settings,
    file: str,
    pairs: tuple[str, ...],
    whole: str | None,
    workflow: str | None,
    queue: str | None,
    priority: int | None,
    id: str | None,
    timeout: str | None,
    allow_shell: bool,
    sql_databases: tuple[str, ...],
) -> None:
    """Run a workflow here and now, and print its output.

    FILE is a YAML file, or a Python file or module. What happens is shown on stderr, the output is JSON on stdout.
    Whatever ends this process, Ctrl-C and kill -9 included, `durable worker --until-idle` goes on from the last
    checkpoint.
    """
    given = read_input(whole, pairs)
    limit = None if timeout is None else _span(timeout)
    source = get_workflow(file, workflow)
    databases = addresses_of(sql_databases)
    for each in (source, *source.started):
        check_calls(each)
    if not allow_shell and any(runs_programs(node) for graph in source.graphs for node in graph.walk_all()):
        raise click.UsageError("this workflow runs programs of this machine; say --allow-shell if it may")
    if missing := [name for graph in source.graphs for name in graph.secrets if not os.environ.get(name)]:
        hint = f"export {missing[0]}=…"
        raise CommandError(
            f"this workflow needs the secret {missing[0]}, and no such variable is set; {hint}", Exit.USAGE
        )
    show_log(logging.ERROR if settings.quiet else logging.WARNING)

    async def begin(durable: AsyncDurable) -> str:
        return await durable.start(source.graphs, given, queue=queue, priority=priority, id=id)

    tell(settings, run_async(_run(settings, source.graph, begin, limit, allow_shell=allow_shell, databases=databases)))


def runs_programs(node: Node) -> bool:
    """Tells whether a node is a step with a program."""
    from durable_dsl.graph import Shell, Step

    return isinstance(node, Step) and isinstance(node.action, Shell)


async def _run(
    settings: Settings,
    graph: Graph,
    begin: Callable[[AsyncDurable], Awaitable[str]],
    limit: timedelta | None,
    *,
    allow_shell: bool,
    databases: dict[str, str],
) -> Left:
    import asyncio

    from durable_runtime.cli.views import open_view

    async with connect(settings) as durable:
        id = await begin(durable)
        say(settings, f"execution {id}")
        worker = durable.worker(only=[id], name="durable run", allow_shell=allow_shell, databases=databases)
        timed_out = False

        def give_up() -> None:
            nonlocal timed_out
            timed_out = True
            worker.stop()

        timer = None if limit is None else asyncio.get_running_loop().call_later(limit.total_seconds(), give_up)
        with open_view(settings, graph) as view, on_interrupt(worker.stop) as interrupted:
            work = asyncio.create_task(worker.run(until_idle=True))
            try:
                await _watch(durable, id, work, view)
            except Exception:
                worker.stop()
                await asyncio.wait({work})
                raise
            finally:
                if timer is not None:
                    timer.cancel()
        report = await work
        return Left(await durable.get_execution(id), report.deferred > 0, interrupted(), timed_out)


async def _watch(durable: AsyncDurable, id: str, work: Task[WorkerReport], view: View) -> None:
    """Shows the execution again and again until the worker is done, and once more then."""
    import asyncio

    from durable_runtime.errors import DatabaseUnavailable

    clock = asyncio.get_running_loop().time
    while True:
        is_last = work.done()
        began = clock()
        try:
            await view.refresh(durable, id)
        except DatabaseUnavailable as error:
            # The worker waits for it to come back, and so do we.
            view.note(f"the database does not answer: {error}")
        if is_last:
            return
        await asyncio.wait({work}, timeout=max(REFRESH, 10 * (clock() - began)))


def tell(settings: Settings, left: Left) -> None:
    """Prints how a run ended; raises `Ended` with its code unless the execution completed."""
    found = left.execution
    if settings.json:
        print_json({"execution": found.to_json()})
    elif found.status == "completed":
        print_text(pretty_json(found.output))
    if found.status == "completed":
        return
    if found.has_ended:
        reason = f": {error_text(found.error)}" if found.error else ""
        ended = "was cancelled" if found.status == "cancelled" else "failed"
        complain(f"error: execution {found.id} {ended}{reason}{_UNDONE.get(found.status, '')}")
        say(settings, f"look at it: durable status {found.id}")
        raise Ended(Exit.FAILED)
    _tell_unfinished(settings, left)


_UNDONE = {
    "compensated": "; what it had completed is undone",
    "compensation_failed": "; not all that it had completed could be undone",
}


def _tell_unfinished(settings: Settings, left: Left) -> NoReturn:
    id = left.execution.id
    again = f"look at it: durable status {id}\nfinish it:  durable worker --until-idle"
    if left.interrupted:
        complain(f"interrupted; what is finished is stored\n{again}")
        raise Ended(Exit.INTERRUPTED)
    if left.timed_out:
        complain(f"the time is up, and the execution is {left.execution.status}; what is finished is stored\n{again}")
        raise Ended(Exit.TIMED_OUT)
    if left.deferred:
        complain(f"error: execution {id} needs a function or a secret that this process has not, see above\n{again}")
        raise Ended(Exit.INVALID)
    complain(
        f"execution {id} waits for an event or a person\n"
        f"what for:   durable pending --execution {id}\n"
        "when it came, finish it: durable worker --until-idle"
    )
    raise Ended(Exit.WAITING)


def _span(text: str) -> timedelta:
    from durable_dsl import DurationError, parse_duration

    try:
        limit = parse_duration(text)
    except DurationError as error:
        raise click.UsageError(f"--timeout: {error}") from None
    if limit <= timedelta():
        raise click.UsageError(f"--timeout: {span(0)} leaves no time")
    return limit
