"""The option `--sql-database`: addresses of the databases that `sql` steps name."""

from __future__ import annotations

import click

sql_databases_option = click.option(
    "--sql-database",
    "sql_databases",
    multiple=True,
    metavar="NAME=URL",
    help="A database that `sql` steps name. Repeatable. Default: $DURABLE_DATABASE_NAME_URL.",
)


def addresses_of(given: tuple[str, ...]) -> dict[str, str]:
    """Gives the addresses by name; raises `UsageError` for one without a name."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, address = each.partition("=")
        if not (name and equals and address):
            raise click.UsageError("--sql-database is a name, '=' and an address: shop=postgresql://host/shop")
        found[name] = address
    return found
