"""How far an execution got, from its pinned graph and its checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import ExecutionRow

if TYPE_CHECKING:
    from durable_dsl.drawing import NodeState
    from durable_runtime.core.program import Program
    from durable_runtime.core.rewinding import Past

_KEPT = 100


class Insight:
    """Reads graphs once: a definition never changes."""

    def __init__(self) -> None:
        self._programs: dict[int, Program] = {}

    async def get_program(self, store: PostgresClientStore, row: ExecutionRow) -> Program:
        """Gives the program of an execution's definition."""
        program = self._programs.get(row.definition_id)
        if program is None:
            # Imported here, with expressions and all: most clients only start and ask.
            from durable_dsl.graph import graph_from_json
            from durable_runtime.core.program import Program

            program = Program(graph_from_json(await store.get_definition(row.definition_id)))
            if len(self._programs) >= _KEPT:
                self._programs.clear()
            self._programs[row.definition_id] = program
        return program

    async def get_past(self, store: PostgresClientStore, row: ExecutionRow) -> Past:
        """Gives the state an execution began with, and its history."""
        from durable_runtime.core.rewinding import Past
        from durable_runtime.core.starting import initial_state

        start = initial_state(
            await self.get_program(store, row),
            id=row.id,
            workflow=row.workflow,
            queue=row.queue,
            input=row.input,
            started_at=row.started_at or row.created_at,
            scheduled_at=row.scheduled_at,
            parent_id=row.parent_id,
        )
        program = await self.get_program(store, row)
        if not program.keeps_turns:
            return Past(start, await store.list_checkpoints(row.key))
        from durable_runtime.core.snapshots import state_in

        history = await store.load_history(row.key)
        base = None if history.snapshot is None else state_in(program, history.snapshot)
        return Past(start, history.checkpoints, base)

    async def node_states(self, store: PostgresClientStore, row: ExecutionRow) -> dict[str, NodeState]:
        """Gives the state of every node."""
        from durable_runtime.core.statuses import statuses

        program, past = await self.get_program(store, row), await self.get_past(store, row)
        return statuses(program, past.state(program), past.history, row.status)

    async def open_waits(self, store: PostgresClientStore, row: ExecutionRow) -> list[str]:
        """Gives the paths of the waits that are open, those for a time too."""
        from durable_runtime.core.waits import waits_in

        program, past = await self.get_program(store, row), await self.get_past(store, row)
        return waits_in(past.state(program))
