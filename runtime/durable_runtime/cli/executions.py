"""`durable list`, `status`: what became of executions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from durable_runtime.cli.connection import connect, run_async
from durable_runtime.cli.filters import filter_options, filters_of
from durable_runtime.cli.output import (
    error_text,
    moment,
    one_line,
    paint_status,
    pretty_json,
    print_json,
    print_table,
    print_text,
    say,
    span,
)
from durable_runtime.cli.settings import Settings, database_options, pass_settings
from durable_runtime.cli.steps import lasted, note, status_of

if TYPE_CHECKING:
    from durable_runtime.client import Execution, StepRecord


@click.command("list")
@filter_options
@click.option(
    "--order",
    type=click.Choice(("newest", "oldest", "finished")),
    default="newest",
    show_default=True,
    help="Which come first: the last started, the first started, the last that ended.",
)
@click.option("--before", metavar="ID", help="The last one of the page before.")
@click.option("--limit", "-n", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@database_options
@pass_settings
def list_executions(settings: Settings, /, order: Any, before: str | None, limit: int, **options: Any) -> None:
    """List executions, newest first."""

    async def fetch() -> list[Execution]:
        async with connect(settings) as durable:
            return await durable.list_executions(order=order, before=before, limit=limit, **filters_of(options))

    found = run_async(fetch())
    if settings.json:
        print_json({"executions": [each.to_json() for each in found]})
        return
    rows = [(each.id, each.workflow, paint_status(each.status), moment(each.created_at), took(each)) for each in found]
    print_table(("id", "workflow", "status", "created", "took"), rows)
    if len(found) == limit:
        say(settings, f"older ones: durable list --before {found[-1].id}")


@click.command()
@click.argument("execution", metavar="ID")
@database_options
@pass_settings
def status(settings: Settings, execution: str) -> None:
    """Show an execution and its steps."""

    async def fetch() -> Execution:
        async with connect(settings) as durable:
            return await durable.get_execution(execution, include_steps=True)

    found = run_async(fetch())
    if settings.json:
        print_json({"execution": found.to_json()})
        return
    show(found)


def show(found: Execution) -> None:
    """Prints an execution and its steps for people."""
    print_text(f"{click.style(found.workflow, bold=True)}  {paint_status(found.status)}  {found.id}")
    for label, value in _facts(found):
        print_text(f"  {label:<9}  {value}")
    if found.steps:
        print_text("")
        print_table(("step", "status", "at", "took", ""), _step_rows(found.steps))


def took(execution: Execution) -> str:
    """Says how long an execution took, or has been going on."""
    if execution.started_at is None:
        return "-"
    end = execution.finished_at or datetime.now(UTC)
    return span(max(0.0, (end - execution.started_at).total_seconds()))


def _facts(found: Execution) -> list[tuple[str, str]]:
    facts = [
        ("version", found.version + (f" ({found.label})" if found.label else "")),
        ("queue", found.queue + (f", priority {found.priority}" if found.priority else "")),
        ("created", moment(found.created_at)),
    ]
    if found.parent_id is not None:
        facts.append(("parent", f"{found.parent_id} at {found.parent_path}"))
    if found.scheduled_at is not None:
        facts.append(("scheduled", moment(found.scheduled_at)))
    facts += [("started", moment(found.started_at)), ("finished", moment(found.finished_at)), ("took", took(found))]
    if found.recoveries:
        facts.append(("recovered", f"{found.recoveries} times in a row"))
    facts += [("progress", f"{path}: {one_line(pretty_json(told))}") for path, told in found.progress.items()]
    facts.append(("input", one_line(pretty_json(found.input))))
    if found.status == "completed":
        facts.append(("output", one_line(pretty_json(found.output))))
    if found.error:
        facts.append(("error", error_text(found.error)))
    return facts


def _step_rows(steps: tuple[StepRecord, ...]) -> list[tuple[str, ...]]:
    shown = [(step, status_of(step)) for step in steps]
    return [
        (
            step.path or "(execution)",
            paint_status(status.value),
            moment(step.finished_at),
            lasted(step),
            one_line(note(step)),
        )
        for step, status in shown
        if status is not None
    ]
