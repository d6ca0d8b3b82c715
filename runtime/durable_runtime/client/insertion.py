"""Insertions that may be sent again after their answer was lost: the ids tell whether they were committed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from durable_runtime.client.ids import new_ids
from durable_runtime.errors import DatabaseUnavailable, InvalidInput, InvalidOption, KeyConflict
from durable_runtime.store.copying import CHUNK
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import KeyTaken, NewExecution, NoAnswer, StatementRefused, TryAgain


class Repeatable(ABC):
    """An insertion, all or none, that is asked of a store until it answers."""

    def __init__(self) -> None:
        self._sent = False

    async def __call__(self, store: PostgresClientStore) -> list[str]:
        """Gives the id under which each execution stands; it is another one's where the key was taken."""
        sent_before, self._sent = self._sent, True
        try:
            return await self._insert(store)
        except KeyTaken as taken:
            raise key_taken(taken) from None
        except StatementRefused as error:
            ids = self._ids()
            if await store.find_outcome(ids[0]) is None:
                raise InvalidInput(f"the database refused the input: {error}", (str(error),)) from error
            # Ours, if it was sent before: all were inserted together, or none.
            if not sent_before:
                raise InvalidOption(f"there is an execution with the id {ids[0]} already") from None
            return ids

    @abstractmethod
    async def _insert(self, store: PostgresClientStore) -> list[str]: ...

    @abstractmethod
    def _ids(self) -> list[str]: ...


class Insertion(Repeatable):
    """Inserts executions of all kinds."""

    def __init__(self, executions: Sequence[NewExecution], *, rejects: bool = False) -> None:
        super().__init__()
        self._executions = executions
        self._rejects = rejects

    async def _insert(self, store: PostgresClientStore) -> list[str]:
        return await store.insert_executions(self._executions, reject=self._rejects)

    def _ids(self) -> list[str]:
        return [execution.public_id for execution in self._executions]

    async def join(self, store: PostgresClientStore, connection: Any, hint: str | None) -> list[str]:
        """Does it once, as a part of the caller's transaction, with a hint to the workers at its commit."""
        try:
            if not await store.has_definitions(self._executions, connection):
                raise InvalidOption("this connection leads to another database than that of the client")
            return await store.insert_executions(
                self._executions, reject=self._rejects, connection=connection, hint=hint
            )
        except KeyTaken as taken:
            raise key_taken(taken) from None
        except StatementRefused as error:
            raise InvalidInput(f"the database refused the start: {error}", (str(error),)) from error
        except (NoAnswer, TryAgain) as error:
            raise DatabaseUnavailable(f"the start was given up, and with it your transaction: {error}") from error


class ManyInsertion(Repeatable):
    """Inserts `count` executions that are like this one but for id and input.

    `encode` gives the inputs one by one; what it raises stops the insertion. They are encoded while the server stores
    those before them.
    """

    def __init__(self, like: NewExecution, encode: Callable[[], Iterator[bytes]], count: int) -> None:
        super().__init__()
        self._like = like
        self._encode = encode
        self._count = count
        self._made = new_ids(min(CHUNK, count))

    async def _insert(self, store: PostgresClientStore) -> list[str]:
        await store.insert_many(self._like, self._count, self._rows())
        return self._made

    def _ids(self) -> list[str]:
        return self._made

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        """Gives ids and inputs; the ids are made once, so that sent again they are the same."""
        inputs = self._encode()
        for first in range(0, self._count, CHUNK):
            if first == len(self._made):
                self._made += new_ids(min(CHUNK, self._count - first))
            yield from zip(self._made[first : first + CHUNK], islice(inputs, CHUNK), strict=False)


def key_taken(taken: KeyTaken) -> KeyConflict:
    """Gives the error that names the executions which have the keys."""
    return KeyConflict(f"the key {taken.keys[0]!r} is that of the execution {taken.ids[0]}", tuple(taken.ids))
