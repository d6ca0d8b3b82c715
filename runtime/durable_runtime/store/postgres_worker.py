"""The worker's side of the store on PostgreSQL. Each method is one statement, or says why it is more."""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import psycopg

from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.errors import LeaseLost
from durable_runtime.store.arrays import jsons, texts
from durable_runtime.store.columns import (
    checkpoint_columns,
    checkpoint_values,
    has_more,
    line_columns,
    move_columns,
    rest_of,
    sought_columns,
)
from durable_runtime.store.connections import Line
from durable_runtime.store.hints import ends_channel, workers_channel
from durable_runtime.store.histories import History
from durable_runtime.store.messages import Routed, Sought, settled
from durable_runtime.store.outlook import Outlook
from durable_runtime.store.protocol import (
    ALONE_FROM,
    Claimed,
    Commit,
    Inbox,
    Lease,
    Look,
    Outcome,
    Row,
    StatementRefused,
    Stored,
    TryAgain,
    Woken,
)
from durable_runtime.store.queries import DEFAULT_SCHEMA, Statement, load_queries
from durable_runtime.store.rows import checkpoint_of, claimed_of, error_as_seen, histories_of, json_or_none
from durable_runtime.store.seen import LogLine


class PostgresWorkerStore:
    """What a worker does to the database.

    `lanes` connections write batches, one claims, one does the rest. Errors come out as `StatementRefused`,
    `TryAgain`, `NoAnswer` or `LeaseLost`.
    """

    def __init__(self, conninfo: str, *, schema: str = DEFAULT_SCHEMA, lanes: int = 2) -> None:
        self._sql = load_queries("worker", schema) | load_queries("messages", schema)
        self._definition = load_queries("client", schema)["get_definition"]
        self._server_time = load_queries("client", schema)["server_time"]
        self._tell = Statement("tell", load_queries("client", schema)["tell"], plan_lasts=math.inf)
        self._schema = schema
        self._often = {
            name: Statement(name, self._sql[name], plan_lasts=plan_lasts)
            for name, plan_lasts in (
                ("append", math.inf),
                ("append_one", math.inf),
                # The tables may have grown meanwhile, and what was right for a page is wrong for a thousand.
                ("append_and_move", 0.5),
                # In front of a queue that has just become long, a wrong plan takes seconds.
                ("claim", 0.1),
                ("count_ready", 0.1),
            )
        }
        self._lanes = [Line(conninfo, f"durable lane {lane}") for lane in range(lanes)]
        self._claims = Line(conninfo, "durable claims")
        self._chores = Line(conninfo, "durable chores")
        # Where each claim may begin to look, so that it does not wade through the dead rows of earlier ones;
        # forgotten each second.
        self._low_water: dict[tuple[str, bool], tuple[int, int]] = {}

    def forget_low_water(self) -> None:
        """Makes the next claims look from the beginning: work of a higher priority, or work put back, stands there."""
        self._low_water.clear()

    async def register(self, name: str, queues: dict[str, int], lanes: int, lease: timedelta) -> Lease:
        """Gives this worker an id and fence rows for its lanes and, last, for its claims."""
        rows = await self._chores.fetch(
            self._sql["register"],
            {
                "name": name,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "queues": json.dumps(queues),
                "lease": lease,
                "lanes": lanes + 1,
            },
        )
        return Lease(rows[0][0], (1,) * (lanes + 1))

    async def server_time(self) -> datetime:
        """Gives the database's clock."""
        now: datetime = (await self._chores.fetch(self._server_time))[0][0]
        return now

    async def wake_workers(self, queue: str = "") -> None:
        """Says something to all workers, this one included."""
        await self._chores.ask(self._tell, {"channel": workers_channel(self._schema), "hint": queue})

    async def tell_ends(self, ended: str) -> None:
        """Says to all clients that wait which executions ended."""
        await self._chores.ask(self._tell, {"channel": ends_channel(self._schema), "hint": ended})

    async def unregister(self, lease: Lease) -> None:
        await self._chores.fetch(self._sql["unregister"], {"worker_id": lease.worker_id})

    async def claim(
        self, lease: Lease, queue: str, limit: int, *, alone: bool = False, only: Collection[str] | None = None
    ) -> list[Claimed]:
        """Takes up to `limit` pending executions of a queue, highest priority first.

        With `only`, just those with these ids and what they started, on any queue.
        """
        lane = len(lease.epochs) - 1
        fence = {"worker_id": lease.worker_id, "lane": lane, "epoch": lease.epoch(lane)}
        if only is not None:
            rows = await self._claims.fetch(self._sql["claim_one"], {**fence, "ids": list(only), "limit": limit})
        else:
            rank, after = self._low_water.get((queue, alone), _LOWEST)
            rows = await self._claims.ask(
                self._often["claim"],
                {**fence, "queue": queue, "limit": limit, "alone": alone, "rank": rank, "after": after},
            )
        if not rows[0][0]:
            raise LeaseLost(f"worker {lease.worker_id} was taken over")
        last = rows[-1]
        if last[1] is not None and only is None:
            self._low_water[queue, alone] = (last[1], last[2])
        return [claimed_of(row) for row in rows if row[3] is not None]

    async def count_ready(self, queue: str, at_most: int) -> int:
        """Gives how many executions of a queue can be claimed, or this many if there are more."""
        rank, after = self._low_water.get((queue, False), _LOWEST)
        wanted = {"queue": queue, "rank": rank, "after": after, "limit": at_most}
        count: int = (await self._claims.ask(self._often["count_ready"], wanted))[0][0]
        return count

    async def load_graph(self, definition_id: int) -> bytes:
        rows = await self._chores.fetch(self._definition, {"id": definition_id})
        return str(rows[0][0]).encode()

    async def latest_definitions(self, workflows: Collection[str]) -> dict[str, int]:
        """Gives the ids of the latest definitions of these workflows; those that are not stored are left out."""
        rows = await self._chores.fetch(self._sql["latest_definitions"], {"workflows": texts(list(workflows))})
        return {row[0]: row[1] for row in rows}

    async def load_checkpoints(self, keys: Collection[int]) -> dict[int, list[Checkpoint]]:
        """Gives the checkpoints of these executions in the order of their numbers."""
        found: dict[int, list[Checkpoint]] = {key: [] for key in keys}
        for row in await self._chores.fetch(self._sql["load_checkpoints"], {"ids": list(keys)}):
            found[row[0]].append(checkpoint_of(row[1:]))
        return found

    async def load_histories(self, keys: Collection[int]) -> dict[int, History]:
        """Gives the newest snapshot of each of these executions with what came after it, or all checkpoints."""
        return histories_of(keys, await self._chores.fetch(self._sql["load_histories"], {"ids": list(keys)}))

    async def collect(self, key: int, path: str, since: int = 0) -> list[tuple[str, str, Json, Json]]:
        """Gives (path, kind, result, error) of the checkpoints one level below a foreach's items, in order.

        The foreach was entered by the checkpoint `since`.
        """
        wanted = {"execution_id": key, "prefix": f"{path}[", "since": since}
        rows = await self._chores.fetch(self._sql["collect"], wanted)
        return [(row[0], row[1], json_or_none(row[2]), error_as_seen(row[3])) for row in rows]

    async def commit(self, lease: Lease, lane: int, commits: Sequence[Commit]) -> list[Outcome]:
        """Writes a batch in one statement, or one transaction when there is more to it than checkpoints and moves.

        Gives an outcome for each commit. Raises `LeaseLost` when the fence does not hold: then nothing was written.
        """
        fence = {"worker_id": lease.worker_id, "lane": lane, "epoch": lease.epoch(lane)}
        line = self._lanes[lane]
        single = _single(commits)
        if single is not None:
            values = {**fence, **checkpoint_values(commits[0].key, single)}
            return _outcomes(lease, commits, await line.ask(self._often["append_one"], values))
        moving = any(commit.move is not None for commit in commits)
        parameters = {**fence, **checkpoint_columns(commits)}
        if moving:
            parameters |= move_columns(commits)
        if not any(map(has_more, commits)):
            statement = self._often["append_and_move" if moving else "append"]
            return _outcomes(lease, commits, await line.ask(statement, parameters))
        async with line.use() as connection, connection.transaction():
            cursor = await connection.execute(self._sql["append_and_move" if moving else "append"], parameters)
            outcomes = _outcomes(lease, commits, await cursor.fetchall())
            written = [
                commit for commit, outcome in zip(commits, outcomes, strict=True) if outcome is Outcome.COMMITTED
            ]
            await self._write_rest(connection, written)
        return outcomes

    async def _write_rest(self, connection: psycopg.AsyncConnection[Row], written: list[Commit]) -> None:
        """What belongs to checkpoints and is stored elsewhere, of those executions only whose checkpoints were written.

        What is sent comes after what is started: a parent that ends in the same commit reaches its children.
        """
        for name, parameters in rest_of(written):
            await connection.execute(self._sql[name], parameters)

    async def plan_commits(self, lanes: int, *, moves: bool) -> None:
        """Opens the first lanes and has statements planned, with `moves` all; writes nothing: no fence."""

        async def plan(line: Line) -> None:
            nothing = {**_NOBODY, **checkpoint_columns([]), **move_columns([])}
            for name in ("append", "append_and_move") if moves else ("append",):
                await line.ask(self._often[name], nothing)

        await asyncio.gather(*map(plan, self._lanes[:lanes]))

    async def plan_claims(self) -> None:
        """Does the same for the connection that claims; takes nothing."""
        nothing = {"queue": "", "limit": 0, "alone": False, "rank": 0, "after": 0}
        await self._claims.ask(self._often["claim"], {**_NOBODY, **nothing})

    async def newest_definitions(self, limit: int) -> list[int]:
        """Gives the newest definitions of as many workflows."""
        return [row[0] for row in await self._chores.fetch(self._sql["newest_definitions"], {"limit": limit})]

    async def find_unstorable(self, values: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Asks the server about each (path, JSON text) on its own; gives path and reason of those it refuses."""
        refused: dict[str, str] = {}
        for path, text in values:
            try:
                await self._chores.fetch(self._sql["check_value"], {"value": jsons([text])})
            except StatementRefused as error:
                refused[path] = str(error)
        return refused

    async def look(self, lease: Lease) -> Look:
        """Gives what there is to do: the only statement of a worker that has nothing to do."""
        rows = await self._chores.fetch(self._sql["look"], {"worker_id": lease.worker_id})
        ready, lonely, due_in, expired, signalled, unrouted, others = rows[0]
        return Look(
            ready=tuple(ready),
            lonely=tuple(lonely),
            due_in=due_in,
            expired=expired,
            signalled=tuple(signalled),
            unrouted=unrouted,
            others=tuple(frozenset(json.loads(queues)) for queues in others),
        )

    async def raise_own_epoch(self, lease: Lease, lane: int) -> Lease:
        """Waits for a lost statement of this lane to end and makes sure it can never begin; gives the new lease."""
        line = self._claims if lane == len(lease.epochs) - 1 else [*self._lanes, self._chores][lane]
        fence = {"worker_id": lease.worker_id, "lane": lane, "epoch": lease.epoch(lane)}
        rows = await line.fetch(self._sql["raise_own_epoch"], fence)
        if not rows:
            # Raised already, by this statement at an earlier try whose answer was lost.
            rows = await line.fetch(self._sql["raised_epoch"], fence)
        if not rows:
            raise LeaseLost(f"worker {lease.worker_id} was taken over")
        epochs = list(lease.epochs)
        epochs[lane] = rows[0][0]
        return Lease(lease.worker_id, tuple(epochs))

    async def raise_own_epochs(self, lease: Lease) -> Lease:
        """Does that for all lanes at once, whatever their epochs are: for a worker that leaves."""
        rows = await self._chores.fetch(self._sql["raise_own_epochs"], {"worker_id": lease.worker_id})
        if not rows:
            raise LeaseLost(f"worker {lease.worker_id} was taken over")
        return Lease(lease.worker_id, tuple(epoch for _lane, epoch in sorted(rows)))

    async def read_stored(self, lease: Lease, keys: Collection[int]) -> dict[int, Stored]:
        rows = await self._chores.fetch(self._sql["last_seqs"], {"ids": list(keys)})
        return {row[0]: Stored(row[1], row[2] == lease.worker_id, row[3]) for row in rows}

    async def read_told(self, lines: Mapping[int, LogLine]) -> set[int]:
        """Gives the executions whose log has this line; no two lines of an attempt have the same time."""
        rows = await self._chores.fetch(self._sql["told"], line_columns(list(lines.items())))
        return {row[0] for row in rows}

    async def read_inboxes(self, keys: Collection[int]) -> dict[int, Inbox]:
        """Gives each execution's signal and requests, of one snapshot."""
        found: dict[int, tuple[int, list[tuple[int, str, Json]]]] = {}
        for key, signal, request, kind, payload in await self._chores.fetch(
            self._sql["read_requests"], {"ids": list(keys)}
        ):
            requests = found.setdefault(key, (signal, []))[1]
            if request is not None:
                requests.append((request, kind, json_or_none(payload)))
        return {key: Inbox(signal, tuple(requests)) for key, (signal, requests) in found.items()}

    async def release(self, lease: Lease, lane: int, keys: Collection[int]) -> list[int]:
        """Gives executions back to whoever claims them next; fenced, and not counted as a recovery.

        Gives those that were ours. Raises `TryAgain` when a stranger holds the row of one; the others have been given
        back then.
        """
        rows = await self._chores.fetch(
            self._sql["release"],
            {
                "worker_id": lease.worker_id,
                "lane": lane,
                "epoch": lease.epoch(lane),
                "ids": list(keys),
                "alone_from": ALONE_FROM,
            },
        )
        released, held = rows[0]
        if held:
            raise TryAgain(f"the rows of {len(held)} executions are held by another transaction")
        return list(released)

    async def owned(self, lease: Lease) -> list[int]:
        return [row[0] for row in await self._chores.fetch(self._sql["owned"], {"worker_id": lease.worker_id})]

    async def wake_due(self, limit: int = 1000) -> Woken:
        """Makes due executions claimable, and tells what else there is to wait for or to do."""
        rows = await self._chores.fetch(self._sql["wake_due"], {"limit": limit, "alone_from": ALONE_FROM})
        return Woken(*rows[0])

    async def find_events(self, wanted: Sequence[Sought]) -> dict[int, list[Json]]:
        """Gives the events that executions look for and do not know, by execution, in the order of their ids."""
        found: dict[int, list[Json]] = {}
        for key, event, name, event_key, payload, xid in await self._chores.fetch(
            self._sql["find_events"], sought_columns(wanted)
        ):
            told = {"name": name, "key": event_key, "payload": json_or_none(payload), "event": event, "xid": xid}
            found.setdefault(key, []).append(told)
        return found

    async def settle_events(self, sought: Sought) -> Json:
        """Gives what can never come again once a look that follows has given all events: see `core.mailbox.Settled`.

        `gone` are those of the known ids that need not be known any more.
        """
        wanted = {"name": sought.name, "key": sought.key, "known": list(sought.known)}
        before, upto, gone = (await self._chores.fetch(self._sql["settle_events"], wanted))[0]
        return settled(sought, before, upto, gone)

    async def route(self, limit: int = 1000) -> Routed:
        """Makes requests count that executions sent to others, oldest first, up to `limit` of them."""
        rows = await self._chores.fetch(self._sql["route"], {"limit": limit, "alone_from": ALONE_FROM})
        targets = [(key, owner) for _requests, _answers, key, owner in rows if key is not None]
        return Routed(
            rows[0][0],
            tuple(key for key, owner in targets if owner is None),
            {key: owner for key, owner in targets if owner is not None},
            rows[0][1],
        )

    async def outlook(self, *, only: Collection[str] | None = None, queues: Collection[str] | None = None) -> Outlook:
        """Gives what is left that will run by itself: on these queues, or of these ids and what they started."""
        if only is not None:
            [row] = await self._chores.fetch(self._sql["outlook_of"], {"only": list(only)})
        else:
            wanted = None if queues is None else list(queues)
            [row] = await self._chores.fetch(self._sql["outlook"], {"queues": wanted})
        return Outlook(*row)

    async def close(self) -> None:
        for line in (*self._lanes, self._claims, self._chores):
            await line.close()


_LOWEST = (-(2**31), 0)
"""Before everything in a queue: rank and number of a hint."""

_NOBODY = {"worker_id": 0, "lane": 0, "epoch": 0}
"""A fence that never holds: workers are numbered from 1."""


def _outcomes(lease: Lease, commits: Sequence[Commit], rows: list[Row]) -> list[Outcome]:
    answer = rows[0]
    if not answer[0]:
        raise LeaseLost(f"worker {lease.worker_id} was taken over")
    if len(answer) == 1:
        return [Outcome.COMMITTED] * len(commits)
    guarded, refused = set(answer[1]), set(answer[2])
    return [
        Outcome.COMMITTED
        if commit.move is None or commit.key in guarded
        else Outcome.REFUSED
        if commit.key in refused
        else Outcome.BUSY
        for commit in commits
    ]


def _single(commits: Sequence[Commit]) -> Checkpoint | None:
    """Gives the checkpoint of a batch that writes nothing else."""
    if len(commits) != 1 or commits[0].move is not None or len(commits[0].checkpoints) != 1 or has_more(commits[0]):
        return None
    return commits[0].checkpoints[0]
