"""`durable init`: a project that runs as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.output import print_json, print_text, say
from durable_runtime.cli.settings import Settings, pass_settings, talking_options

_FILES = ("durable.yaml", "README.md", "workflows/count_words.yaml", "workflows/count_words.py")
_SCHEMA = "workflows/workflow.schema.json"


@click.command()
@click.argument("folder", default=".", metavar="[DIR]")
@talking_options
@pass_settings
def init(settings: Settings, folder: str) -> None:
    """Begin a project: a workflow, its Python module and a README, all of which run as they are.

    Nothing that is there is changed.
    """
    top = Path(folder)
    written: list[str] = []
    kept: list[str] = []
    for name, text in _contents():
        try:
            fresh = _write_new(top / name, text)
        except OSError as error:
            raise CommandError(f"{top / name} cannot be written: {error.strerror}", Exit.USAGE) from None
        (written if fresh else kept).append(str(top / name))
    if settings.json:
        print_json({"written": written, "kept": kept})
        return
    for name in written:
        print_text(name)
    for name in kept:
        say(settings, f"{name} is there already and stays as it is")
    enter = "" if top.resolve() == Path.cwd() else f"cd {folder} && "
    say(settings, f"now: {enter}durable run workflows/count_words.yaml")


def _contents() -> Iterator[tuple[str, str]]:
    from importlib.resources import files

    from durable_runtime.cli.schema import schema_text

    package = files("durable_runtime.cli")
    for name in _FILES:
        yield name, (package / "new_project" / name).read_text(encoding="utf-8")
    yield _SCHEMA, schema_text()


def _write_new(path: Path, text: str) -> bool:
    """Writes a file that is not there yet; tells whether it did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
