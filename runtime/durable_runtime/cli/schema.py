"""`durable schema` and `durable explain`: what editors and people need to know of the language."""

from __future__ import annotations

import json
from pathlib import Path

import click

from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.output import print_json, print_text, say
from durable_runtime.cli.settings import Settings, pass_settings, talking_options

MODELINE = "# yaml-language-server: $schema="


@click.command()
@click.option("--output", "-o", metavar="FILE", help="Write here instead of to stdout.")
@talking_options
@pass_settings
def schema(settings: Settings, output: str | None) -> None:
    """Print the JSON Schema of workflow files, for editors.

    An editor with a YAML language server completes and checks a file that begins with
    `# yaml-language-server: $schema=<path or address of this schema>`.
    """
    text = schema_text()
    if output is None or output == "-":
        print_text(text, end="")
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}", Exit.USAGE) from None
    say(settings, f"wrote {output}")


def schema_text() -> str:
    """Gives the schema as the text of a file."""
    from durable_dsl.editor_schema import editor_schema

    return json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n"


def explain_code(settings: Settings, code: str) -> None:
    """Explains a problem by its code, with an example."""
    from durable_dsl.problems import PAGES, find_page
    from durable_dsl.problems import explain as as_markdown

    page = find_page(code)
    if page is None:
        known = ", ".join(sorted(each.code for each in PAGES))
        raise CommandError(f"there is no problem '{code}'; the codes are {known}", Exit.NOT_FOUND)
    if settings.json:
        fields = ("code", "title", "explanation", "wrong", "right")
        print_json({"problem": {field: getattr(page, field) for field in fields}})
    else:
        print_text(as_markdown(page), end="")
