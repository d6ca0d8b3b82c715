"""What clients ask of many executions, and of one in detail."""

from __future__ import annotations

from typing import Unpack

from durable_runtime.client import options
from durable_runtime.client.executions import Execution, StepRecord, execution_from, line_from, step_from
from durable_runtime.client.family import Family, family_of
from durable_runtime.client.filters import Filters
from durable_runtime.client.progressing import Progress, progress_of
from durable_runtime.client.reading import Reading
from durable_runtime.store.filters import Order
from durable_runtime.store.seen import LogLine


class Asking(Reading):
    """The part of `AsyncDurable` that asks and changes nothing."""

    async def list_executions(
        self, *, order: Order = "newest", before: str | None = None, limit: int = 50, **filters: Unpack[Filters]
    ) -> list[Execution]:
        """Gives a page of executions, newest first, or `oldest` first, or those that `finished` last first.

        Filters that are not given let everything through: `status` (one or several, `paused` among them), `workflow`,
        `version` (the beginning of a content hash, or the author's label), `queue`, `key`, `parent` (the id of the
        execution that started them), `root_only` (leaves out what executions started), `headers` (those that they have,
        perhaps among others), `created_from`, `created_until`, `finished_from`, `finished_until` (from inclusive, until
        exclusive, with a zone). `before` is the last id of the page before, whatever the order. Raises `InvalidOption`
        for what cannot be, `UnknownExecution` for `before` and `parent`.
        """
        chosen = await self._check_filters(filters)
        order, limit = options.check_order(order), options.check_limit(limit)
        last = None if before is None else (await self._get_row(before)).id
        rows = await self._session.ask(
            lambda store: store.list_executions(chosen, order=order, before=last, limit=limit)
        )
        return [execution_from(row) for row in rows]

    async def count_executions(self, **filters: Unpack[Filters]) -> dict[str, int]:
        """Gives how many executions there are, by status; filters are those of `list_executions`.

        Statuses that none has are left out. It reads every execution that is counted.
        """
        chosen = await self._check_filters(filters)
        return await self._session.ask(lambda store: store.count_executions(chosen))

    async def list_children(self, id: str, *, limit: int = 1000) -> list[Execution]:
        """Gives what an execution started itself, in that order; raises `UnknownExecution`.

        Those with a key that others started first are not its children.
        """
        return await self.list_executions(parent=id, order="oldest", limit=limit)

    async def family(self, id: str) -> Family:
        """Gives the whole family of an execution, from the one that nobody started; raises `UnknownExecution`.

        Of a family with more than 10,000 members it gives those that were started first.
        """
        row = await self._get_row(id)
        rows = await self._session.ask(lambda store: store.family(row.key))
        return family_of([execution_from(each) for each in rows])

    async def get_steps(self, id: str, *, after: int = 0) -> list[StepRecord]:
        """Gives an execution's history, or what came after the step with this `seq`; raises `UnknownExecution`."""
        row = await self._get_row(id)
        return [step_from(one) for one in await self._session.ask(lambda store: store.list_checkpoints(row.key, after))]

    async def progress(self, id: str) -> Progress:
        """Gives how far an execution is: nodes done of all, items of each foreach, turns; raises `UnknownExecution`."""
        row = await self._get_row(id)
        return progress_of(await self._session.ask(lambda store: self._insight.node_states(store, row)))

    async def explain(self, id: str) -> list[str]:
        """Tells in sentences why an execution is where it is, and what it waits for; raises `UnknownExecution`.

        It reads the whole history, and takes the execution's lock for a moment to see whether someone else has it.
        """
        from durable_runtime.client.explaining import explain

        row = await self._get_row(id)
        program = await self._session.ask(lambda store: self._insight.get_program(store, row))
        past = await self._session.ask(lambda store: self._insight.get_past(store, row))
        standing = await self._session.ask(lambda store: store.get_standing(row.key))
        return explain(program, past.state(program), past.history, row, standing)

    async def get_logs(
        self, id: str, *, level: str | None = None, node: str | None = None, after: int = 0
    ) -> list[LogLine]:
        """Gives what an execution logged, oldest line first.

        `level` leaves out what is below it (`debug`, `stdout`, `stderr`, `info`, `warning`, `error`), `node` all but
        this instance and what lies inside of it. `after` is the `id` of the last line that is known. Raises
        `UnknownExecution`, `InvalidOption` for a level that there is not.
        """
        levels = options.check_level(level)
        row = await self._get_row(id)
        lines = await self._session.ask(lambda store: store.list_logs(row.key, levels=levels, node=node, after=after))
        return [line_from(line) for line in lines]
