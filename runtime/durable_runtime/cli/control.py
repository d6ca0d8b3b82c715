"""`durable cancel`, `pause`, `resume`, `retry`, `set-result`, `fork`: how executions go on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.exits import Ended, Exit
from durable_runtime.cli.filters import ENDED, filter_options, filters_of
from durable_runtime.cli.inputs import read_json
from durable_runtime.cli.output import complain, print_json, print_text, say
from durable_runtime.cli.settings import Settings, database_options, pass_settings

if TYPE_CHECKING:
    from durable_runtime.client import AsyncDurable

Command = TypeVar("Command", bound=Callable[..., Any])

_REASON = click.option("--reason", metavar="TEXT", help="Why; it stands in the history.")
_BY = click.option("--by", metavar="WHO", help="Who asks; it stands in the history.")
_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask before many are concerned.")


def _one_or_many(command: Command) -> Command:
    """Adds an id, or else the filters, and who and why."""
    which = click.argument("execution", metavar="[ID]", required=False)
    options: list[Callable[[Any], Any]] = [_YES, _BY, _REASON, filter_options, which]
    for option in options:
        command = option(command)
    return database_options(command)


@click.command()
@click.option("--compensate", is_flag=True, help="Undo the steps that completed, where they say how.")
@_one_or_many
@pass_settings
def cancel(settings: Settings, /, execution: str | None, compensate: bool, **options: Any) -> None:
    """Cancel an execution, or all that the filters let through.

    Once this has returned they can no longer complete. Attempts that run are told to stop.
    """
    how = "is undone and ends" if compensate else "ends"
    rest: dict[str, Any] = {"compensate": True} if compensate else {}
    found = _control(settings, "cancel", execution, options, f"and {how} as cancelled; a worker sees to it", rest)
    if found in ENDED and found != "cancelled":
        raise Ended(Exit.FAILED)


@click.command()
@_one_or_many
@pass_settings
def pause(settings: Settings, /, execution: str | None, **options: Any) -> None:
    """Pause an execution, or all that the filters let through.

    A paused execution begins nothing. Attempts that run may end; what falls due waits.
    """
    _control(settings, "pause", execution, options, "and is paused")


@click.command()
@_one_or_many
@pass_settings
def resume(settings: Settings, /, execution: str | None, **options: Any) -> None:
    """Let a paused execution go on, or all that the filters let through."""
    _control(settings, "resume", execution, options, "and goes on")


@click.command()
@_one_or_many
@pass_settings
def retry(settings: Settings, /, execution: str | None, **options: Any) -> None:
    """Let a failed execution go on from the nodes that failed, or all that the filters let through.

    What has finished does not run again.
    """
    _control(settings, "retry", execution, options, "and goes on from where it failed")


def _control(
    settings: Settings,
    verb: str,
    execution: str | None,
    options: dict[str, Any],
    outcome: str,
    rest: dict[str, Any] | None = None,
) -> str:
    """Asks it of one execution, and gives the status it was found in, or of many."""
    filters = filters_of(options)
    if (execution is None) == (not filters):
        raise click.UsageError(f"say which: durable {verb} ID, or filters such as --workflow NAME, one of the two")
    who: dict[str, Any] = {"by": options["by"], **(rest or {})}

    async def ask() -> str:
        async with connect(settings) as durable:
            if execution is not None:
                return str(await getattr(durable, verb)(execution, options["reason"], **who) or "failed")
            if not options["yes"]:
                await _confirm(durable, verb, filters)
            taken = await getattr(durable, f"{verb}_many")(reason=options["reason"], **who, **filters)
            return str(taken)

    found = run_async(ask())
    if execution is None:
        if settings.json:
            print_json({"taken": int(found)})
        else:
            print_text(found)
        return ""
    if settings.json:
        print_json({"id": execution, "status": found})
    elif found in ENDED and verb == "cancel":
        say(settings, f"execution {execution} is {found}")
    else:
        say(settings, f"execution {execution} was {found} {outcome}")
    return found


async def _confirm(durable: AsyncDurable, verb: str, filters: dict[str, Any]) -> None:
    """Says how many there are by status, and asks; without a terminal `--yes` has to be said."""
    counts = await durable.count_executions(**filters)
    told = ", ".join(f"{number} {status}" for status, number in counts.items()) or "none"
    complain(f"executions that the filters let through: {told}")
    if not sys.stdin.isatty():
        raise click.UsageError(f"durable {verb} concerns many executions: say --yes if it may")
    if not click.confirm(f"{verb} them?", err=True):
        raise click.Abort


@click.command("set-result")
@click.argument("execution", metavar="ID")
@click.argument("node")
@click.argument("value", metavar="JSON")
@_REASON
@_BY
@database_options
@pass_settings
def set_result(settings: Settings, execution: str, node: str, value: str, reason: str | None, by: str | None) -> None:
    """Give a node of an execution its result, and let the flow go on after it.

    NODE is the path of an instance that is open, or at which the execution failed. The value is JSON, @file or - for
    stdin.
    """
    result = read_json(value, "the result")

    async def ask() -> None:
        async with connect(settings) as durable:
            await durable.set_result(execution, node, result, reason, by=by)

    run_async(ask())
    if settings.json:
        print_json({"id": execution, "node": node})
    else:
        say(settings, f"'{node}' of the execution {execution} has its result; a worker goes on")


@click.command()
@click.argument("execution", metavar="ID")
@click.argument("node")
@click.option("--input", "whole", metavar="JSON", help="Another input: JSON, @file, or - for stdin.")
@click.option("--with-output", metavar="JSON", help="The node's result, in place of running it.")
@click.option("--queue", metavar="NAME", help="The queue. Default: the other's.")
@click.option("--id", "new_id", metavar="UUID", help="The id of the new execution. Default: a new one.")
@_REASON
@_BY
@database_options
@pass_settings
def fork(
    settings: Settings,
    execution: str,
    node: str,
    whole: str | None,
    with_output: str | None,
    queue: str | None,
    new_id: str | None,
    reason: str | None,
    by: str | None,
) -> None:
    """Start a new execution that has done what this one had before it began a node, and print its id.

    NODE is the path of an instance. It runs next, or has the output that is given.
    """
    given = None if whole is None else read_json(whole, "the input")
    rest: dict[str, Any] = {} if with_output is None else {"with_output": read_json(with_output, "the output")}

    async def ask() -> str:
        async with connect(settings) as durable:
            return await durable.fork(execution, node, given, reason=reason, by=by, queue=queue, new_id=new_id, **rest)

    started = run_async(ask())
    if settings.json:
        print_json({"id": started})
        return
    print_text(started)
    say(settings, f"look at it: durable status {started}")
