"""The command line in a project of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import Command, Inside
from tests.acceptance.projects import make_project


@pytest.fixture
def durable(tmp_path: Path, database_url: str) -> Command:
    """The command in a project, on a fresh database."""
    return make_project(tmp_path, database_url)


@pytest.fixture
def inside(durable: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """The same in this process."""
    monkeypatch.setenv("DURABLE_DATABASE_URL", durable.variables["DURABLE_DATABASE_URL"])
    return Inside(durable.folder, monkeypatch, capsys)
