"""The workflow files that a command was given: files by name, folders by what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from durable_runtime.cli.exits import CommandError, Exit
from durable_runtime.cli.project import MARKER

_BEGINS_WORKFLOW = re.compile(r"^workflow[ \t]*:", re.MULTILINE)


def list_files(paths: Sequence[str]) -> Iterator[str]:
    """Yields what to look at, each once. A folder's YAML files count where a line begins with `workflow:`."""
    seen = set()
    for path in paths:
        if not os.path.isdir(path):
            found = [path]
        else:
            found = sorted(_workflow_files(path))
            if not found:
                raise CommandError(f"there is no YAML file with a workflow below {path}", Exit.NOT_FOUND)
        for file in found:
            if os.path.realpath(file) not in seen:
                seen.add(os.path.realpath(file))
                yield file


def count(number: int, noun: str) -> str:
    """Says how many there are of something."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _workflow_files(top: str) -> Iterator[str]:
    for folder, inner, names in os.walk(top):
        inner[:] = [name for name in inner if not name.startswith((".", "__")) and name != "node_modules"]
        for name in names:
            file = Path(folder, name)
            if file.suffix not in (".yaml", ".yml") or name == MARKER:
                continue
            try:
                text = file.read_bytes().decode(errors="replace")
            except OSError as error:
                raise CommandError(f"{file} cannot be read: {error.strerror}", Exit.NOT_FOUND) from None
            if _BEGINS_WORKFLOW.search(text):
                yield str(file)
