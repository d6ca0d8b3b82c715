"""Commands that need no database: they write, check, draw and explain."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from tests.acceptance.command import Command, Inside

GREET = """\
workflow: greet
steps:
  - step: hello
    call: greetings.hello
    with: {name: "${ input.name }"}
    save: text
  - wait: pause
    for: 5m
"""
SHIP = """\
workflow: ship
steps:
  - foreach: each
    in: input.lines
    steps: [{step: one, workflow: ship_one, key: ship}]
"""
GREETINGS = "def hello(name):\n    return f'Hello {name}'\n"


@pytest.fixture
def durable(tmp_path: Path) -> Command:
    """The command in a project folder that holds one good workflow and its module."""
    command = Command(tmp_path)
    command.write("durable.yaml", "# the project\n")
    command.write("greet.yaml", GREET)
    command.write("greetings.py", GREETINGS)
    return command


@pytest.fixture
def inside(durable: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """The same in this process."""
    return Inside(durable.folder, monkeypatch, capsys)


# -- validate ------------------------------------------------------------------------------------------------------


def test_a_good_file_is_valid(durable: Command) -> None:
    answer = durable("validate", "greet.yaml", "--imports")
    assert (answer.code, answer.out, answer.err) == (0, "", "1 file with 1 workflow: no problems\n")


def test_a_warning_is_shown_and_only_strict_minds(durable: Command, inside: Inside) -> None:
    durable.write("ship.yaml", SHIP)
    answer = inside("validate", "ship.yaml")
    assert answer.code == 0
    assert answer.out.startswith("ship.yaml:5:50: W301 warning: 'one' has the same key in every item")
    assert answer.err == "1 file with 1 workflow: 1 warning\n"
    told = json.loads(inside("validate", "ship.yaml", "--json").out)
    assert told["valid"]
    assert [problem["severity"] for problem in told["files"][0]["problems"]] == ["warning"]
    strict = inside("validate", "ship.yaml", "--strict", "--json")
    assert strict.code == 3
    assert not json.loads(strict.out)["valid"]
    assert inside("validate", "ship.yaml", "--strict").err == "1 problem in 1 of 1 file\n"


def test_every_problem_of_every_file_is_shown_with_its_line_and_a_caret(durable: Command) -> None:
    durable.write("flows/one.yaml", "workflow: one\nsteps:\n  - step: a\n    lgo: hello\n")
    durable.write("flows/two.yaml", "workflow: two\nsteps:\n  - step: a\n    log: hello\n    retires: 3\n")
    answer = durable("validate", ".")
    assert answer.code == 3
    assert "flows/one.yaml:4:5: W004 unknown key 'lgo'" in answer.out
    assert "    4 |     lgo: hello\n      |     ^^^\n" in answer.out
    assert "flows/two.yaml:5:5: W004 unknown key 'retires'" in answer.out
    assert re.search(r"\d problems in 2 of 3 files", answer.err)


def test_a_folder_is_searched_for_workflows_only(durable: Command) -> None:
    durable.write("compose.yaml", "services: {db: {image: postgres}}\n")
    durable.write(".hidden/wrong.yaml", "workflow: 1\n")
    answer = durable("validate", ".", "--json")
    assert [file["file"] for file in answer.json["files"]] == ["greet.yaml"]


def test_a_folder_without_workflows_is_no_success(durable: Command, inside: Inside) -> None:
    (durable.folder / "empty").mkdir()
    answer = inside("validate", "empty")
    assert answer.code == 4
    assert answer.err == "error: there is no YAML file with a workflow below empty\n"


def test_an_editor_reads_problems_as_json(durable: Command, inside: Inside) -> None:
    durable.write("bad.yaml", "workflow: bad\nsteps:\n  - step: a\n    log: hello\n    retires: 3\n")
    answer = inside("validate", "bad.yaml", "--json")
    assert answer.code == 3
    assert answer.json["schema"] == 1
    assert answer.json["valid"] is False
    (problem,) = answer.json["files"][0]["problems"]
    assert (problem["code"], problem["line"], problem["column"], problem["width"]) == ("W004", 5, 5, 7)


def test_imports_are_looked_at_when_asked_for(durable: Command) -> None:
    durable.write("greetings.py", "def helo(name):\n    return name\n")
    assert durable("validate", "greet.yaml").code == 0
    answer = durable("validate", "greet.yaml", "--imports")
    assert answer.code == 3
    assert "greet.yaml:4:11: W210 " in answer.out
    assert "did you mean 'helo'?" in answer.out


def test_names_mean_the_same_in_every_folder_of_the_project(durable: Command) -> None:
    inner = durable.folder / "deep" / "inside"
    inner.mkdir(parents=True)
    answer = Command(inner)("validate", "../../greet.yaml", "--imports")
    assert (answer.code, answer.out) == (0, "")


def test_a_python_workflow_is_checked_by_file_and_by_module(durable: Command) -> None:
    durable.write(
        "flows/polite.py", "from durable_dsl import step, workflow\npolite = workflow('polite', step('a', log='hi'))\n"
    )
    assert durable("validate", "flows/polite.py").code == 0
    assert durable("validate", "flows.polite").code == 0


def test_a_python_module_that_cannot_be_imported_is_told_with_its_line(durable: Command) -> None:
    durable.write("broken.py", "import json\njson.nothing\n")
    answer = durable("validate", "broken.py")
    assert answer.code == 3
    assert re.fullmatch(
        r"error: importing broken\.py failed: AttributeError: module 'json' has no attribute 'nothing' "
        r"\(.*broken\.py:2\)\n",
        answer.err,
    )


# -- graph ---------------------------------------------------------------------------------------------------------


def test_a_terminal_is_shown_the_drawing_as_text(durable: Command) -> None:
    answer = durable("graph", "greet.yaml")
    assert answer.code == 0
    first, hello, pause = answer.out.splitlines()
    assert first == "● greet"
    assert hello.startswith("├─ hello")
    assert pause.startswith("└─ ")
    assert "for 5m" in pause


def test_a_drawing_in_ascii_where_the_terminal_knows_no_more(durable: Command) -> None:
    answer = durable("graph", "greet.yaml", also={"PYTHONIOENCODING": "ascii"})
    assert answer.code == 0
    assert answer.out.isascii()
    assert answer.out.startswith("* greet\n|- hello")


@pytest.mark.parametrize(
    ("ending", "begins"),
    [
        ("svg", "<?xml"),
        ("dot", "digraph"),
        ("mmd", '---\ntitle: "greet"\n---\nflowchart'),
        ("txt", "● greet"),
    ],
)
def test_the_ending_of_the_file_says_the_format(durable: Command, ending: str, begins: str) -> None:
    answer = durable("graph", "greet.yaml", "-o", f"out.{ending}")
    assert (answer.code, answer.out) == (0, "")
    assert (durable.folder / f"out.{ending}").read_text(encoding="utf-8").startswith(begins)


def test_a_format_may_be_named_and_goes_to_stdout(durable: Command) -> None:
    assert durable("graph", "greet.yaml", "--format", "mmd").out.startswith('---\ntitle: "greet"\n---\nflowchart')


def test_an_unknown_ending_is_a_mistake_in_the_use(inside: Inside) -> None:
    answer = inside("graph", "greet.yaml", "-o", "out.bmp")
    assert answer.code == 2
    assert "none of svg, png, pdf, dot, mmd, txt" in answer.err
    assert not Path("out.bmp").exists()


def test_a_folder_that_is_not_there_cannot_be_written_to(inside: Inside) -> None:
    answer = inside("graph", "greet.yaml", "-o", "no/where.dot")
    assert answer.code == 2
    assert answer.err == "error: no/where.dot cannot be written: No such file or directory\n"


def test_a_graph_as_json_has_its_version(inside: Inside) -> None:
    answer = inside("graph", "greet.yaml", "--json")
    assert answer.json["workflow"] == "greet"
    assert re.fullmatch("[0-9a-f]{16}", answer.json["version"])
    assert [node["id"] for node in answer.json["graph"]["steps"]] == ["hello", "pause"]


def test_another_workflow_of_the_file_is_found_by_name(durable: Command, inside: Inside) -> None:
    durable.write("two.yaml", GREET + "---\nworkflow: part\nsteps: [{step: bye, log: bye}]\n")
    assert inside("graph", "two.yaml", "--workflow", "part").out.startswith("● part")
    answer = inside("graph", "two.yaml", "--workflow", "prat")
    assert answer.code == 4
    assert answer.err == "error: there is no workflow 'prat' in two.yaml; did you mean 'part'?\n"


# -- files that are not there or cannot be read --------------------------------------------------------------------


@pytest.mark.parametrize("words", [("validate",), ("graph",), ("run",), ("start",)])
def test_a_file_that_is_not_there_is_told_with_the_one_that_was_meant(inside: Inside, words: tuple[str, ...]) -> None:
    answer = inside(*words, "gret.yaml")
    assert (answer.code, answer.out) == (4, "")
    assert answer.err == "error: there is no file gret.yaml; did you mean greet.yaml?\n"


def test_a_file_with_mistakes_is_not_run(durable: Command) -> None:
    durable.write("bad.yaml", "workflow: bad\nsteps:\n  - step: a\n    log: hello\n    retires: 3\n")
    answer = durable("run", "bad.yaml")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("bad.yaml:5:5: W004 unknown key 'retires'")


def test_an_error_as_json_has_the_same_code_as_the_process(durable: Command) -> None:
    durable.write("bad.yaml", "workflow: bad\nsteps:\n  - step: a\n    log: hello\n    retires: 3\n")
    answer = durable("run", "bad.yaml", "--json")
    assert answer.code == 3
    assert answer.json["schema"] == 1
    assert answer.json["error"]["exit"] == 3
    assert answer.json["error"]["type"] == "DslError"
    assert answer.json["error"]["problems"][0]["code"] == "W004"


def test_an_unknown_call_is_not_run(durable: Command) -> None:
    durable.write("greetings.py", "")
    answer = durable("run", "greet.yaml", "-i", "name=Ann")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("greet.yaml:4:11: W210 ")
    assert not (durable.folder / ".durable").exists()


# -- inputs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["-i", "name"], 2, "-i takes key=value for a text or key:=json for anything else, not 'name'"),
        (["-i", "a=1", "-i", "a=2"], 2, "-i gives 'a' twice"),
        (["-i", "a:=tru"], 3, "the value of 'a' is not JSON: line 1, column 1: expecting value"),
        (["--input", "[1, 2]"], 3, "the input is a list; an input is a JSON object: {...}"),
        (["--input", '{"a": NaN}'], 3, "the input is not JSON: NaN is no JSON number"),
        (["--input", '{"a": 1, "a": 2}'], 3, "the input is not JSON: the key 'a' stands there twice"),
        (["--input", ""], 3, "the input is not JSON: it is empty"),
        (["--input", "-"], 3, "the input from stdin is not JSON: it is empty"),
        (["--input", "@no.json"], 4, "there is no file no.json for the input"),
    ],
)
def test_an_input_that_is_none_is_told_before_anything_else(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    answer = inside("run", "greet.yaml", *words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"error: {told}\n")


# -- schema, explain, server ---------------------------------------------------------------------------------------


def test_the_schema_for_editors_is_json_schema(durable: Command) -> None:
    schema = json.loads(durable("schema").out)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_a_problem_is_explained_by_its_code(durable: Command) -> None:
    answer = durable("explain", "w004")
    assert answer.code == 0
    assert answer.out.startswith("## W004 ")
    assert durable("explain", "W004", "--json").json["problem"]["code"] == "W004"


def test_a_code_that_there_is_not_is_not_found(inside: Inside) -> None:
    answer = inside("explain", "W999")
    assert answer.code == 4
    assert answer.err.startswith("error: there is no problem 'W999'; the codes are W001")


def test_a_server_that_was_never_used_is_stopped_and_stopping_it_is_fine(durable: Command) -> None:
    told = durable("server", "status", "--json").json["server"]
    assert told["running"] is False
    assert told["home"] == str(durable.folder / ".durable")
    assert durable("server", "stop").err == "it was not running\n"
    assert not (durable.folder / ".durable").exists()


# -- init ----------------------------------------------------------------------------------------------------------


def test_a_new_project_is_valid_as_it_is(tmp_path: Path) -> None:
    answer = Command(tmp_path)("init", "new")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "new/durable.yaml",
        "new/README.md",
        "new/workflows/count_words.yaml",
        "new/workflows/count_words.py",
        "new/workflows/workflow.schema.json",
    ]
    assert answer.err == "now: cd new && durable run workflows/count_words.yaml\n"
    assert Command(tmp_path / "new")("validate", ".", "--imports").code == 0


def test_the_editor_finds_the_schema_that_the_new_workflow_names(tmp_path: Path) -> None:
    Command(tmp_path)("init")
    first = (tmp_path / "workflows" / "count_words.yaml").read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads((tmp_path / "workflows" / named).read_text())["$schema"].startswith("http://json-schema.org/")


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    command = Command(tmp_path)
    mine = command.write("README.md", "mine\n")
    answer = command("init", "--json")
    assert mine.read_text() == "mine\n"
    assert answer.json["kept"] == ["README.md"]
    assert command("init").out == ""
    assert mine.read_text() == "mine\n"


# -- options -------------------------------------------------------------------------------------------------------


def test_options_for_all_stand_before_or_behind_the_command(inside: Inside) -> None:
    before, behind = inside("--json", "validate", "greet.yaml"), inside("validate", "greet.yaml", "--json")
    assert before.json == behind.json


def test_quiet_says_nothing_but_errors(inside: Inside) -> None:
    assert inside("--quiet", "validate", "greet.yaml").err == ""
    assert inside("validate", "gret.yaml", "-q").err.startswith("error: ")


@pytest.mark.parametrize(
    "words", [["bogus"], ["run"], ["graph"], ["list", "--limit", "0"], ["list", "--status", "done"]]
)
def test_a_mistake_in_the_use_shows_how_to_use_it(inside: Inside, words: list[str]) -> None:
    answer = inside(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert "--help" in answer.err


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(durable: Command) -> None:
    steps = "".join(f"  - step: a{n}\n    lgo: hello\n" for n in range(1000))
    durable.write("long.yaml", f"workflow: long\nsteps:\n{steps}")
    running = durable.start("validate", "long.yaml")
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline().startswith("long.yaml:3:5: W025 ")
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == 141
