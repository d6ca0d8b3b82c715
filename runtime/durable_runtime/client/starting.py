"""Starts: from a workflow and its inputs to stored executions, in one statement once the definition is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from durable_dsl.graph import graph_from_json
from durable_runtime.client import options
from durable_runtime.client.debouncing import debounce
from durable_runtime.client.definitions import Definition, Definitions, Source, never_stored, supported
from durable_runtime.client.gathering import Gathering
from durable_runtime.client.ids import new_ids
from durable_runtime.client.insertion import Insertion, ManyInsertion
from durable_runtime.client.session import Session
from durable_runtime.core.inputs import invalid_input
from durable_runtime.errors import InvalidInput, UnknownWorkflow
from durable_runtime.store.protocol import NewExecution

Json: TypeAlias = Any

OnConflict: TypeAlias = Literal["return", "reject"]
"""What a start does whose key its workflow knows already: return the execution that has it, or raise."""


COPIED_FROM = 250
"""Executions in one call from which on they are copied: that takes six round trips, and then little for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """Everything beside the input; None means what the workflow says. Made by `check_options`."""

    queue: str | None
    priority: int | None
    scheduled_at: datetime | timedelta | None
    key: str | None
    rejects: bool
    headers: bytes | None
    connection: Any
    debounce: timedelta | None = None
    debounce_limit: timedelta | None = None


def check_options(
    queue: str | None,
    priority: int | None,
    scheduled_at: datetime | timedelta | None,
    *,
    key: str | None = None,
    on_conflict: OnConflict = "return",
    headers: Mapping[str, str] | None = None,
    connection: Any = None,
    debounce: timedelta | float | None = None,
    debounce_limit: timedelta | float | None = None,
    id: str | None = None,
) -> StartOptions:
    """Gives the options of a start, or raises `InvalidOption`."""
    excluded = {"scheduled_at": scheduled_at is not None, "id": id is not None, "on_conflict": on_conflict == "reject"}
    span, limit = options.check_debounce(debounce, debounce_limit, key=key, excluded=excluded)
    return StartOptions(
        queue=None if queue is None else options.check_queue(queue),
        priority=None if priority is None else options.check_priority(priority),
        scheduled_at=options.check_scheduled_at(scheduled_at),
        key=None if key is None else options.check_key(key),
        rejects=options.check_on_conflict(on_conflict) == "reject",
        headers=options.check_headers(headers),
        connection=connection,
        debounce=span,
        debounce_limit=limit,
    )


class Starter:
    """Starts executions through one session, and remembers which definitions are stored already."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._definitions = Definitions()
        self._ids: dict[tuple[str, str], int] = {}
        self._stored: dict[int, Definition] = {}
        self._known: set[str] = set()
        self._gathering = self._gather()

    def _gather(self) -> Gathering:
        return Gathering(lambda executions: self._session.ask(Insertion(executions)))

    def forget_ids(self) -> None:
        """Forgets what is stored, since the next database may be another one."""
        self._gathering = self._gather()
        self._ids.clear()
        self._stored.clear()
        self._known.clear()

    async def start(self, source: Source, workflow: str | None, input: Json, id: str | None, how: StartOptions) -> str:
        """Starts one execution and gives its id; everything is checked before anything is stored."""
        public_id = None if id is None else options.check_id(id)
        definition, definition_id = await self._find(source, workflow)
        encoded = definition.input.encode(input)
        [started] = await self._insert(source, definition, definition_id, [encoded], how, public_id)
        return started

    async def start_many(
        self, source: Source, workflow: str | None, inputs: Iterable[Json], how: StartOptions
    ) -> list[str]:
        """Starts an execution for each input, all or none, and gives their ids in the order of the inputs."""
        definition, definition_id = await self._find(source, workflow)
        many = list(inputs)
        if len(many) < COPIED_FROM or how.scheduled_at is not None or how.connection is not None:
            encoded = list(encode_all(definition, many))
            return await self._insert(source, definition, definition_id, encoded, how, None) if encoded else []
        if definition_id is None:
            definition_id = await self._save_all(source, definition)
        like = _execution("", definition, definition_id, b"", how, None)
        started = await self._session.ask(ManyInsertion(like, lambda: encode_all(definition, many), len(many)))
        self._session.hint(like.queue)
        return started

    async def _find(self, source: Source, workflow: str | None) -> tuple[Definition, int | None]:
        """Gives a definition, with its id in the database if that is where it came from."""
        found = self._definitions.find(source, workflow)
        if found is not None:
            await self._check_started(source, found)
            return found, None
        name = str(source)
        latest = await self._find_latest(name)
        if latest is None:
            raise never_stored(name)
        definition_id, encoded = latest
        if definition_id not in self._stored:
            self._stored[definition_id] = supported(Definition(graph_from_json(encoded)))
        return self._stored[definition_id], definition_id

    async def _find_latest(self, name: str) -> tuple[int, bytes] | None:
        return await self._session.ask(lambda store: store.latest_definition(name))

    async def _check_started(self, source: Source, definition: Definition) -> None:
        """Raises `UnknownWorkflow` for a workflow that this one starts and that is neither beside it nor stored."""
        _beside, elsewhere = self._definitions.find_started(source, definition)
        for by, name in elsewhere:
            if name not in self._known and await self._find_latest(name) is None:
                raise UnknownWorkflow(
                    f"the workflow '{by}' starts '{name}', which is neither in the same file or module nor stored in "
                    "this database; start it once from where it is defined, or put it beside"
                )
            self._known.add(name)

    async def _save_all(self, source: Source, definition: Definition) -> int:
        """Stores a definition and those beside it that it starts; these first, so that it never lacks one."""
        beside, _elsewhere = self._definitions.find_started(source, definition)
        for other in beside:
            await self._save(other)
        return await self._save(definition)

    async def _save(self, definition: Definition) -> int:
        graph = definition.graph
        key = (graph.workflow, definition.version)
        if key not in self._ids:
            self._ids[key] = await self._session.ask(
                lambda store: store.save_definition(graph.workflow, definition.version, graph.label, graph.to_json())
            )
        return self._ids[key]

    async def _insert(
        self,
        source: Source,
        definition: Definition,
        definition_id: int | None,
        inputs: Sequence[bytes],
        how: StartOptions,
        public_id: str | None,
    ) -> list[str]:
        if definition_id is None:
            definition_id = await self._save_all(source, definition)
        scheduled_at = how.scheduled_at
        if isinstance(scheduled_at, timedelta):
            now = await self._session.ask(lambda store: store.server_time())
            scheduled_at = options.add_span(now, scheduled_at)
        ids = [public_id] if public_id is not None else new_ids(len(inputs))
        executions = [
            _execution(id, definition, definition_id, input, how, scheduled_at)
            for id, input in zip(ids, inputs, strict=True)
        ]
        if how.debounce is not None:
            return [await debounce(self._session, executions[0], how.debounce, how.debounce_limit, how.connection)]
        if how.connection is not None:
            # The hint is part of the caller's transaction: nothing is there before that commits.
            hint = (executions[0].queue if scheduled_at is None else "") if self._session.hints_at_commit else None
            insertion = Insertion(executions, rejects=how.rejects)
            return await insertion.join(await self._session.get_store(), how.connection, hint)
        if public_id is None and how.key is None:
            await self._gathering.add(executions)
            started = [execution.public_id for execution in executions]
        else:
            # What may be there already says so by the first of its ids: it is not mixed with that of others.
            started = await self._session.ask(Insertion(executions, rejects=how.rejects))
        # What is not due yet is looked for, so that whoever looks knows when it will be.
        self._session.hint(executions[0].queue if scheduled_at is None else "")
        # The hint gets the connection that is open, before what the caller asks for next has to open another.
        await asyncio.sleep(0)
        return started


def _execution(
    id: str, definition: Definition, definition_id: int, input: bytes, how: StartOptions, scheduled_at: datetime | None
) -> NewExecution:
    graph = definition.graph
    return NewExecution(
        public_id=id,
        definition_id=definition_id,
        workflow=graph.workflow,
        input=input,
        queue=graph.queue if how.queue is None else how.queue,
        priority=graph.priority if how.priority is None else how.priority,
        scheduled_at=scheduled_at,
        key=how.key,
        headers=how.headers,
    )


def encode_all(definition: Definition, inputs: Sequence[Json]) -> Iterator[bytes]:
    """Gives the inputs as they are stored, each as it is asked for.

    Raises `InvalidInput` with the problems of all of them, after the last.
    """
    problems: list[str] = []
    for index, input in enumerate(inputs):
        try:
            encoded = definition.input.encode(input)
        except InvalidInput as error:
            problems += [f"inputs[{index}]: {problem}" for problem in error.problems]
        else:
            if not problems:
                yield encoded
    if problems:
        raise invalid_input(definition.graph.workflow, problems)
