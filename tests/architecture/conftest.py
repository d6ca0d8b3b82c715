"""What the tests of the repository itself share: where it stands and which files belong to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the checkout."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """The files that git tracks and that are there, relative to `root`."""
    if not (root / ".git").exists():
        pytest.skip("this is no git checkout, so which files belong to the repository is unknown")
    # A checkout that belongs to another user is still the one under test.
    command = ["git", "-c", f"safe.directory={root}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout
    return [Path(name) for name in listed.decode().split("\0") if name and (root / name).is_file()]
