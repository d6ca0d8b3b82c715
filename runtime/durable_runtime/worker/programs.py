"""The definitions that a worker has read, and the functions they call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator

from durable_dsl.graph import Call, Decision, Function, Step, conditions_of, graph_from_json
from durable_runtime.actions.functions import MissingFunction
from durable_runtime.actions.performing import Performer
from durable_runtime.core.program import Program
from durable_runtime.core.support import unsupported
from durable_runtime.errors import UnsupportedWorkflow

log = logging.getLogger("durable.executor")

MOST = 1000
"""Definitions that are kept ready to run."""


class Programs:
    """Reads each definition once. `load_graph` gives the text of one by its number."""

    def __init__(self, load_graph: Callable[[int], Awaitable[bytes]], performer: Performer) -> None:
        self._load_graph = load_graph
        self._performer = performer
        self._programs: dict[int, Program] = {}
        self._calls: dict[int, frozenset[str]] = {}

    def get(self, definition_id: int) -> Program | None:
        """Gives a definition that was prepared; None for one that this version cannot read."""
        return self._programs.get(definition_id)

    async def prepare(self, definition_ids: Collection[int]) -> None:
        """Reads definitions that are about to run, and imports the functions they call."""
        if len(self._programs) > MOST:
            self._programs.clear()
        for definition_id in definition_ids:
            await self.read(definition_id)
            await self._import_calls(definition_id)

    async def read(self, definition_id: int) -> None:
        """Reads a definition that may run some day: what it calls need not be here."""
        if definition_id in self._programs:
            return
        text = await self._load_graph(definition_id)
        try:
            graph = graph_from_json(text)
            if missing := unsupported(graph):
                raise UnsupportedWorkflow("; ".join(missing))
            program = self._programs[definition_id] = Program(graph)
            self._calls[definition_id] = frozenset(_calls(program))
        except Exception as error:
            log.error("this version cannot read definition %d: %s: %s", definition_id, type(error).__name__, error)

    async def _import_calls(self, definition_id: int) -> None:
        calls = self._calls.pop(definition_id, frozenset())
        if not calls:
            return
        workflow = self._programs[definition_id].graph.workflow
        if all(map(self._performer.is_imported, calls)):
            self._import_all(calls, workflow)
        else:
            # Imports can take long: done here, in a thread, they do not hold up everyone else at the first attempt.
            await asyncio.to_thread(self._import_all, calls, workflow)

    def _import_all(self, calls: Collection[str], workflow: str) -> None:
        for path in calls:
            try:
                self._performer.get_function(path)
            except MissingFunction as error:
                log.warning("%s: %s", workflow, error)


def _calls(program: Program) -> Iterator[str]:
    for node in program.graph.walk_all():
        match node:
            case Step(action=Call(function=path)) | Decision(call=str() as path):
                yield path
            case _:
                pass
        for _keys, condition in conditions_of(node):
            if isinstance(condition, Function):
                yield condition.call
