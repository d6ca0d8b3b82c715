"""Home folders and processes for the tests of the embedded server; nothing of them survives a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded.users import User
from tests.postgres import new_home, remove_home


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home folder."""
    folder = new_home()
    yield folder
    remove_home(folder)


@pytest.fixture
def start_user(home: Path) -> Iterator[Callable[..., User]]:
    """Starts processes that use the server of ``home``; see `User` for what it takes."""
    users: list[User] = []

    def start(folder: Path = home, account: str | None = None, preparation: str = "", **environment: str) -> User:
        users.append(User(folder, account, preparation, **environment))
        return users[-1]

    yield start
    for user in users:
        user.remove()
