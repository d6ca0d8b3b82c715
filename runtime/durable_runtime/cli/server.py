"""`durable server`: the PostgreSQL server that durable runs itself, one for each project folder."""

from __future__ import annotations

from dataclasses import asdict

import click

from durable_runtime.cli.output import print_json, print_table, say
from durable_runtime.cli.settings import Settings, pass_settings, talking_options


@click.group()
def server() -> None:
    """Look at the database server that durable runs itself, or stop it.

    It starts with its first user and stops with its last; there is nothing to set up and nothing to shut down.
    """


@server.command("status")
@talking_options
@pass_settings
def server_status(settings: Settings) -> None:
    """Tell whether the server of this project runs, for how many, and where."""
    from durable_runtime.embedded import EmbeddedServer

    found = EmbeddedServer().status()
    if settings.json:
        print_json({"server": asdict(found)})
        return
    made = "yes" if found.version is not None else "no, it is made at the first use"
    print_table(
        ("server", "running" if found.running else "stopped"),
        [
            ("home", str(found.home)),
            ("data folder", f"{found.data_folder} ({found.size_bytes / 1_000_000:.0f} MB)"),
            ("made", made if found.version is None else f"{made}, PostgreSQL {found.version}"),
            ("process", "-" if found.pid is None else str(found.pid)),
            ("users", "-" if found.users is None else str(found.users)),
            ("address", found.conninfo or "-"),
        ],
    )


@server.command("stop")
@talking_options
@pass_settings
def server_stop(settings: Settings) -> None:
    """Stop the server even if somebody uses it; executions under way go on at the next worker."""
    from durable_runtime.embedded import EmbeddedServer

    stopped = EmbeddedServer().stop()
    if settings.json:
        print_json({"stopped": stopped})
    else:
        say(settings, "stopped" if stopped else "it was not running")
