"""What a run needs of the worker around it, and nothing more; a simulation gives it the same."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Protocol

from durable_runtime.actions.performing import Performer
from durable_runtime.core.checkpoints import Checkpoint, Json
from durable_runtime.core.collecting import ItemRow
from durable_runtime.core.commands import StartChild
from durable_runtime.core.outcomes import Failure
from durable_runtime.store.joined import StepConnections, Transaction
from durable_runtime.store.messages import Sought
from durable_runtime.store.protocol import Commit, Outcome
from durable_runtime.worker.children import Target
from durable_runtime.worker.clock import Clock


class Surroundings(Protocol):
    """The worker as a run sees it."""

    clock: Clock
    performer: Performer
    defer_for: timedelta
    connections: StepConnections | None

    def submit(
        self,
        commit: Commit,
        done: Callable[[Outcome, str], None],
        joined: Transaction | None = None,
        undone: Callable[[Failure | None], None] | None = None,
    ) -> Any: ...

    def read_inbox(self, key: int) -> None: ...

    def give_back(self, key: int) -> None: ...

    async def collect(self, key: int, path: str, since: int) -> list[ItemRow]: ...

    async def find_target(self, start: StartChild, depth: int) -> Target | Failure: ...

    async def find_events(self, key: int, wanted: Sequence[Sought]) -> list[Json]: ...

    async def settle_events(self, sought: Sought) -> Json: ...

    async def find_unstorable(self, checkpoints: Sequence[Checkpoint]) -> dict[str, str]: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...

    def uniform(self) -> float: ...
