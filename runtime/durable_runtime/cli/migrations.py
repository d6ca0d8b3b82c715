"""`durable migrations`: the tables in the database, as old or new as this release needs them."""

from __future__ import annotations

import click

from durable_runtime.cli.connection import database_url
from durable_runtime.cli.exits import Ended, Exit
from durable_runtime.cli.output import moment, print_json, print_table, print_text, say
from durable_runtime.cli.settings import Settings, database_options, pass_settings


@click.group()
def migrations() -> None:
    """Look at the tables in the database, or bring them up to date."""


@migrations.command("status")
@database_options
@pass_settings
def migrations_status(settings: Settings) -> None:
    """List the migrations and when each was applied; ends with code 5 when one is missing."""
    from durable_runtime.store.migrations import list_applied, list_migrations

    with database_url(settings) as url:
        applied = list_applied(url, settings.schema)
    known = list_migrations()
    missing = [number for number, _name, _text in known if number not in applied]
    if settings.json:
        listed = [{"number": number, "name": name, "applied_at": applied.get(number)} for number, name, _text in known]
        print_json({"schema_name": settings.schema, "current": not missing, "migrations": listed})
    else:
        rows = [
            (f"{number:04}", name, moment(applied[number]) if number in applied else "missing")
            for number, name, _text in known
        ]
        print_table(("number", "name", "applied"), rows)
    if missing:
        say(settings, "run `durable migrations apply`")
        raise Ended(Exit.DATABASE)


@migrations.command("apply")
@database_options
@pass_settings
def migrations_apply(settings: Settings) -> None:
    """Apply what is missing; safe to run from many places at once."""
    from durable_runtime.store.migrations import migrate

    with database_url(settings) as url:
        done = migrate(url, settings.schema)
    if settings.json:
        print_json({"applied": done})
        return
    for name in done:
        print_text(name)
    if not done:
        say(settings, "nothing to apply")
