"""How a command ends where the real thing cannot be made to happen from outside."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from durable_runtime.cli import boundary
from durable_runtime.cli.application import durable
from durable_runtime.cli.exits import Ended, Exit
from durable_runtime.cli.output import printable, span
from durable_runtime.cli.project import find_project
from durable_runtime.cli.run import Left, tell
from durable_runtime.cli.settings import Settings
from durable_runtime.cli.views import window
from durable_runtime.client import Execution

WAITING = Execution(
    id="0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f",
    workflow="order",
    version="f79e4da75149f54a",
    label=None,
    status="waiting",
    queue="default",
    priority=0,
    input={},
    output=None,
    error=None,
    created_at=datetime(2031, 5, 1, tzinfo=UTC),
    scheduled_at=None,
    started_at=datetime(2031, 5, 1, tzinfo=UTC),
    finished_at=None,
    recoveries=0,
)


def test_an_execution_that_waits_for_a_person_ends_the_run_with_7(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Ended) as ended:
        tell(Settings(), Left(WAITING, deferred=False, interrupted=False, timed_out=False))
    assert ended.value.exit == 7
    out, err = capsys.readouterr()
    assert out == ""
    assert "waits for an event or a person" in err
    assert "durable pending --execution 0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f" in err


def test_a_function_that_vanished_meanwhile_ends_the_run_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Ended) as ended:
        tell(Settings(), Left(WAITING, deferred=True, interrupted=False, timed_out=False))
    assert ended.value.exit == 3
    assert "needs a function or a secret that this process has not" in capsys.readouterr().err


def break_the_command(*arguments: object) -> None:
    raise RuntimeError("a wheel came off\nand rolled away")


def test_a_bug_is_one_sentence_and_its_details_are_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(durable, "invoke", break_the_command)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert boundary.run(["list"]) is Exit.BUG
    err = capsys.readouterr().err
    (details,) = tmp_path.glob("durable-bug-*.txt")
    assert err == (
        "error: durable has a bug: RuntimeError: a wheel came off. "
        f"The details are in {details}; please report it with that file.\n"
    )
    assert "break_the_command" in details.read_text()


def test_whoever_debugs_sees_where_a_bug_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(durable, "invoke", break_the_command)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("DURABLE_DEBUG", "1")
    assert boundary.run(["list"]) is Exit.BUG
    assert "in break_the_command" in capsys.readouterr().err


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_outside_of_a_run_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(durable, "invoke", interrupt)
    assert boundary.run(["list"]) is Exit.INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_the_process_ends_with_the_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["durable", "bogus"])
    with pytest.raises(SystemExit) as ended:
        boundary.main()
    assert ended.value.code == 2


# -- small parts ---------------------------------------------------------------------------------------------------


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert printable("a\x1b[2Jb\rc\x00\x9b") == "a\\x1b[2Jb\\rc\\x00\\x9b"
    assert printable("tab\tand line\nand ☃ stay") == "tab\tand line\nand ☃ stay"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0004, "0 ms"), (0.02, "20 ms"), (0.3, "0.3 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.6, "1 min 0 s"),
        (185, "3 min 5 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_the_project_is_the_nearest_folder_upward_with_a_mark(tmp_path: Path) -> None:
    inner = tmp_path / "project" / "deep" / "inside"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert find_project(inner) == tmp_path
    (tmp_path / "project" / "durable.yaml").touch()
    assert find_project(inner) == tmp_path / "project"


def test_a_tall_drawing_is_cut_around_what_is_under_way() -> None:
    lines = ["● order", *(f"├─ ✓ a{n}" for n in range(50)), "├─ ▶ now", *(f"├─ ○ b{n}" for n in range(50))]
    shown = window(lines, 12)
    assert len(shown) == 12
    assert shown[0] == "● order"
    assert "├─ ▶ now" in shown
    assert "├─ ✓ a49" in shown


def test_a_tall_drawing_of_what_has_ended_shows_its_end() -> None:
    lines = ["● order", *(f"├─ ✓ a{n}" for n in range(50))]
    assert window(lines, 11) == ["● order", *(f"├─ ✓ a{n}" for n in range(40, 50))]
    assert window(lines, 51) == lines
