"""What a run shows while it runs: a tree that changes on a terminal, lines that stay anywhere else, or nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import click

from durable_runtime.cli.output import complain, shows_unicode
from durable_runtime.cli.settings import Settings
from durable_runtime.cli.steps import lasted, log_line, status_of, step_line

if TYPE_CHECKING:
    from rich.live import Live

    from durable_dsl import Graph
    from durable_dsl.drawing import NodeState
    from durable_runtime.client import AsyncDurable, Execution, StepRecord
    from durable_runtime.store.seen import LogLine


class View(Protocol):
    """Looks at an execution and shows what is new."""

    async def refresh(self, durable: AsyncDurable, id: str) -> None: ...

    def note(self, text: str) -> None: ...


@contextmanager
def open_view(settings: Settings, graph: Graph) -> Iterator[View]:
    """Gives the view that fits where stderr goes."""
    if settings.quiet:
        yield _Nothing()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        from rich.console import Console
        from rich.live import Live

        # Asked now: while it is live, something of rich's stands where stderr is.
        unicode = shows_unicode(sys.stderr)
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        with Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop") as live:
            yield _Tree(graph, live, unicode=unicode)


class _Nothing:
    async def refresh(self, durable: AsyncDurable, id: str) -> None:
        return

    def note(self, text: str) -> None:
        return


def in_order(steps: Sequence[StepRecord], logs: Sequence[LogLine], *, unicode: bool) -> list[str]:
    """Gives outcomes and log lines as lines, in the order of time."""
    found = [
        (step.finished_at, step_line(step, status, unicode=unicode))
        for step in steps
        if (status := status_of(step)) is not None
    ]
    found += [(line.at, log_line(line)) for line in logs]
    return [line for _at, line in sorted(found, key=lambda pair: pair[0])]


class _News:
    """Knows which steps and log lines of an execution were shown."""

    def __init__(self) -> None:
        self._steps = 0
        self._logs = 0
        self._note = ""

    def lines(self, execution: Execution, *, unicode: bool, with_steps: bool) -> Iterator[str]:
        """Yields what came since the last call, in the order of time."""
        steps = (execution.steps or ())[self._steps :] if with_steps else ()
        logs = (execution.logs or ())[self._logs :]
        self._steps, self._logs = len(execution.steps or ()), len(execution.logs or ())
        yield from in_order(steps, logs, unicode=unicode)

    def is_new(self, note: str) -> bool:
        """Tells whether a note differs from the last one, so that what goes on for a minute is said once."""
        before, self._note = self._note, note
        return note != before


class _Lines:
    """One line for each outcome and log line, for pipes, files and continuous integration."""

    def __init__(self) -> None:
        self._news = _News()
        self._seq = self._log = 0
        self._unicode = shows_unicode(sys.stderr)

    async def refresh(self, durable: AsyncDurable, id: str) -> None:
        # Only what came since the last look: a history may be long, and looks are many.
        steps = await durable.get_steps(id, after=self._seq)
        logs = await durable.get_logs(id, after=self._log)
        self._seq = steps[-1].seq if steps else self._seq
        self._log = logs[-1].id if logs else self._log
        for line in in_order(steps, logs, unicode=self._unicode):
            complain(line)

    def note(self, text: str) -> None:
        if self._news.is_new(text):
            complain(text)


class _Tree:
    """The drawing of the graph with the state of every node; log lines scroll by above it."""

    def __init__(self, graph: Graph, live: Live, *, unicode: bool) -> None:
        self._graph = graph
        self._live = live
        self._news = _News()
        self._unicode = unicode
        self._drawn = ""

    async def refresh(self, durable: AsyncDurable, id: str) -> None:
        from rich.text import Text

        execution = await durable.get_execution(id, include_steps=True, include_logs=True)
        states = dict(await durable.node_states(id))
        for line in self._news.lines(execution, unicode=self._unicode, with_steps=False):
            self._live.console.print(line, markup=False)
        drawn = self._draw(execution, states)
        if drawn != self._drawn:
            self._drawn = drawn
            self._live.update(Text.from_ansi(drawn, no_wrap=True, overflow="crop"), refresh=True)

    def note(self, text: str) -> None:
        if self._news.is_new(text):
            self._live.console.print(text, markup=False)

    def _draw(self, execution: Execution, states: dict[str, NodeState]) -> str:
        from durable_dsl.drawing import to_text

        for path, took in _spans(execution).items():
            state = states.get(path)
            if state is not None and state.detail is None:
                states[path] = replace(state, detail=took)
        text = to_text(self._graph, states, color=True, unicode=self._unicode)
        # The drawing ends with an empty line and the legend, which a person who watches does not need.
        lines = text.rstrip("\n").split("\n")[:-2]
        return "\n".join(window(lines, self._live.console.height - 2))


def _spans(execution: Execution) -> dict[str, str]:
    """Gives how long the last attempt of each node took. Instances of items and turns are left to their containers."""
    return {step.path: lasted(step) for step in execution.steps or () if lasted(step)}


_UNDER_WAY = re.compile(r"[▶‖↻]|\[[>=~]\]")


def window(lines: list[str], height: int) -> list[str]:
    """Gives the title and as many lines as fit around the first node that is under way, else the end of the drawing."""
    if len(lines) <= height:
        return lines
    room = max(1, height - 1)
    now = next((at for at, line in enumerate(lines) if _UNDER_WAY.search(click.unstyle(line))), len(lines))
    begin = max(1, min(now - room // 3, len(lines) - room))
    return [lines[0], *lines[begin : begin + room]]
