"""The project folder: what names a workflow may call, whichever folder inside it one stands in."""

from __future__ import annotations

import sys
from pathlib import Path

MARKER = "durable.yaml"
_MARKS = (MARKER, "pyproject.toml")


def find_project(start: Path | None = None) -> Path:
    """Gives the nearest folder upward with a `durable.yaml` or a `pyproject.toml`, else the folder one stands in."""
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        if any((folder / mark).is_file() for mark in _MARKS):
            return folder
    return start


def use_project() -> Path:
    """Makes the modules of the project importable, its own folder first, and gives that folder.

    The project goes first so that a name means the same module in a run and in a worker started elsewhere in it.
    """
    project = find_project()
    for folder in (Path.cwd(), project):
        name = str(folder)
        if name in sys.path:
            sys.path.remove(name)
        sys.path.insert(0, name)
    return project
