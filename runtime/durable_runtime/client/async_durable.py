"""The client for asynchronous programs: starts, questions, requests. Delegates, holds no logic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from durable_runtime.client import options
from durable_runtime.client.asking import Asking
from durable_runtime.client.awaiting import Awaiting
from durable_runtime.client.database import Database
from durable_runtime.client.definitions import Source
from durable_runtime.client.executions import Execution, execution_from
from durable_runtime.client.ids import known, unknown
from durable_runtime.client.insight import Insight
from durable_runtime.client.many import Many
from durable_runtime.client.outside import Outside
from durable_runtime.client.publications import Publications
from durable_runtime.client.session import Session
from durable_runtime.client.starting import OnConflict, Starter, check_options
from durable_runtime.errors import (
    ExecutionCancelled,
    ExecutionFailed,
    InvalidOption,
    ResultTimeout,
)
from durable_runtime.store.protocol import TERMINAL, Status
from durable_runtime.store.queries import DEFAULT_SCHEMA, with_schema
from durable_runtime.store.seen import WorkerRow

if TYPE_CHECKING:
    from durable_dsl import Graph
    from durable_dsl.drawing import NodeState
    from durable_runtime.actions.secrets import SecretSource
    from durable_runtime.worker import Worker

Json: TypeAlias = Any


class AsyncDurable(Asking, Publications, Outside, Many):
    """Everything that can be done with executions, from one event loop.

    `database` is a PostgreSQL URL, by default `$DURABLE_DATABASE_URL`; without either, an embedded server in `home`
    is used, started at the first call and left by `close`. `queues` are the limits of the workers that `worker`
    makes. What is started or sent in a transaction of yours tells the workers when that commits; without
    `hint_at_commit` they find it at their next look. The schema is brought up to date at the first call; with
    `DURABLE_AUTO_MIGRATE=0` a database named by a URL raises `SchemaMismatch` instead.

    Any method may raise `DatabaseUnavailable`. One that was there and goes away is asked again for ten seconds.
    """

    def __init__(
        self,
        database: str | None = None,
        *,
        schema: str = DEFAULT_SCHEMA,
        queues: Mapping[str, int] | None = None,
        home: Path | None = None,
        hint_at_commit: bool = True,
    ) -> None:
        try:
            with_schema("", schema)
        except ValueError as error:
            raise InvalidOption(str(error)) from None
        self._queues = options.check_queues(queues)
        self._schema = schema
        self._database = Database(database, schema, home)
        self._session = Session(self._database, hints_at_commit=hint_at_commit)
        self._starter = Starter(self._session)
        self._awaiting = Awaiting(self._session)
        self._insight = Insight()

    @property
    def is_open(self) -> bool:
        """Tells whether the database was opened, so that there is something to close."""
        return self._session.is_open

    async def __aenter__(self) -> AsyncDurable:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections and leaves the embedded server; the next call opens them again."""
        await self._awaiting.close()
        await self._session.close()
        try:
            await asyncio.to_thread(self._database.close)
        except RuntimeError:  # the interpreter is ending and starts no threads any more
            self._database.close()
        self._starter.forget_ids()
        self._insight = Insight()

    async def start(
        self,
        module: Source,
        input: Json = None,
        *,
        workflow: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        scheduled_at: datetime | timedelta | None = None,
        id: str | None = None,
        key: str | None = None,
        on_conflict: OnConflict = "return",
        debounce: timedelta | float | None = None,
        debounce_limit: timedelta | float | None = None,
        headers: Mapping[str, str] | None = None,
        connection: Any = None,
    ) -> str:
        """Starts an execution and gives its id; once this returns, nothing can lose it.

        `module` is a YAML file, an imported Python module, a workflow, a graph, several of these, or the name
        of a workflow that was started in this database before, whose latest definition it takes. `workflow`
        picks one of several in a file or module; the first is the default. `queue` and `priority` (higher runs
        first) are the workflow's unless given. `scheduled_at` is an instant with a time zone, or a span from
        now on the database's clock; one in the past means now. `id` is a UUID that no execution has.

        `key` is your own name for it: a workflow has one execution with a key, and a second start gives the id of the
        first, or raises `KeyConflict` with `on_conflict="reject"`. `headers` are texts by name that stay with it, such
        as `traceparent`. `connection` is a psycopg connection, asynchronous or not, to the same database: the execution
        is part of its transaction, and there once that commits.

        With `debounce`, a span, starts with one key become one execution: it begins that long after the last of them
        and at latest `debounce_limit` after the first, as the last of them says; all give its id. The key is free
        again when it begins.

        Raises `DslError` with every problem of the workflow, `UnknownWorkflow`, `InvalidInput` with every reason,
        `InvalidOption`; nothing is stored then.
        """
        how = check_options(
            queue,
            priority,
            scheduled_at,
            key=key,
            on_conflict=on_conflict,
            headers=headers,
            connection=connection,
            debounce=debounce,
            debounce_limit=debounce_limit,
            id=id,
        )
        started = await self._starter.start(module, workflow, input, id, how)
        self._awaiting.started(started)
        return started

    async def start_many(
        self,
        module: Source,
        inputs: Iterable[Json],
        *,
        workflow: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        scheduled_at: datetime | timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        connection: Any = None,
    ) -> list[str]:
        """Starts an execution for each input, all or none; gives their ids in the order of the inputs.

        Everything else is as in `start`; the reasons of `InvalidInput` begin with `inputs[3]:`.
        """
        how = check_options(queue, priority, scheduled_at, headers=headers, connection=connection)
        return await self._starter.start_many(module, workflow, inputs, how)

    async def get_execution(self, id: str, *, include_steps: bool = False, include_logs: bool = False) -> Execution:
        """Gives an execution as it is now, with its history and log if asked for; raises `UnknownExecution`."""
        row = await self._get_row(id)
        progress = (
            await self._session.ask(lambda store: store.list_progress(row.key)) if row.status == "running" else {}
        )
        steps = await self._session.ask(lambda store: store.list_checkpoints(row.key)) if include_steps else None
        logs = await self._session.ask(lambda store: store.list_logs(row.key)) if include_logs else None
        return execution_from(row, steps, logs, progress)

    async def find_execution(self, id: str) -> Execution | None:
        """Gives an execution as it is now, or None when there is none with this id."""
        row = await self._find_row(id)
        return None if row is None else execution_from(row)

    async def get_graph(self, id: str) -> Graph:
        """Gives the graph that an execution is pinned to; raises `UnknownExecution`."""
        row = await self._get_row(id)
        return (await self._session.ask(lambda store: self._insight.get_program(store, row))).graph

    async def node_states(self, id: str) -> dict[str, NodeState]:
        """Gives how far every node of an execution got, by node id, for drawings; raises `UnknownExecution`."""
        row = await self._get_row(id)
        return await self._session.ask(lambda store: self._insight.node_states(store, row))

    async def result(self, id: str, timeout: timedelta | float | None = None) -> Json:
        """Waits until an execution has ended and gives its output.

        Raises `ExecutionFailed` with its error, `ExecutionCancelled`, `UnknownExecution`, and `ResultTimeout` when it
        has not ended within `timeout` (a timedelta or seconds; None waits for ever, 0 looks once).
        """
        seconds = options.seconds_of(timeout)
        ends_at = None if seconds is None else time.monotonic() + seconds
        public_id = known(id)
        with self._awaiting.watched(public_id) as watch:
            if ends_at is None:
                await watch.rest_at_first()
            while True:
                outcome = await self._session.ask(lambda store: store.find_outcome(public_id))
                if outcome is None:
                    raise unknown(id)
                if outcome[0] in TERMINAL:
                    return _output(id, *outcome)
                left = None if ends_at is None else ends_at - time.monotonic()
                if left is not None and left <= 0:
                    raise ResultTimeout(f"the execution {id} has not ended in {seconds:g} s; it is {outcome[0]}")
                await watch.rest(left)

    async def cancel(
        self, id: str, reason: str | None = None, *, by: str | None = None, compensate: bool = False
    ) -> Status:
        """Asks for an execution to be cancelled and gives the status it was found in.

        Once this returns, it cannot complete any more, and it is `cancelled` as soon as a worker has seen the
        request. With `compensate` what it had completed is undone first, and it is `compensation_failed` if a part of
        that could not be; without, it also ends an execution that is being undone, where that stands. One that has
        ended stays as it is; its status tells, and that is no error. Raises `UnknownExecution`.
        """
        public_id = known(id)
        payload: dict[str, Json] = {"reason": reason, "by": by}
        if compensate:
            payload["compensate"] = True
        status = await self._session.ask(lambda store: store.send_request(public_id, "cancel", payload))
        if status is None:
            raise unknown(id)
        if status not in TERMINAL:
            self._session.hint()
        return status

    async def list_workers(self) -> list[WorkerRow]:
        """Gives the workers that are registered, those whose lease ran out included."""
        return await self._session.ask(lambda store: store.list_workers())

    async def migrate(self) -> list[str]:
        """Brings the schema up to date and gives the names of the migrations it applied.

        Done by the first call anyway, unless `DURABLE_AUTO_MIGRATE=0`.
        """
        return await asyncio.to_thread(self._database.migrate)

    def worker(
        self,
        *,
        queues: Mapping[str, int] | None = None,
        concurrency: int | None = None,
        name: str | None = None,
        only: Sequence[str] | None = None,
        allow: Sequence[str] | None = None,
        allow_shell: bool = False,
        capture_output: bool = False,
        secrets: SecretSource | None = None,
        databases: Mapping[str, str] | None = None,
    ) -> Worker:
        """Gives a worker on this database, to be run with `await worker.run()`.

        `queues` limits executions at once by queue, by default as given to this client; None serves all queues.
        `concurrency` limits them all together. `only` are the ids of the executions it is for. `allow` lists the
        packages that steps may call; `shell` steps run only with `allow_shell`. With `capture_output` what steps print
        is a part of their log, and is printed all the same. `secrets` are values by name, or a function of a name, by
        default variables of the environment. `databases` are the addresses of those that `sql` steps name, by default
        variables as DURABLE_DATABASE_SHOP_URL. Blocks while the database is opened.
        """
        from durable_runtime.worker import DEFAULT_CONCURRENCY, Worker

        return Worker(
            self._database.open(),
            schema=self._schema,
            queues=self._queues if queues is None else options.check_queues(queues),
            concurrency=DEFAULT_CONCURRENCY if concurrency is None else options.check_concurrency(concurrency),
            name=name,
            only=None if only is None else [known(id) for id in only],
            allow=allow,
            allow_shell=allow_shell,
            capture_output=capture_output,
            secrets=secrets,
            databases=databases,
        )


def _output(id: str, status: Status, output: Json, error: Json) -> Json:
    if status == "completed":
        return output
    told = error or {}
    where = f" at {told['node']}" if told.get("node") else ""
    if status == "cancelled":
        raise ExecutionCancelled(f"the execution {id} was cancelled: {told.get('message')}", error)
    message = f"the execution {id} failed{where}: {told.get('type')}: {told.get('message')}"
    raise ExecutionFailed(message + _UNDONE.get(status, ""), error)


_UNDONE: dict[Status, str] = {
    "compensated": " (what it had completed is undone)",
    "compensation_failed": " (and not all that it had completed could be undone: see data.compensation_errors)",
}
