"""The command starts at once, tells what it can do, and loads nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from durable_runtime import __version__
from durable_runtime.cli.application import durable
from durable_runtime.cli.exits import Exit
from tests.acceptance.command import Command

COMMANDS = [
    "init", "validate", "fmt", "convert", "graph", "run", "start", "start-many", "result", "worker", "workers",
    "list", "count", "status", "inspect", "explain", "family", "logs",
    "cancel", "pause", "resume", "retry", "set-result", "fork",
    "pending", "provide-input", "send-event", "emit", "keep-events", "cancel-wait", "get-value", "stream",
    "server", "migrations", "doctor", "schema", "completion",
]  # fmt: skip
HEAVY = {"psycopg", "rich", "lark", "networkx", "jsonschema", "yaml", "graphviz", "msgspec", "httpx", "asyncio"}


def test_help_loads_none_of_the_heavy_modules() -> None:
    program = (
        "import sys\n"
        "import durable_runtime.cli\n"
        "try:\n    durable_runtime.cli.main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_help_names_every_command_in_the_order_one_meets_them() -> None:
    answer = CliRunner().invoke(durable, ["--help"])
    listed = answer.output.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == COMMANDS


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], *([name, "--help"] for name in COMMANDS), ["server", "stop", "-h"]]
)
def test_every_command_has_help(words: list[str]) -> None:
    answer = CliRunner().invoke(durable, words)
    assert answer.exit_code == 0
    assert answer.output.startswith("Usage: durable") or answer.output.startswith("Usage: root")


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert Command(tmp_path)("--version").out == f"durable {__version__}\n"


def test_the_exit_codes_are_those_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in Exit} == {
        "OK": 0, "FAILED": 1, "USAGE": 2, "INVALID": 3, "NOT_FOUND": 4, "DATABASE": 5, "TIMED_OUT": 6, "WAITING": 7,
        "BUG": 70, "INTERRUPTED": 130, "CLOSED_PIPE": 141,
    }  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_the_command(tmp_path: Path, shell: str) -> None:
    answer = Command(tmp_path)("completion", shell)
    assert answer.code == 0
    assert f"_DURABLE_COMPLETE={shell}_complete" in answer.out


def test_a_shell_is_given_the_commands_that_begin_so(tmp_path: Path) -> None:
    asked = {"_DURABLE_COMPLETE": "bash_complete", "COMP_WORDS": "durable mig", "COMP_CWORD": "1"}
    assert Command(tmp_path)(also=asked).out == "plain,migrations\n"


def list_words(command: click.Command, name: str) -> list[str]:
    """What the reference has to mention of a command: its name and the long form of its options."""
    words = [name]
    for parameter in command.params:
        words += [f"`{word}" for word in parameter.opts if word.startswith("--")]
    if isinstance(command, click.Group):
        for inner, each in command.commands.items():
            words += list_words(each, f"{name} {inner}")
    return words


def test_the_reference_has_every_command_and_every_option(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    shown = page.replace("\n", " ")
    assert [word for word in list_words(durable, "durable") if word not in shown] == []


def test_the_reference_has_every_exit_code(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert [code for code in Exit if f"\n| {code.value} | " not in page] == []
