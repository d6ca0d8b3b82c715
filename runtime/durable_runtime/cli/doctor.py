"""`durable doctor`: what of this machine a run would need, looked at one after the other."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from platform import platform, python_version

import click

from durable_runtime import __version__
from durable_runtime.cli.connection import database_url
from durable_runtime.cli.exits import Ended, Exit
from durable_runtime.cli.output import print_json, print_text, printable, shows_unicode
from durable_runtime.cli.project import find_project
from durable_runtime.cli.settings import Settings, database_options, pass_settings


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `good` None is neither good nor bad."""

    name: str
    good: bool | None
    text: str


@click.command()
@database_options
@pass_settings
def doctor(settings: Settings) -> None:
    """Look for what would keep a workflow from running here; ends with code 5 when the database would."""
    found = [
        Finding("durable", None, f"{__version__} on Python {python_version()}, {platform()}"),
        Finding("project", None, str(find_project())),
        _graphviz(),
        *_database(settings),
    ]
    good = all(finding.good is not False for finding in found)
    if settings.json:
        print_json({"good": good, "findings": [asdict(finding) for finding in found]})
    else:
        glyphs = {True: "✓", False: "✗", None: "·"} if shows_unicode(sys.stdout) else {True: "+", False: "x", None: "-"}
        colours = {True: "green", False: "red", None: None}
        for finding in found:
            glyph = click.style(glyphs[finding.good], fg=colours[finding.good])
            print_text(f"{glyph} {finding.name:<9} {printable(finding.text)}")
    if not good:
        raise Ended(Exit.DATABASE)


def _graphviz() -> Finding:
    program = shutil.which("dot")
    if program is not None:
        return Finding("graphviz", True, program)
    if find_spec("pygraphviz") is not None:
        return Finding("graphviz", True, "the one that pygraphviz brings")
    return Finding("graphviz", None, "none, so no png and pdf; pip install 'durable-dsl[graph]' brings it")


def _database(settings: Settings) -> Iterator[Finding]:
    from durable_runtime.embedded import EmbeddedPostgresError, EmbeddedServer
    from durable_runtime.errors import DurableError
    from durable_runtime.store.migrations import list_applied, list_migrations

    if settings.url is None:
        yield Finding("server", None, f"our own, with its data in {EmbeddedServer().status().data_folder}")
    try:
        with database_url(settings) as url:
            applied = list_applied(url, settings.schema)
    except (DurableError, EmbeddedPostgresError) as error:
        yield Finding("database", False, str(error))
        return
    yield Finding("database", True, "it answers")
    missing = [number for number, _name, _text in list_migrations() if number not in applied]
    if not missing:
        yield Finding("tables", True, f"up to date in the schema '{settings.schema}'")
    else:
        yield Finding(
            "tables", None, f"{len(missing)} to apply in the schema '{settings.schema}', which the first use does"
        )
