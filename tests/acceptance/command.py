"""The real command, run as people run it: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from durable_runtime.cli import boundary
from tests.warm.python import warm_python

DURABLE = (sys.executable, "-m", "durable_runtime.cli")


def warm_durable() -> tuple[str, ...]:
    """The same without the time that it takes to import."""
    return (*warm_python(), *DURABLE[1:])


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


class Inside:
    """Runs the command line in this process, in a folder, which is quicker where no module of a project is imported."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", list(sys.path))
        for name in ("handlers", "level", "propagate"):
            monkeypatch.setattr(logging.getLogger("durable"), name, getattr(logging.getLogger("durable"), name))
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Answer:
        """Run it to its end."""
        code = boundary.run(list(arguments))
        out, err = self._capsys.readouterr()
        return Answer(code, out, err)


class Command:
    """Runs `durable` in a folder, on a database where one is given, and fails on any traceback."""

    def __init__(self, folder: Path, database: str | None = None, **variables: str) -> None:
        self.folder = folder
        left_out = {"DURABLE_DATABASE_URL", "DURABLE_HOME", "DURABLE_DEBUG", "COLUMNS", "PYTHONIOENCODING"}
        self.variables = {name: value for name, value in os.environ.items() if name not in left_out} | variables
        if database is not None:
            self.variables["DURABLE_DATABASE_URL"] = database

    def write(self, name: str, text: str) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it and leave it running, stdout and stderr in pipes."""
        return subprocess.Popen(
            [*warm_durable(), *arguments],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, input: str | None = None, also: Mapping[str, str] | None = None) -> Answer:
        """Run it to its end, with `input` on stdin, and from nothing with `also` in the environment."""
        done = subprocess.run(
            [*(DURABLE if also else warm_durable()), *arguments],
            cwd=self.folder,
            env={**self.variables, **(also or {})},
            input=input or "",
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=90,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)
