"""What executions wait for, and giving it to them: `durable pending`, `send-event`, `emit` and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.filters import span_of
from durable_runtime.cli.inputs import read_json
from durable_runtime.cli.output import moment, one_line, print_json, print_table, printable, say
from durable_runtime.cli.settings import Settings, database_options, pass_settings

if TYPE_CHECKING:
    from durable_runtime.store.seen import PendingWait

KINDS = ("event", "ask", "approval", "choice", "text", "form", "json")
_APPROVALS = {"true": True, "yes": True, "false": False, "no": False}


@click.command()
@click.option("--execution", metavar="ID", help="Only this execution.")
@click.option("--workflow", "-w", metavar="NAME", help="Only executions of this workflow.")
@click.option("--assignee", metavar="WHO", help="Only what this person or role is asked.")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@click.option("--limit", "-n", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@database_options
@pass_settings
def pending(
    settings: Settings, execution: str | None, workflow: str | None, assignee: str | None, kind: str | None, limit: int
) -> None:
    """List what executions wait for from outside, the oldest first."""

    async def fetch() -> list[PendingWait]:
        async with connect(settings) as durable:
            return await durable.list_pending(
                execution=execution, workflow=workflow, assignee=assignee, kind=kind, limit=limit
            )

    found = run_async(fetch())
    if settings.json:
        print_json({"pending": [_plain(each) for each in found]})
        return
    rows = [
        (each.execution_id, _name(each), *_what(each), moment(each.opened_at), moment(each.due_at)) for each in found
    ]
    print_table(("execution", "wait", "kind", "for", "since", "until"), rows)


@click.command("provide-input")
@click.argument("execution", metavar="ID")
@click.argument("wait")
@click.argument("value")
@click.option("--by", metavar="WHO", help="Who answers; stored with the answer.")
@click.option("--comment", metavar="TEXT", help="Why; stored with the answer.")
@database_options
@pass_settings
def provide_input(
    settings: Settings, execution: str, wait: str, value: str, by: str | None, comment: str | None
) -> None:
    """Answer what people are asked.

    WAIT is the wait's name, `name.label` in a wait for several things, or the path of one instance. VALUE is true or
    false for an approval, plain text for a choice or a text, JSON (or @file, or - for stdin) for anything else.
    """

    async def send() -> None:
        async with connect(settings) as durable:
            ask = await durable.find_ask(execution, wait)
            answer = _answer(str(ask.detail["ask"]), value)
            await durable.provide_input(execution, wait, answer, by=by, comment=comment)

    run_async(send())
    if settings.json:
        print_json({"id": execution, "wait": wait})
    else:
        say(settings, f"the execution {execution} has its answer to {wait}")


@click.command("send-event")
@click.argument("execution", metavar="ID")
@click.argument("name")
@click.argument("payload", required=False)
@click.option("--once", metavar="TEXT", help="Your id for it: the same again counts once.")
@database_options
@pass_settings
def send_event(settings: Settings, execution: str, name: str, payload: str | None, once: str | None) -> None:
    """Send an event to an execution.

    PAYLOAD is JSON, @file, or - for stdin; without it the payload is null. The event is kept until a wait takes it.
    """
    value = None if payload is None else read_json(payload, "the payload")

    async def send() -> None:
        async with connect(settings) as durable:
            await durable.send_event(execution, name, value, once=once)

    run_async(send())
    if settings.json:
        print_json({"id": execution, "event": name})
    else:
        say(settings, f"the execution {execution} has been sent {name}")


@click.command()
@click.argument("name")
@click.argument("key")
@click.argument("payload", required=False)
@database_options
@pass_settings
def emit(settings: Settings, name: str, key: str, payload: str | None) -> None:
    """Send an event to every execution that waits for its NAME and KEY.

    PAYLOAD is JSON, @file, or - for stdin; without it the payload is null. The event reaches those that wait now, and
    those that run already and wait later.
    """
    value = None if payload is None else read_json(payload, "the payload")

    async def send() -> None:
        async with connect(settings) as durable:
            await durable.emit(name, key, value)

    run_async(send())
    if settings.json:
        print_json({"event": name, "key": key})
    else:
        say(settings, f"{name} was sent with the key {key}")


@click.command("keep-events")
@click.argument("name")
@click.argument("span")
@database_options
@pass_settings
def keep_events(settings: Settings, name: str, span: str) -> None:
    """Say how long events of a NAME that were sent by key are kept for waits that open later.

    SPAN is a duration: 36h, 30d. Without a word of this they are kept for seven days.
    """
    kept = span_of(span, "SPAN")
    assert kept is not None

    async def send() -> None:
        async with connect(settings) as durable:
            await durable.keep_events(name, kept)

    run_async(send())
    if settings.json:
        print_json({"event": name, "seconds": kept.total_seconds()})
    else:
        say(settings, f"events of the name {name} are kept for {span}")


@click.command("cancel-wait")
@click.argument("execution", metavar="ID")
@click.argument("wait")
@click.option("--reason", metavar="TEXT", help="Why; it is the message of the error.")
@database_options
@pass_settings
def cancel_wait(settings: Settings, execution: str, wait: str, reason: str | None) -> None:
    """End an open wait: it fails with WaitCancelled, which its 'catch' may take."""

    async def send() -> None:
        async with connect(settings) as durable:
            await durable.cancel_wait(execution, wait, reason=reason)

    run_async(send())
    if settings.json:
        print_json({"id": execution, "wait": wait})
    else:
        say(settings, f"the wait {wait} of the execution {execution} is cancelled; a worker sees to it")


def _answer(kind: str, text: str) -> Any:
    if kind in ("choice", "text"):
        return text
    if kind != "approval":
        return read_json(text, "the answer")
    if text.lower() not in _APPROVALS:
        raise CommandError(f"an approval is true or false, not {text!r}", Exit.INVALID)
    return _APPROVALS[text.lower()]


def _name(found: PendingWait) -> str:
    return printable(f"{found.path}.{found.label}" if found.label else found.path)


def _what(found: PendingWait) -> tuple[str, str]:
    if found.kind == "event":
        return "event", printable(f"{found.name} {found.key}" if found.key is not None else str(found.name))
    asked = found.detail.get("prompt") or ""
    return str(found.detail["ask"]), one_line(str(asked)) + (" (answered)" if found.answered else "")


def _plain(found: PendingWait) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__struct_fields__}
