"""`durable fmt`: what it writes, what it leaves alone, and how it ends."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from tests.acceptance.command import Command, Inside

UNTIDY = "steps:\n- {log:   'hi', step: greet} # hello\nworkflow: greet\n"
TIDY = "workflow: greet\nsteps:\n  - {step: greet, log: hi}  # hello\n"
WRONG = "workflow: w\nsteps:\n  - step: a\n    log: hi\n    retires: 3\n"


@pytest.fixture
def durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """The command in a folder with an untidy file, a tidy one and one with a mistake."""
    command = Command(tmp_path)
    command.write("flows/untidy.yaml", UNTIDY)
    command.write("flows/tidy.yaml", TIDY)
    command.write("wrong.yaml", WRONG)
    return Inside(tmp_path, monkeypatch, capsys)


def test_files_of_a_folder_are_formatted_and_named(durable: Inside) -> None:
    file = Path("flows/untidy.yaml")
    file.chmod(0o640)
    answer = durable("fmt", "flows")
    assert (answer.code, answer.out, answer.err) == (0, "flows/untidy.yaml\n", "1 file of 2 formatted\n")
    assert file.read_text() == TIDY
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(os.listdir("flows")) == ["tidy.yaml", "untidy.yaml"]
    assert durable("fmt", "flows").out == ""


def test_a_check_writes_nothing_and_ends_with_1(durable: Inside) -> None:
    answer = durable("fmt", "--check", "flows")
    assert (answer.code, answer.out, answer.err) == (1, "flows/untidy.yaml\n", "1 file of 2 would change\n")
    assert Path("flows/untidy.yaml").read_text() == UNTIDY
    assert durable("fmt", "--check", "flows/tidy.yaml").code == 0


def test_a_diff_shows_what_would_change(durable: Inside) -> None:
    answer = durable("fmt", "--diff", "flows/untidy.yaml")
    assert answer.code == 0
    assert answer.out == (
        "--- flows/untidy.yaml\n"
        "+++ flows/untidy.yaml (formatted)\n"
        "@@ -1,3 +1,3 @@\n"
        "+workflow: greet\n"
        " steps:\n"
        "-- {log:   'hi', step: greet} # hello\n"
        "-workflow: greet\n"
        "+  - {step: greet, log: hi}  # hello\n"
    )
    assert Path("flows/untidy.yaml").read_text() == UNTIDY


def test_a_file_with_problems_is_left_alone_and_the_others_are_formatted(durable: Inside) -> None:
    answer = durable("fmt")
    assert answer.code == 3
    assert answer.out == "flows/untidy.yaml\n"
    assert answer.err.startswith("wrong.yaml:5:5: W004 unknown key 'retires' in step 'a'; did you mean 'retry'?\n")
    assert answer.err.endswith("1 file of 3 formatted, 1 with problems left alone\n")
    assert Path("wrong.yaml").read_text() == WRONG


def test_a_program_reads_it_as_json(durable: Inside) -> None:
    answer = durable("fmt", "--check", "--json", ".")
    assert answer.code == 3
    assert [(file["file"], file["changed"]) for file in answer.json["files"]] == [
        ("flows/tidy.yaml", False),
        ("flows/untidy.yaml", True),
        ("wrong.yaml", False),
    ]
    assert [problem["code"] for problem in answer.json["files"][2]["problems"]] == ["W004"]


def test_an_editor_formats_what_it_has_not_saved(durable: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(UNTIDY))
    assert durable("fmt", "-").out == TIDY
    monkeypatch.setattr(sys, "stdin", io.StringIO(WRONG))
    answer = durable("fmt", "-")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("<stdin>:5:5: W004 ")


def test_other_files_are_refused(durable: Inside) -> None:
    assert durable("fmt", "missing.yaml").code == 4
    answer = durable("fmt", "flows.py")
    assert (answer.code, answer.err) == (
        2,
        "error: flows.py is no YAML file (.yaml, .yml); only these are formatted\n",
    )


def test_what_init_writes_is_in_the_form_already(durable: Inside) -> None:
    durable("init", "project")
    assert durable("fmt", "--check", "project").code == 0


def test_the_examples_are_in_the_form_already(durable: Inside) -> None:
    assert durable("fmt", "--check", str(Path(__file__).parents[2] / "examples")).out == ""
