"""`durable graph`: a workflow as a drawing, and how far an execution got in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.output import print_json, print_text, say, shows_unicode
from durable_runtime.cli.settings import Settings, database_options, pass_settings

if TYPE_CHECKING:
    from durable_dsl import Graph
    from durable_dsl.drawing import Format, States

FORMATS: tuple[Format, ...] = ("svg", "png", "pdf", "dot", "mmd", "txt")
_BINARY = ("png", "pdf")


@click.command()
@click.argument("file", required=False)
@click.option("--workflow", metavar="NAME", help="Which workflow of the file. Default: the first.")
@click.option("--execution", metavar="ID", help="Draw this execution's graph and how far it got.")
@click.option("--output", "-o", metavar="FILE", help="Write here; the ending tells the format. Default: the terminal.")
@click.option("--format", "-f", "wanted", type=click.Choice(FORMATS), help="The format, whatever the ending.")
@database_options
@pass_settings
def graph(
    settings: Settings,
    file: str | None,
    workflow: str | None,
    execution: str | None,
    output: str | None,
    wanted: Format | None,
) -> None:
    """Draw a workflow, or an execution of it.

    FILE is a YAML file, a Python file or a module. With --execution it can be left out: an execution is drawn with the
    graph that it was started with, even if the file has changed since.
    """
    if file is None and execution is None:
        raise click.UsageError("name a FILE, or an execution with --execution")
    chosen = wanted or _format_of(output)
    written = _graph_of(file, workflow) if file is not None else None
    drawn, states = (written, None) if execution is None else _execution_graph(settings, execution)
    assert drawn is not None
    if written is not None and written.version != drawn.version:
        say(
            settings,
            f"the execution has version {drawn.version} of '{drawn.workflow}'; {file} has {written.version} now",
        )
    if settings.json:
        import json

        print_json({"workflow": drawn.workflow, "version": drawn.version, "graph": json.loads(drawn.to_json())})
    elif output is None or output == "-":
        _show(drawn, chosen, states, to_terminal=output is None and sys.stdout.isatty())
    else:
        _write(Path(output), _render(drawn, chosen, states))
        say(settings, f"wrote {output}")


def _format_of(output: str | None) -> Format:
    if output is None or output == "-":
        return "txt"
    ending = Path(output).suffix.removeprefix(".").lower()
    for known in FORMATS:
        if ending in (known, {"mmd": "mermaid", "txt": "text", "dot": "gv"}.get(known)):
            return known
    raise click.UsageError(f"the ending of {output} is none of {', '.join(FORMATS)}; say which with --format")


def _graph_of(file: str, workflow: str | None) -> Graph:
    from durable_runtime.cli.sources import get_workflow

    return get_workflow(file, workflow).graph


def _execution_graph(settings: Settings, execution: str) -> tuple[Graph, States]:
    from durable_runtime.cli.connection import connect, run_async

    async def fetch() -> tuple[Graph, States]:
        async with connect(settings) as durable:
            return await durable.get_graph(execution), await durable.node_states(execution)

    return run_async(fetch())


def _render(drawn: Graph, format: Format, states: States | None) -> bytes:
    from durable_dsl.drawing import render

    return render(drawn, format, states)


def _show(drawn: Graph, format: Format, states: States | None, *, to_terminal: bool) -> None:
    if format == "txt":
        from durable_dsl.drawing import to_text

        print_text(to_text(drawn, states, color=to_terminal, unicode=shows_unicode(sys.stdout)), end="")
        return
    if format in _BINARY and sys.stdout.isatty():
        raise click.UsageError(f"a terminal cannot show {format}; write it to a file with -o")
    sys.stdout.buffer.write(_render(drawn, format, states))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}", Exit.USAGE) from None
