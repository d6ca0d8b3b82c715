"""The stores under test, and coroutines as tests: each runs in the loop in which its store was opened and is closed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from tests.store.memory import MemoryUnderTest
from tests.store.postgres import PostgresUnderTest
from tests.store.stores import Stores


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Runs tests that are coroutines; they ask for `runner` by way of a store."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    runner = pyfuncitem.funcargs["runner"]
    assert isinstance(runner, asyncio.Runner)
    names = inspect.signature(pyfuncitem.obj).parameters
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """The event loop of one test."""
    with asyncio.Runner() as runner:
        yield runner


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
