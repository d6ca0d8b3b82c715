"""The options that say which executions are meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click

ENDED = ("completed", "failed", "cancelled", "compensated", "compensation_failed")
STATUSES = ("pending", "running", "waiting", "paused", *ENDED)

Command = TypeVar("Command", bound=Callable[..., Any])

FILTER_OPTIONS = (
    click.option("--status", "-s", multiple=True, type=click.Choice(STATUSES), help="Only these. Repeatable."),
    click.option("--workflow", "-w", metavar="NAME", help="Only executions of this workflow."),
    click.option(
        "--definition", metavar="VERSION", help="Only of this version: the beginning of its hash, or a label."
    ),
    click.option("--queue", metavar="NAME", help="Only executions on this queue."),
    click.option("--key", metavar="TEXT", help="Only those with this key."),
    click.option("--parent", metavar="ID", help="Only those that this execution started."),
    click.option("--root-only", is_flag=True, help="Only those that no execution started."),
    click.option("--header", "headers", multiple=True, metavar="NAME=TEXT", help="Only those with it. Repeatable."),
    click.option("--created-from", metavar="TIME", help="Started at or after this: an ISO 8601 time with a zone."),
    click.option("--created-until", metavar="TIME", help="Started before this."),
    click.option("--finished-from", metavar="TIME", help="Ended at or after this."),
    click.option("--finished-until", metavar="TIME", help="Ended before this."),
)


def filter_options(command: Command) -> Command:
    """Adds the options by which executions are chosen."""
    for option in reversed(FILTER_OPTIONS):
        command = option(command)
    return command


def filters_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Gives the filters that were said, as the client takes them."""
    said = {name: value for name, value in options.items() if value}
    found: dict[str, Any] = {
        name: said[name] for name in ("workflow", "queue", "key", "parent", "root_only") if name in said
    }
    if "status" in said:
        found["status"] = list(said["status"])
    if "definition" in said:
        found["version"] = said["definition"]
    if "headers" in said:
        found["headers"] = headers_of(said["headers"])
    for name in ("created_from", "created_until", "finished_from", "finished_until"):
        if name in said:
            found[name] = instant(said[name], f"--{name.replace('_', '-')}")
    return found


def headers_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """Reads `name=text`."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise click.UsageError(f"--header takes name=text, not '{pair}'")
        found[name] = text
    return found


def instant(text: str, option: str) -> datetime:
    """Reads a time with a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} takes a time such as 2031-05-01T12:00:00+02:00, not '{text}'") from None
    if at.tzinfo is None:
        raise click.UsageError(f"{option} needs a zone: {text}Z or {text}+02:00")
    return at


def span_of(text: str | None, option: str) -> timedelta | None:
    """Reads a span such as 30s, if there is one."""
    from durable_dsl import DurationError, parse_duration

    try:
        return None if text is None else parse_duration(text)
    except DurationError as error:
        raise click.UsageError(f"{option}: {error}") from None
