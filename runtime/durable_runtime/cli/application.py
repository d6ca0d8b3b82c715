"""The command group: every command under the name people type."""

from __future__ import annotations

import click

from durable_runtime import __version__
from durable_runtime.cli.completion import completion
from durable_runtime.cli.control import cancel, fork, pause, resume, retry, set_result
from durable_runtime.cli.convert import convert
from durable_runtime.cli.doctor import doctor
from durable_runtime.cli.executions import list_executions, status
from durable_runtime.cli.family import family
from durable_runtime.cli.fmt import fmt
from durable_runtime.cli.graph import graph
from durable_runtime.cli.init import init
from durable_runtime.cli.insight import count, explain, inspect, logs
from durable_runtime.cli.migrations import migrations
from durable_runtime.cli.outside import cancel_wait, emit, keep_events, pending, provide_input, send_event
from durable_runtime.cli.publications import get_value, stream
from durable_runtime.cli.result import result, workers
from durable_runtime.cli.run import run
from durable_runtime.cli.schema import schema
from durable_runtime.cli.server import server
from durable_runtime.cli.settings import database_options
from durable_runtime.cli.start import start, start_many
from durable_runtime.cli.validate import validate
from durable_runtime.cli.worker import worker


class _InThisOrder(click.Group):
    """Lists the commands in the order one meets them, not in that of the alphabet."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InThisOrder, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110})
@click.version_option(__version__, message="durable %(version)s")
@database_options
def durable() -> None:
    """Run workflows that survive crashes.

    A workflow is a YAML file or Python. Each finished step is a checkpoint in Postgres; what was killed goes on where
    it stood. Without a database at hand durable runs a server of its own, for as long as it is used.
    """


for command in (
    init,
    validate,
    fmt,
    convert,
    graph,
    run,
    start,
    start_many,
    result,
    worker,
    workers,
    list_executions,
    count,
    status,
    inspect,
    explain,
    family,
    logs,
    cancel,
    pause,
    resume,
    retry,
    set_result,
    fork,
    pending,
    provide_input,
    send_event,
    emit,
    keep_events,
    cancel_wait,
    get_value,
    stream,
    server,
    migrations,
    doctor,
    schema,
    completion,
):
    durable.add_command(command)
