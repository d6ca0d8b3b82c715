"""`ctx.connection()`: the transactions of one attempt. One belongs to the step, and one to the sub-step that runs.

Each commits with the checkpoint of what it belongs to. What the body of the function does between its calls is undone
when the function is left, and done again when it is entered again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from durable_runtime.actions.arguments import ContextMisuse
from durable_runtime.store.joined import AsyncTransaction, PlainTransaction, StepConnections, Transaction


class Transactions:
    """Begins a transaction at the first use; without a pool there are none.

    `runs_sub` tells whether a sub-step runs.
    """

    def __init__(self, pool: StepConnections | None, runs_sub: Callable[[], bool]) -> None:
        self._pool = pool
        self._runs_sub = runs_sub
        self._body: Transaction | None = None
        self._sub: Transaction | None = None
        self._is_over = False

    def block(self, *, is_async: bool) -> AbstractAsyncContextManager[Any] | AbstractContextManager[Any]:
        """Gives a block of the transaction that stands here."""
        if self._pool is None:
            raise ContextMisuse("there is no database in a simulation; give this step a mock")
        if self._is_over:
            raise ContextMisuse("this attempt is over, and so is its transaction")
        transaction = self._sub if self._runs_sub() else self._body
        if transaction is None:
            transaction = self._pool.begin() if is_async else self._pool.begin_plain()
            if self._runs_sub():
                self._sub = transaction
            else:
                self._body = transaction
        match transaction:
            case AsyncTransaction() if is_async:
                return transaction.block()
            case PlainTransaction() if not is_async:
                return transaction.block()
            case _:
                raise ContextMisuse("one sub-step uses ctx.connection() as an async and as a plain function")

    def take_sub(self) -> Transaction | None:
        """Takes the transaction of the sub-step that has just run, if it has one."""
        transaction, self._sub = self._sub, None
        return transaction

    def end(self) -> tuple[Transaction | None, Transaction | None]:
        """Takes both, for the attempt is over: the step's own, and that of a sub-step that was cut off."""
        self._is_over = True
        body, self._body = self._body, None
        return body, self.take_sub()
