"""Executions from the command line, on a real database: started, watched, interrupted, killed, finished, looked at."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from durable_runtime.embedded import EmbeddedServer
from tests.acceptance.command import DURABLE, Command, Inside
from tests.acceptance.projects import GATED, RESTS, make_project


def ledger(command: Command) -> list[str]:
    return (command.folder / "ledger.txt").read_text().splitlines()


def open_gate(command: Command) -> None:
    """Let the step at the gate go on, as soon as it stands there."""
    (command.folder / "gate").write_text("open")


def wait_for(running: subprocess.Popen[str], words: str) -> str:
    """Read what a command says until a line has these words, and give the line."""
    assert running.stderr is not None
    for line in running.stderr:
        if words in line:
            return line
    raise AssertionError(f"the command ended without saying {words!r}")


LASTED = r"(?:\d+ ms|\d+(?:\.\d)? s|\d+ min \d+ s)"
"""How long something took: a machine that is busy takes more than some milliseconds."""


# -- run -----------------------------------------------------------------------------------------------------------


def test_a_run_prints_the_output_on_stdout_and_what_happens_on_stderr(durable: Command) -> None:
    answer = durable("run", "greet.yaml", "-i", "name=Ann")
    assert answer.code == 0
    assert answer.out == '{\n  "text": "Hello Ann",\n  "times": 1\n}\n'
    first, *lines = answer.err.splitlines()
    assert re.fullmatch("execution [0-9a-f-]{36}", first)
    assert [re.sub(rf"^\d\d:\d\d:\d\d | \({LASTED}\)$", "", line) for line in lines] == [
        "✓ say",
        "  say: ☃ greets Ann",
        "✓ note",
    ]
    assert ledger(durable) == ["Hello Ann"]


def test_a_run_as_json_is_one_object(durable: Command) -> None:
    answer = durable("run", "greet.yaml", "-i", "name=Ann", "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["schema"] == 1
    assert answer.json["execution"]["status"] == "completed"
    assert answer.json["execution"]["output"] == {"text": "Hello Ann", "times": 1}


def test_an_input_comes_from_a_file_from_stdin_and_from_pairs_that_win(durable: Command) -> None:
    durable.write("ann.json", '{"name": "Ann", "times": 2}')
    words = ["-q", "-i", "times:=3"]
    assert '"times": 3' in durable("run", "greet.yaml", "--input", "@ann.json", *words).out
    assert '"times": 3' in durable("run", "greet.yaml", "--input", "-", *words, input='{"name": "Bob"}').out
    assert ledger(durable) == ["Hello Ann", "Hello Bob"]


def test_an_input_that_does_not_fit_is_refused_and_nothing_is_stored(durable: Command, inside: Inside) -> None:
    answer = durable("run", "greet.yaml", "-i", "times=3")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: the input does not fit the workflow 'greet':\n")
    assert "name" in answer.err
    assert "input.times" in answer.err
    assert inside("list", "--json").json["executions"] == []


def test_an_execution_that_fails_ends_with_1_and_says_where_and_why(durable: Command) -> None:
    answer = durable("run", "failing.yaml")
    assert (answer.code, answer.out) == (1, "")
    assert re.search(rf"↻ charge \({LASTED}\): attempt 1; CardDeclined: no money", answer.err)
    assert re.search(
        r"^error: execution [0-9a-f-]{36} failed: CardDeclined at charge, attempt 2: no money\\x1b\[2J$",
        answer.err,
        re.MULTILINE,
    )
    assert "\x1b" not in answer.err
    assert ledger(durable) == ["attempt 1", "attempt 2"]


def test_a_run_ends_with_6_when_its_time_is_up_and_the_execution_stays(durable: Command) -> None:
    answer = durable("run", "pause.yaml", "--timeout", "1ms")
    assert (answer.code, answer.out) == (6, "")
    assert "durable worker --until-idle" in answer.err
    (stored,) = durable("list", "--json").json["executions"]
    assert stored["status"] in ("pending", "waiting")


def test_an_interrupted_run_lets_its_step_end_and_says_how_to_go_on(durable: Command) -> None:
    running = durable.start("run", "gated.yaml")
    wait_for(running, "✓ before")
    running.send_signal(signal.SIGTERM)
    wait_for(running, "stopping")
    open_gate(durable)
    out, err = running.communicate()
    assert (running.returncode, out) == (130, "")
    assert "finish it:  durable worker --until-idle" in err
    worker = durable("worker", "--until-idle")
    assert worker.code == 0
    assert "the worker has ended: 1 completed" in worker.err
    assert ledger(durable) == ["before", "gate", "after"]


def test_a_second_signal_ends_at_once_whatever_a_step_does(durable: Command) -> None:
    running = durable.start("run", "gated.yaml")
    wait_for(running, "✓ before")
    running.send_signal(signal.SIGINT)
    wait_for(running, "stopping")
    running.send_signal(signal.SIGINT)
    _out, err = running.communicate()
    assert running.returncode == 130
    assert "ended at once" in err


def test_a_run_ends_though_a_step_still_hangs_in_its_thread(durable: Command) -> None:
    durable.write("hanging.yaml", GATED.replace("step: gate\n", "step: gate\n    timeout: 300ms\n"))
    answer = durable("run", "hanging.yaml")
    assert answer.code == 1
    assert "Timeout" in answer.err


def test_a_terminal_sees_the_tree_with_every_node(durable: Command) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*DURABLE, "run", "greet.yaml", "-i", "name=Ann"],
        cwd=durable.folder,
        env={**durable.variables, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:  # how a pseudo terminal says that nobody is left on the other side
            pass
        os.close(ours)
        assert running.stdout is not None
        assert b"Hello Ann" in running.stdout.read()
    assert running.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert "say: ☃ greets Ann" in plain
    last = plain.rpartition("● greet")[2]
    assert re.match(r"\s+├─ ✓ say\s+completed", last)
    assert re.search(rf"└─ ✓ note\s+completed · {LASTED} · call ledger\.note", last)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_that_cannot_show_a_character_sees_an_escape(durable: Command, encoding: str) -> None:
    answer = durable("run", "greet.yaml", "-i", "name=Ann☃", also={"PYTHONIOENCODING": encoding})
    assert answer.code == 0
    assert '"Hello Ann\\u2603"' in answer.out
    assert "say: \\u2603 greets Ann\\u2603" in answer.err
    assert "[+] note" in answer.err


# -- killed --------------------------------------------------------------------------------------------------------


def test_a_killed_run_is_finished_by_a_worker_without_running_a_finished_step_again(
    tmp_path: Path, durable_home: Path
) -> None:
    """On a server of its own, as a newcomer has it: nothing names a database."""
    durable = make_project(tmp_path, None)
    durable.variables["DURABLE_HOME"] = str(durable_home)
    durable.write("resting.yaml", GATED.replace("step: gate\n    call: ledger.gate\n    with: {name: gate}", RESTS))
    running = durable.start("run", "resting.yaml")
    id = wait_for(running, "execution ").split()[1]
    wait_for(running, "rest waiting: until ")
    running.kill()
    running.communicate()
    worker = durable("worker", "--until-idle")
    assert worker.code == 0
    assert "the worker has ended: 1 completed" in worker.err
    assert ledger(durable) == ["before", "after"]
    assert durable("status", id, "--json").json["execution"]["status"] == "completed"
    assert EmbeddedServer(durable_home).status().running is False


def test_a_new_project_runs_as_it_is(tmp_path: Path, database_url: str) -> None:
    assert Command(tmp_path)("init", "new").code == 0
    project = Command(tmp_path / "new", database_url)
    answer = project("run", "workflows/count_words.yaml", "--json")
    assert answer.code == 0, answer.err
    words = len((project.folder / "README.md").read_text().split())
    assert answer.json["execution"]["output"] == {"report": "word-counts.txt", "words": words}
    assert (project.folder / "word-counts.txt").read_text() == f"{words:>8}  README.md\n"


# -- start, worker, and looking afterwards -------------------------------------------------------------------------


def test_what_was_started_waits_for_a_worker_and_can_be_looked_at(durable: Command, inside: Inside) -> None:
    started = inside("start", "greet.yaml", "-i", "name=Ann", "--priority", "5")
    id = started.out.strip()
    assert started.code == 0
    assert f"durable status {id}" in started.err
    assert f"{id}  greet     pending" in inside("list").out

    worker = durable("worker", "--until-idle", "--json", "--concurrency", "3", "--queue", "default")
    assert worker.json["report"]["completed"] == 1

    shown = inside("status", id).out
    assert shown.startswith(f"greet  completed  {id}\n")
    assert re.search(r"^note +completed ", shown, re.MULTILINE)
    assert 'output     { "text": "Hello Ann", "times": 1 }' in shown
    assert "priority 5" in shown
    assert re.fullmatch(r"\d\d:\d\d:\d\d   say: ☃ greets Ann\n", inside("logs", id).out)
    assert inside("logs", id, "--json").json["logs"][0]["message"] == "☃ greets Ann"
    assert re.search(r"✓ note +completed", inside("graph", "--execution", id).out)


def test_a_workflow_that_was_started_before_is_started_by_its_name(durable: Command, inside: Inside) -> None:
    inside("start", "greet.yaml", "-i", "name=Ann")
    assert inside("start", "greet", "-i", "name=Bob").code == 0
    answer = inside("start", "great", "-i", "name=Bob")
    assert answer.code == 4
    assert answer.err.startswith("error: ")


def test_a_worker_leaves_other_queues_alone(durable: Command, inside: Inside) -> None:
    id = inside("start", "greet.yaml", "-i", "name=Ann", "--queue", "mail").out.strip()
    assert durable("worker", "--until-idle", "--queue", "default=2", "--json").json["report"]["completed"] == 0
    assert inside("status", id, "--json").json["execution"]["status"] == "pending"
    assert durable("worker", "--until-idle", "--queue", "mail=2", "--json").json["report"]["completed"] == 1


def test_a_list_is_filtered_and_has_pages(durable: Command, inside: Inside) -> None:
    first, second = (inside("start", "greet.yaml", "-i", f"name={name}").out.strip() for name in ("Ann", "Bob"))
    page = inside("list", "--limit", "1", "--status", "pending", "--workflow", "greet")
    assert second in page.out
    assert page.err == f"older ones: durable list --before {second}\n"
    older = inside("list", "--limit", "1", "--before", second, "--json").json["executions"]
    assert [each["id"] for each in older] == [first]
    assert inside("list", "--workflow", "other", "--json").json["executions"] == []


def test_a_cancelled_execution_ends_as_cancelled_and_only_once(durable: Command, inside: Inside) -> None:
    id = inside("start", "pause.yaml").out.strip()
    answer = inside("cancel", id, "--reason", "not needed")
    assert (answer.code, answer.out) == (0, "")
    assert durable("worker", "--until-idle", "--json").json["report"]["cancelled"] == 1
    shown = inside("status", id)
    assert shown.out.startswith(f"pause  cancelled  {id}\n")
    assert "not needed" in shown.out
    assert inside("cancel", id).code == 0


def test_an_execution_that_is_over_cannot_be_cancelled(durable: Command, inside: Inside) -> None:
    id = durable("run", "greet.yaml", "-i", "name=Ann", "--json", "-q").json["execution"]["id"]
    answer = inside("cancel", id)
    assert answer.code == 1
    assert answer.err == f"execution {id} is completed\n"
