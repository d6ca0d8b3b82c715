"""What all tests share: a PostgreSQL server for the session, databases and servers made from it."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgres import (
    OwnServer,
    copied_database,
    new_home,
    provide_template,
    remove_home,
    session_server,
    with_database,
)
from tests.warm.python import stop_warm_python


def pytest_configure() -> None:
    """Let nothing of the developer's own set-up into the tests, and nothing of the tests into it."""
    for name in ("DURABLE_DATABASE_URL", "DURABLE_HOME", "DURABLE_PG_BIN"):
        os.environ.pop(name, None)
    if binaries := os.environ.get("DURABLE_TEST_PG_BIN"):
        os.environ["DURABLE_PG_BIN"] = binaries
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in its background so, and every test of an interrupt would wait for ever.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Settle what all tests of this process begin with.

    What a test writes as a module may be rewritten within the second, which Python cannot tell from its bytecode: that
    is not kept. And the garbage collector need not look through all that was collected during every test.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def pytest_sessionfinish() -> None:
    """Leave no process behind."""
    stop_warm_python()


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def server_url(session_folder: Path) -> Iterator[str]:
    """The URL of this session's server, at a database that is empty and should stay so."""
    with session_server(session_folder) as url:
        yield url


@pytest.fixture(scope="session")
def _admin(server_url: str, session_folder: Path) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    from durable_runtime.store.migrations import migrate

    provide_template(session_folder, server_url, migrate)
    with psycopg.connect(with_database(server_url, "postgres"), autocommit=True) as admin:
        yield admin


@pytest.fixture
def database_url(_admin: psycopg.Connection[tuple[object, ...]], server_url: str) -> Iterator[str]:
    """The URL of a fresh database with the schema of durable in it, dropped after the test."""
    with copied_database(_admin, server_url) as url:
        yield url


@pytest.fixture
def own_server() -> Iterator[Callable[..., OwnServer]]:
    """Makes servers of the test's own, with lines for postgresql.conf as arguments; removed after the test."""
    servers: list[OwnServer] = []

    def make(*settings: str) -> OwnServer:
        servers.append(OwnServer(new_home(), settings))
        return servers[-1]

    yield make
    for server in servers:
        server.remove()


@pytest.fixture
def durable_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder, named by DURABLE_HOME during the test, for programs that start the server themselves."""
    home = new_home()
    monkeypatch.setenv("DURABLE_HOME", str(home))
    yield home
    remove_home(home)
