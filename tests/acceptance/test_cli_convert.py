"""`durable convert`: between YAML and Python and back, to the same versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import Command

GREET = """\
workflow: greet
steps:
  - step: hello
    call: greetings.hello
    with:
      name: "${ input.name }"
  - step: bye
    call: elsewhere.bye
---
workflow: wait_a_while
steps:
  - wait: pause
    for: 5m
"""
IN_PYTHON = """\
from __future__ import annotations

from durable_dsl import minutes, step, wait, workflow
from greetings import hello

greet = workflow(
    "greet",
    step("hello", hello, with_={"name": "${ input.name }"}),
    step("bye", "elsewhere.bye"),
)

wait_a_while = workflow(
    "wait_a_while",
    wait("pause", for_=minutes(5)),
)
"""


@pytest.fixture
def durable(tmp_path: Path) -> Command:
    """The command in a project with a workflow of which one function can be imported."""
    command = Command(tmp_path)
    command.write("durable.yaml", "# the project\n")
    command.write("greet.yaml", GREET)
    command.write("greetings.py", "def hello(name):\n    return f'Hello {name}'\n")
    return command


def test_yaml_becomes_python_and_python_the_same_yaml(durable: Command) -> None:
    answer = durable("convert", "greet.yaml", "-o", "flows.py")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "wrote flows.py\nelsewhere.bye cannot be imported from here, so it stays a text\n"
    assert (durable.folder / "flows.py").read_text() == IN_PYTHON
    assert durable("convert", "flows.py").out == GREET


def test_a_function_that_another_module_only_shows_stays_a_text(durable: Command) -> None:
    durable.write("elsewhere.py", "from greetings import hello as bye\n")
    answer = durable("convert", "greet.yaml", "--json")
    assert answer.code == 0
    assert answer.json["text"] == IN_PYTHON
    assert answer.json["not_imported"] == ["elsewhere.bye"]


def test_a_file_can_be_written_anew_in_its_own_language(durable: Command) -> None:
    assert durable("convert", "greet.yaml", "--to", "yaml").out == GREET


def test_a_file_with_problems_is_not_converted(durable: Command) -> None:
    durable.write("wrong.yaml", "workflow: w\nsteps:\n  - step: a\n    log: hi\n    retires: 3\n")
    answer = durable("convert", "wrong.yaml")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("wrong.yaml:5:5: W004 ")
