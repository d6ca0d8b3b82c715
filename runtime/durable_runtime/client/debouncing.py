"""Starts of which the last one of many counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durable_runtime.client.ids import new_id
from durable_runtime.client.session import Session
from durable_runtime.errors import DatabaseUnavailable, InvalidInput
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import NewExecution, NoAnswer, StatementRefused, TryAgain


async def debounce(
    session: Session, new: NewExecution, span: timedelta, limit: timedelta | None, connection: Any
) -> str:
    """Gives the id of the execution that will begin `span` from now, unless another start with its key comes first.

    It may be sent again after its answer was lost: the call's own id tells whether it was the last that was stored.
    """
    call = new_id()

    async def ask(store: PostgresClientStore) -> str:
        return await store.debounce(new, span, limit, call, connection=connection)

    try:
        if connection is not None:
            return await ask(await session.get_store())
        id = await session.ask(ask)
    except StatementRefused as error:
        raise InvalidInput(f"the database refused the start: {error}", (str(error),)) from error
    except (NoAnswer, TryAgain) as error:
        raise DatabaseUnavailable(f"the start was given up, and with it your transaction: {error}") from error
    # It may be due sooner than anything that the workers know of.
    session.hint()
    return id
