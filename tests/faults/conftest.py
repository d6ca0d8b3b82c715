"""The real store, an observer of its server, and gates inside its statements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.coroutines import pytest_pyfunc_call, runner
from tests.faults.racing import Gate, Observer
from tests.store.postgres import PostgresUnderTest

__all__ = ["pytest_pyfunc_call", "runner"]


@pytest.fixture
def stores(runner: asyncio.Runner, database_url: str) -> Iterator[PostgresUnderTest]:
    """The real store on a fresh database."""
    stores = PostgresUnderTest(database_url)
    yield stores
    runner.run(stores.close())


@pytest.fixture
def observer(database_url: str) -> Iterator[Observer]:
    """Tells who waits for what."""
    with Observer(database_url) as observer:
        yield observer


@pytest.fixture
def gate(database_url: str, observer: Observer) -> Iterator[Callable[[str, str, str], Gate]]:
    """Makes gates: `gate("durable lane 0", "insert", "checkpoint")`. All are open after the test."""
    with ExitStack() as gates:
        yield lambda application, event, table: gates.enter_context(
            Gate(database_url, observer, application, event, table)
        )


@pytest.fixture
def observe(observer: Observer) -> Callable[[str], None]:
    """Executes a statement of the test's own."""
    return observer.execute
