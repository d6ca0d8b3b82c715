"""The options that every command takes, before or behind its name; the one behind wins."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

DATABASE_VARIABLE = "DURABLE_DATABASE_URL"

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Settings:
    """What was said on the command line for all commands alike. Filled while click reads it, read afterwards."""

    database: str | None = None
    schema: str = "durable"
    json: bool = False
    quiet: bool = False

    @property
    def url(self) -> str | None:
        """The database named by option or environment; None means the embedded server."""
        return self.database or os.environ.get(DATABASE_VARIABLE) or None


pass_settings = click.make_pass_decorator(Settings, ensure=True)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        setattr(context.ensure_object(Settings), str(parameter.name), value)


def _option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    return click.option(*names, expose_value=False, callback=_remember, **attributes)


_JSON = _option("--json", is_flag=True, help="Give data as one JSON object on stdout.")
_QUIET = _option("--quiet", "-q", is_flag=True, help="Say nothing on stderr but errors.")
_DATABASE = _option(
    "--database",
    metavar="URL",
    help=f"PostgreSQL 14 or newer. Default: ${DATABASE_VARIABLE}, else an own server.",
)
_SCHEMA = _option("--schema", metavar="NAME", help="The database schema that holds everything. Default: durable.")


def talking_options(command: Command) -> Command:
    """Adds the options of a command that needs no database."""
    return _JSON(_QUIET(command))


def database_options(command: Command) -> Command:
    """Adds the options of a command that works on a database."""
    return _DATABASE(_SCHEMA(talking_options(command)))
