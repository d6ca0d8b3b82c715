"""What the conformance suite needs of a store beyond its interface: time that passes, strangers, a look inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from durable_runtime.store.client_protocol import ClientStore
from durable_runtime.store.protocol import Lease, Recovery, WorkerStore


@dataclass(frozen=True)
class Leftovers:
    """How many rows of an execution stand in the tables that should be empty when it has ended."""

    hints: int
    waits: int
    requests: int


class Stores(ABC):
    """A store under test with its three faces."""

    client: ClientStore
    worker: WorkerStore
    recovery: Recovery

    @abstractmethod
    async def now(self) -> datetime:
        """Reads the store's clock."""

    @abstractmethod
    async def let_pass(self, span: timedelta) -> None:
        """Makes everything stored older by `span`; nobody waits."""

    @abstractmethod
    async def heartbeat(self, lease: Lease, span: timedelta) -> bool:
        """Renews a lease; False when there is none to renew."""

    @abstractmethod
    def held(self, key: int) -> AbstractAsyncContextManager[None]:
        """A stranger's open transaction holds the row of this execution."""

    @abstractmethod
    async def leftovers(self, key: int) -> Leftovers:
        """Counts the rows that belong to an execution."""

    @abstractmethod
    async def drop_hints(self) -> None:
        """Loses every hint, as nothing ever should."""
