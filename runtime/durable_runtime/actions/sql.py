"""The action `sql`: on the engine's own database it commits with its checkpoint, on another one at least once."""

from __future__ import annotations

import os
from collections.abc import Mapping

from durable_runtime.actions.context import StepContext
from durable_runtime.actions.functions import Missing
from durable_runtime.actions.outcome import Fatal
from durable_runtime.core.checkpoints import Json
from durable_runtime.store.sql_steps import Database, SqlRefused, run_statement


class MissingDatabase(Missing):
    """This worker knows no database of this name. Another may: the execution is deferred, not failed."""


class SqlRefusal(SqlRefused, Fatal):
    """A statement whose answer cannot be a result, which another attempt does not mend."""


def variable_of(name: str) -> str:
    """Gives the variable of the environment that holds the address of a database."""
    return f"DURABLE_DATABASE_{name.upper()}_URL"


class SqlRunner:
    """Runs statements. `databases` are addresses by name; others are looked for in the environment."""

    def __init__(self, databases: Mapping[str, str] | None = None) -> None:
        self._addresses = dict(databases or {})
        self._open: dict[str, Database] = {}

    def check(self, name: str) -> None:
        """Raises `MissingDatabase` for a name that this worker does not know; empty is the engine's own."""
        if name:
            self._get(name)

    def _get(self, name: str) -> Database:
        if name not in self._open:
            address = self._addresses.get(name) or os.environ.get(variable_of(name))
            if not address:
                raise MissingDatabase(
                    f"this worker knows no database {name!r}; give it an address with --sql-database {name}=URL, "
                    f"Worker(databases=...) or {variable_of(name)}"
                )
            self._open[name] = Database(address)
        return self._open[name]

    async def run(
        self, ctx: StepContext, *, query: str, params: dict[str, Json] | list[Json] | None, database: str
    ) -> Json:
        """Runs one statement and gives {rows, rowcount}."""
        try:
            if database:
                return await self._get(database).run(query, params, ctx.timeout)
            async with ctx.connection() as connection:
                return await run_statement(connection, query, params, ctx.timeout)
        except SqlRefused as error:
            raise SqlRefusal(str(error)) from None

    async def close(self) -> None:
        for database in self._open.values():
            await database.close()
