"""Executions, checkpoints and commits for tests, each with what does not matter filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json, Kind
from durable_runtime.core.open_waits import OpenWait
from durable_runtime.store.protocol import (
    Claimed,
    Commit,
    End,
    ExecutionRow,
    Lease,
    NewChild,
    NewExecution,
    Suspend,
    Timer,
)
from tests.store.stores import Stores

AT = datetime(2030, 5, 17, 12, 0, 0, 123456, tzinfo=UTC)
"""An instant for checkpoints; microseconds show whether it was rounded."""

LEASE = timedelta(seconds=10)
GRAPH = b'{"steps":[],"name":"order"}'


def public_id(number: int) -> str:
    """Gives an id that is easy to read in a failure."""
    return f"00000000-0000-7000-8000-{number:012}"


async def save_definition(stores: Stores, workflow: str = "order") -> int:
    """Stores a small definition."""
    return await stores.client.save_definition(workflow, "v1", None, GRAPH)


async def start(
    stores: Stores,
    *numbers: int,
    workflow: str = "order",
    queue: str = "default",
    priority: int = 0,
    scheduled_at: datetime | None = None,
) -> list[int]:
    """Starts executions with these numbers as ids; gives their keys."""
    definition_id = await save_definition(stores, workflow)
    await stores.client.insert_executions(
        [
            NewExecution(
                public_id=public_id(number),
                definition_id=definition_id,
                workflow=workflow,
                input=b"{}",
                queue=queue,
                priority=priority,
                scheduled_at=scheduled_at,
            )
            for number in numbers
        ]
    )
    return [(await get(stores, number)).key for number in numbers]


async def child_of(
    stores: Stores,
    number: int,
    *,
    path: str = "pay",
    queue: str = "default",
    attached: bool = True,
    awaited: bool = True,
) -> NewChild:
    """Makes an execution for another one to start, with this number as its id."""
    definition_id = await save_definition(stores, "payment")
    new = NewExecution(
        public_id=public_id(number), definition_id=definition_id, workflow="payment", input=b'{"n": 1}', queue=queue
    )
    return NewChild(execution=new, path=path, attached=attached, awaited=awaited)


async def get(stores: Stores, number: int) -> ExecutionRow:
    """Reads an execution that has to be there."""
    row = await stores.client.find_execution(public_id(number))
    assert row is not None, f"execution {number} is not stored"
    return row


async def statuses(stores: Stores, *numbers: int) -> list[str]:
    """Reads the statuses of executions."""
    return [(await get(stores, number)).status for number in numbers]


async def register(stores: Stores, name: str = "worker") -> Lease:
    """Registers a worker with two lanes."""
    return await stores.worker.register(name, {"default": 10}, 2, LEASE)


async def claim(stores: Stores, lease: Lease, limit: int = 100, *, alone: bool = False) -> list[Claimed]:
    """Claims from the default queue."""
    return await stores.worker.claim(lease, "default", limit, alone=alone)


def ids_of(claimed: Sequence[Claimed]) -> list[str]:
    """Gives the public ids in the order of the claim."""
    return [one.id for one in claimed]


def checkpoint(
    seq: int,
    path: str = "price",
    kind: Kind = "completed",
    *,
    result: Json = None,
    error: ErrorValue | None = None,
    log: str | None = None,
    encoded: bytes | None = None,
) -> Checkpoint:
    """Makes a checkpoint."""
    return Checkpoint(
        seq=seq, path=path, kind=kind, result=result, error=error, finished_at=AT, log=log, encoded=encoded
    )


def goes_on(key: int, *checkpoints: Checkpoint, seen: int = 0) -> Commit:
    """A commit of an execution that goes on running."""
    return Commit(key=key, seen=seen, checkpoints=list(checkpoints))


def goes_on_by_two(key: int, first: Checkpoint) -> Commit:
    """A commit of an execution that goes on running, of a checkpoint and the next: one alone has its own statement."""
    return goes_on(key, first, checkpoint(first.seq + 1))


def suspends(key: int, *checkpoints: Checkpoint, seen: int = 0, until: Sequence[datetime] = ()) -> Commit:
    """A commit of an execution that waits for these instants."""
    timers = tuple(Timer(f"wait{number}", "time", due_at) for number, due_at in enumerate(until))
    return Commit(key=key, seen=seen, checkpoints=list(checkpoints), move=Suspend(timers))


def completes(key: int, *checkpoints: Checkpoint, seen: int = 0, output: bytes = b'"done"') -> Commit:
    """A commit of an execution that ends well."""
    move = End(status="completed", at=AT, output=output)
    return Commit(key=key, seen=seen, checkpoints=list(checkpoints), move=move)


async def begun(stores: Stores, *numbers: int) -> tuple[Lease, list[int]]:
    """Starts executions and claims them for one worker; gives its lease, and their keys."""
    keys = await start(stores, *numbers)
    lease = await register(stores)
    await claim(stores, lease)
    return lease, keys


def opens(commit: Commit, *waits: OpenWait) -> Commit:
    """The commit with these waits opened."""
    commit.opens = waits
    return commit


def event_wait(
    path: str = "payment", name: str = "paid", key: str | None = None, due_at: datetime | None = None
) -> OpenWait:
    """A wait for an event, by key or of the execution's own."""
    detail = {"event": name} if key is None else {"event": name, "key": key}
    return OpenWait(path=path, label="", kind="event", detail=detail, opened_at=AT, name=name, key=key, due_at=due_at)
