"""The stores under test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.coroutines import pytest_pyfunc_call, runner
from tests.store.memory import MemoryUnderTest
from tests.store.postgres import PostgresUnderTest
from tests.store.stores import Stores

__all__ = ["pytest_pyfunc_call", "runner"]


@pytest.fixture
def postgres(runner: asyncio.Runner, database_url: str) -> Iterator[PostgresUnderTest]:
    """The real store on a fresh database."""
    stores = PostgresUnderTest(database_url)
    yield stores
    runner.run(stores.close())


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[Stores]:
    """Both stores in turn: what a test says of one it says of the other."""
    if request.param == "postgres":
        found: Stores = request.getfixturevalue("postgres")
        yield found
        return
    yield MemoryUnderTest()
