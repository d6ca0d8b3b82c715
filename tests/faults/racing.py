"""Driving races: stop a statement in its middle, see who waits for whom, take a guard out of a statement.

Nothing here waits for time to pass. A race is driven by two kinds of named signals: a *gate*, a point inside a
statement at which the connections of one name stop until it is opened, and what the server itself says of who waits.
"""

from __future__ import annotations

import asyncio
import itertools
from types import TracebackType
from typing import Protocol, Self

import psycopg
import pytest

from durable_runtime.store.queries import Statement
from tests.postgres import wait_until

EITHER_WAY = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard taken out"])
"""Runs a race twice: as it is, and with the guard taken out to see that then the bad thing really happens."""

FENCE = "select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share"
NO_FENCE = "select 1 where (%(worker_id)s::bigint, %(lane)s::int, %(epoch)s::int) is not null"


class HasStatements(Protocol):
    """A store with statements by name."""

    _sql: dict[str, bytes]


def take_out(store: HasStatements, statement: str, guard: str, replacement: str = "") -> None:
    """Takes a guard out of this store's copy of a statement; it has to be there."""
    text = store._sql[statement].decode()
    assert guard in text, f"{statement} has no {guard!r}: the guard went away, or was written differently"
    without = text.replace(guard, replacement).encode()
    store._sql = {**store._sql, statement: without}
    often: dict[str, Statement] = getattr(store, "_often", {})
    if statement in often:
        plan_lasts = often[statement].plan_lasts
        often[statement] = Statement(statement, without, plan_lasts=plan_lasts)


class Observer:
    """A connection of the test's own that looks on."""

    def __init__(self, url: str) -> None:
        self._connection: psycopg.Connection[tuple[object, ...]] = psycopg.connect(url, autocommit=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def value(self, query: str, *parameters: object) -> object:
        """Gives the only value of a query's only row."""
        row = self._connection.execute(query.encode(), parameters).fetchone()
        assert row is not None
        return row[0]

    def execute(self, statement: str) -> None:
        self._connection.execute(statement.encode())

    async def until_waiting(self, application: str) -> None:
        """Returns when a connection of this name waits for another transaction to let go of a row."""
        await self._until(application, ("transactionid", "tuple"))

    async def until_stopped(self, application: str) -> None:
        """Returns when a connection of this name stands before a gate."""
        await self._until(application, ("advisory",))

    async def _until(self, application: str, events: tuple[str, ...]) -> None:
        query = (
            "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' "
            "and application_name = %s and wait_event_type = 'Lock' and wait_event = any(%s)"
        )
        await asyncio.to_thread(
            wait_until,
            lambda: self.value(query, application, list(events)) != 0,
            f"{application!r} waits for {' or '.join(events)}",
            10,
        )


_numbers = itertools.count(1)


class Gate:
    """Stops the connections of one name in the middle of a statement, when it touches a row of one table.

    By then the statement has its snapshot and the locks it takes first. Made of a trigger, which only tests have.
    """

    def __init__(self, url: str, observer: Observer, application: str, event: str, table: str) -> None:
        self._observer = observer
        self._application = application
        number = next(_numbers)
        self._key: psycopg.Connection[tuple[object, ...]] = psycopg.connect(url, autocommit=True)
        self._key.execute("select pg_advisory_lock(%s)", (number,))
        observer.execute(
            f"""
            create function public.gate_{number}() returns trigger language plpgsql as $$ begin
                if current_setting('application_name') = '{application}' then
                    perform pg_advisory_xact_lock_shared({number});
                end if;
                return new;
            end $$;
            create trigger gate_{number} before {event} on durable.{table}
                for each row execute function public.gate_{number}();
            """
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.open()

    async def reached(self) -> None:
        """Returns when someone stands before the gate."""
        await self._observer.until_stopped(self._application)

    def open(self) -> None:
        """Lets everyone through, now and later."""
        self._key.close()
