"""The client's side of the store on PostgreSQL: definitions, starts, questions, requests."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from durable_runtime.core.checkpoints import Checkpoint, Json, Snapshot
from durable_runtime.core.values import decode, encode
from durable_runtime.store.arrays import int8s, texts
from durable_runtime.store.bursts import debounce
from durable_runtime.store.columns import fork_parameters, insert_columns
from durable_runtime.store.connections import Lines
from durable_runtime.store.copying import copy_executions
from durable_runtime.store.filters import EVERYTHING, Filter, Order
from durable_runtime.store.hints import ends_channel, workers_channel
from durable_runtime.store.histories import History
from durable_runtime.store.lending import Ask, lent
from durable_runtime.store.protocol import (
    ALONE_FROM,
    ExecutionRow,
    KeyTaken,
    NewExecution,
    Row,
    Status,
    TryAgain,
)
from durable_runtime.store.publications import Publications
from durable_runtime.store.queries import DEFAULT_SCHEMA, Statement, load_queries
from durable_runtime.store.rows import checkpoint_of, execution_of, histories_of, pending_of, public_id_of
from durable_runtime.store.seen import LogLine, PendingWait, WorkerRow
from durable_runtime.store.standing import Standing, standing_of

Run: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[list[Row]]]
"""Runs the statement of this name and gives its rows."""


class PostgresClientStore(Publications):
    """What clients do to the database, over a few shared connections."""

    def __init__(self, conninfo: str, *, schema: str = DEFAULT_SCHEMA, connections: int = 2) -> None:
        self.schema = schema
        self._sql = load_queries("client", schema)
        self._lines = Lines(conninfo, "durable client", connections)
        self._often = {
            name: Statement(name, self._sql[name], plan_lasts=plan_lasts)
            for name, plan_lasts in (
                ("insert_executions", math.inf),
                ("insert_keyed", math.inf),
                ("tell", math.inf),
                ("execution_outcome", 1.0),
            )
        }

    async def _fetch(self, name: str, **parameters: object) -> list[Row]:
        return await self._run(name, parameters)

    async def _run(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        often = self._often.get(name)
        if often is not None:
            return await self._lines.ask(often, parameters)
        return await self._lines.fetch(self._sql[name], parameters)

    async def save_definition(self, workflow: str, version: str, label: str | None, graph: bytes) -> int:
        """Stores a graph under its version, once; gives its id.

        Raises `ValueError` when another graph has the same hash, which has to be impossible before anyone may rely on
        it.
        """
        text = graph.decode()
        for _attempt in range(2):
            rows = await self._fetch("save_definition", workflow=workflow, version=version, label=label, graph=text)
            if rows:
                if rows[0][1] != text:
                    raise ValueError(f"two graphs of {workflow!r} have the version {version}")
                return int(rows[0][0])
            # Another client stored it between this statement's snapshot and its insert; the next snapshot sees it.
        raise RuntimeError(f"the definition {workflow} {version} can be neither stored nor read")

    async def latest_definition(self, workflow: str) -> tuple[int, bytes] | None:
        rows = await self._fetch("latest_definition", workflow=workflow)
        return (rows[0][0], rows[0][1].encode()) if rows else None

    async def get_definition(self, definition_id: int) -> bytes:
        rows = await self._fetch("get_definition", id=definition_id)
        return str(rows[0][0]).encode()

    async def insert_executions(
        self,
        executions: Sequence[NewExecution],
        *,
        reject: bool = False,
        connection: Any = None,
        hint: str | None = None,
    ) -> list[str]:
        """Starts executions, all or none, and gives the id under which each of them stands.

        That is another one's where the key was taken; with `reject` that raises `KeyTaken`, and nothing is started.
        With `connection`, a psycopg connection of the caller's, all of it is part of the caller's transaction, and so
        is a `hint` to the workers: the server says it when that commits.
        """
        keyed = any(execution.key is not None for execution in executions)
        if connection is not None:
            async with lent(connection) as ask:
                ids = await self._start(self._named(ask), executions, keyed=keyed, reject=reject)
                await self._hint(ask, hint)
                return ids
        if not reject or not keyed:
            return await self._start(self._run, executions, keyed=keyed, reject=reject)
        async with self._lines.line() as line, line.use() as own, lent(own) as ask:
            return await self._start(self._named(ask), executions, keyed=keyed, reject=reject)

    async def insert_many(self, like: NewExecution, count: int, rows: Iterable[tuple[str, bytes]]) -> None:
        """Starts `count` executions, all or none, that are due at once and are like this one but for id and input.

        `rows` are ids and inputs, each asked for when it is needed; what that raises comes out of here.
        """
        async with self._lines.line() as line, line.use() as connection:
            await copy_executions(connection, self._sql, like, count, rows)

    async def _hint(self, ask: Ask, hint: str | None) -> None:
        if hint is not None:
            await ask(self._sql["tell"], {"channel": workers_channel(self.schema), "hint": hint})

    def _named(self, ask: Ask) -> Run:
        return lambda name, parameters: ask(self._sql[name], parameters)

    async def _start(self, run: Run, executions: Sequence[NewExecution], *, keyed: bool, reject: bool) -> list[str]:
        columns = insert_columns(executions, keyed=keyed)
        rows = await run("insert_keyed" if keyed else "insert_executions", columns)
        ids = [execution.public_id for execution in executions]
        if not keyed or rows[0][0] == len(ids):
            return ids
        with_key = [execution for execution in executions if execution.key is not None]
        keys = {
            "workflows": texts([execution.workflow for execution in with_key]),
            "keys": texts([execution.key or "" for execution in with_key]),
        }
        # A snapshot later than the insertion's, which has waited for whoever took the key: it is there by now.
        found = {
            execution.public_id: row[0]
            for execution, row in zip(with_key, await run("executions_by_key", keys), strict=True)
        }
        taken = [execution for execution in with_key if found[execution.public_id] != execution.public_id]
        if reject and taken:
            raise KeyTaken([str(each.key) for each in taken], [found[each.public_id] for each in taken])
        if None in found.values():
            # Deleted in between, or not to be seen in a transaction that reads an older snapshot.
            raise TryAgain("an execution with this key was started or deleted at the same moment")
        return [found.get(id, id) for id in ids]

    async def debounce(
        self, new: NewExecution, span: timedelta, limit: timedelta | None, call: str, *, connection: Any = None
    ) -> str:
        """Starts an execution `span` from now, or makes this the newest start of one that has not begun.

        Gives its id. It begins at latest `limit` after the first of these starts; `call` tells this one from others.
        With `connection` all of it is part of the caller's transaction; others with the key wait for its end.
        """
        if connection is not None:
            async with lent(connection) as ask:
                return await debounce(self._named(ask), new, span, limit, call)
        async with self._lines.line() as line, line.use() as own, lent(own) as ask:
            return await debounce(self._named(ask), new, span, limit, call)

    async def has_definitions(self, executions: Sequence[NewExecution], connection: Any) -> bool:
        """Tells whether a caller's connection leads to the database in which the definitions are stored."""
        known = {execution.definition_id: execution.workflow for execution in executions}
        columns = {"ids": int8s(list(known)), "workflows": texts(list(known.values()))}
        async with lent(connection) as ask:
            rows = await ask(self._sql["has_definitions"], columns)
        return bool(rows[0][0] == len(known))

    async def wake_workers(self, queue: str = "") -> None:
        """Tells the workers of a queue that it has work, or all of them that there is something to look for."""
        await self._fetch("tell", channel=workers_channel(self.schema), hint=queue)

    async def tell_ends(self, ended: str) -> None:
        """Says to all clients that wait which executions ended."""
        await self._fetch("tell", channel=ends_channel(self.schema), hint=ended)

    async def server_time(self) -> datetime:
        """Gives the time on the database's clock, which is the one that counts."""
        at: datetime = (await self._fetch("server_time"))[0][0]
        return at

    async def find_execution(self, public_id: str) -> ExecutionRow | None:
        rows = await self._fetch("get_execution", public_id=public_id_of(public_id))
        return execution_of(rows[0]) if rows else None

    async def find_outcome(self, public_id: str) -> tuple[Status, Json, Json] | None:
        """Gives (status, output, error), the little that waiting for a result needs."""
        rows = await self._fetch("execution_outcome", public_id=public_id_of(public_id))
        if not rows:
            return None
        status, output, error = rows[0]
        return status, decode(output) if output is not None else None, decode(error) if error is not None else None

    async def list_executions(
        self,
        filter: Filter = EVERYTHING,
        *,
        order: Order = "newest",
        before: str | None = None,
        limit: int = 50,
        brief: bool = False,
    ) -> list[ExecutionRow]:
        """Gives a page; `before` is the last id of the page before, and nothing comes after one that is not there."""
        last = None if before is None else await self.find_execution(before)
        if before is not None and (last is None or (order == "finished" and last.finished_at is None)):
            return []
        rows = await self._fetch(
            "list_executions",
            **filter.columns(),
            order=order,
            above=last.key if last is not None and order == "oldest" else None,
            below=last.key if last is not None and order != "oldest" else None,
            ended=last.finished_at if last is not None and order == "finished" else None,
            limit=limit,
            brief=brief,
        )
        return [execution_of(row) for row in rows]

    async def count_executions(self, filter: Filter = EVERYTHING) -> dict[str, int]:
        """Gives how many there are, by the status that people see."""
        return {row[0]: row[1] for row in await self._fetch("count_executions", **filter.columns())}

    async def family(self, key: int, limit: int = 10_000) -> list[ExecutionRow]:
        """Gives the executions of a family, the first of its line first."""
        return [execution_of(row) for row in await self._fetch("family", id=key, limit=limit)]

    async def list_checkpoints(self, key: int, after: int = 0) -> list[Checkpoint]:
        """Gives the history, or what came after a number of it."""
        return [checkpoint_of(row) for row in await self._fetch("list_checkpoints", id=key, after=after)]

    async def list_logs(
        self, key: int, *, levels: Collection[str] | None = None, node: str | None = None, after: int = 0
    ) -> list[LogLine]:
        """Gives lines of these levels, at this node or below it, after the line with this id."""
        chosen = None if levels is None else list(levels)
        rows = await self._fetch("list_logs", id=key, levels=chosen, node=node, after=after)
        return [
            LogLine(path=row[0], attempt=row[1], level=row[2], message=row[3], at=row[4], id=row[5]) for row in rows
        ]

    async def list_progress(self, key: int) -> dict[str, Json]:
        """Gives what attempts under way said last of how far they are, by instance path."""
        return {row[0]: decode(row[1]) for row in await self._fetch("list_progress", id=key)}

    async def get_standing(self, key: int) -> Standing:
        """Gives what the tables say of an execution beside its history."""
        row = (await self._fetch("standing", id=key))[0]
        return standing_of(row, is_locked=not await self._fetch("lock_execution", id=key))

    async def list_workers(self) -> list[WorkerRow]:
        return [
            WorkerRow(
                id=row[0],
                name=row[1],
                host=row[2],
                pid=row[3],
                queues=decode(row[4]),
                started_at=row[5],
                expires_at=row[6],
                expired=row[7],
                loop_lag=row[8],
                executions=row[9],
            )
            for row in await self._fetch("list_workers")
        ]

    async def send_request(self, public_id: str, kind: str, payload: Json) -> Status | None:
        """Puts a request into an execution's inbox; gives the status it found, None when there is no such execution.

        An execution that has ended takes no requests; its status tells.
        """
        rows = await self._fetch(
            "send_request",
            public_id=public_id_of(public_id),
            kind=kind,
            payload=encode(payload)[0].decode(),
            alone_from=ALONE_FROM,
        )
        if not rows:
            return None
        status: Status = rows[0][0]
        return status

    async def send_requests(self, public_ids: Sequence[str], kind: str, payload: Json) -> int:
        """Puts the same request into many inboxes; gives how many took it, for those that have ended take none."""
        rows = await self._fetch(
            "send_requests",
            public_ids=list(public_ids),
            kind=kind,
            payload=encode(payload)[0].decode(),
            alone_from=ALONE_FROM,
        )
        return int(rows[0][0])

    async def load_history(self, key: int) -> History:
        """Gives all that is left of a history, with the snapshot with which it begins if something of it is gone."""
        return histories_of([key], await self._fetch("load_history", id=key))[key]

    async def fork_execution(
        self, source: int, new: NewExecution, upto: int, forked: Checkpoint, base: Snapshot | None = None
    ) -> None:
        """Starts an execution with the first `upto` checkpoints of another, and `forked` behind them.

        If something of the other's history is gone, it begins with the snapshot `base`.
        """
        await self._fetch("fork_execution", **fork_parameters(source, new, upto, forked, base))

    async def retry(self, public_id: str, payload: Json) -> Status | None:
        """Opens an execution again that has failed; gives the status it found, None when there is no such execution."""
        text = encode(payload)[0].decode()
        rows = await self._fetch("retry", public_id=public_id_of(public_id), payload=text)
        if not rows:
            return None
        status: Status = rows[0][0]
        return status

    async def was_asked(self, public_id: str, mark: str) -> bool:
        """Tells whether a retry with this mark was taken, by an answer that was lost."""
        return bool((await self._fetch("was_asked", public_id=public_id_of(public_id), mark=mark))[0][0])

    async def was_received(self, public_id: str, once: str) -> bool:
        """Tells whether an execution received an event that its sender gave this id."""
        return bool((await self._fetch("was_received", public_id=public_id_of(public_id), once=once))[0][0])

    async def list_pending(
        self,
        *,
        public_id: str | None = None,
        workflow: str | None = None,
        kind: str | None = None,
        assignee: str | None = None,
        limit: int = 50,
    ) -> list[PendingWait]:
        """Gives what executions wait for from outside, the oldest first."""
        rows = await self._fetch(
            "list_pending", public_id=public_id, workflow=workflow, kind=kind, assignee=assignee, limit=limit
        )
        return [pending_of(row) for row in rows]

    async def emit_event(
        self,
        name: str,
        key: str,
        payload: bytes,
        sent_by: str,
        *,
        connection: Any = None,
        hint: str | None = None,
    ) -> None:
        """Stores an event for everyone who waits for its name and key, once for each `sent_by`.

        With `connection`, a psycopg connection of the caller's, it is part of the caller's transaction; so is a `hint`.
        """
        parameters = {"name": name, "key": key, "payload": payload.decode(), "sent_by": sent_by}
        if connection is None:
            await self._run("emit_event", parameters)
            return
        async with lent(connection) as ask:
            await ask(self._sql["emit_event"], parameters)
            await self._hint(ask, hint)

    async def keep_events(self, name: str, keep: timedelta) -> None:
        """Says how long events of a name are kept."""
        await self._run("keep_events", {"name": name, "keep": keep})

    async def send_answer(self, public_id: str, path: str, label: str, answer: str, payload: Json) -> bool:
        """Puts an answer, by an id of its own, into an execution's inbox.

        False when there is no such open ask, or it has another answer.
        """
        rows = await self._fetch(
            "send_answer",
            public_id=public_id_of(public_id),
            path=path,
            label=label,
            answer=answer,
            payload=encode(payload)[0].decode(),
            alone_from=ALONE_FROM,
        )
        return bool(rows[0][0])

    async def close(self) -> None:
        await self._lines.close()
