from __future__ import annotations

from pathlib import Path

import pytest

from durable_dsl import DslError, load, load_document
from durable_dsl.loader import read_documents

TWO = """\
workflow: first
steps: [{step: greet, log: hello}]
---
workflow: second
steps: [{step: greet, log: good bye}]
"""


def problems_of(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(DslError) as caught:
        load_document(text, "file.yaml")
    return [(problem.code, problem.line, problem.column) for problem in caught.value.problems]


def test_the_first_document_of_a_file_is_its_default(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(TWO, encoding="utf-8")
    assert load(file).name == "first"
    assert load(str(file)).name == "first"
    assert load(file, "second").name == "second"
    assert [workflow.name for workflow in load_document(TWO)] == ["first", "second"]


def test_a_workflow_that_the_file_has_not_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(TWO, encoding="utf-8")
    with pytest.raises(DslError) as caught:
        load(file, "secnod")
    assert str(caught.value) == f"{file}: W041 there is no workflow 'secnod' in this file; did you mean 'second'?"
    with pytest.raises(DslError, match="it holds first, second"):
        load(file, "quite_different")


def test_a_file_that_is_not_there_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_not_utf_8_names_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"workflow: a\ndescription: caf\xe9\n")
    with pytest.raises(DslError) as caught:
        load(file)
    [problem] = caught.value.problems
    assert (problem.code, problem.line, problem.column) == ("W011", 2, 17)
    assert problem.message == "the file is not UTF-8: byte 0xE9 cannot stand here"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + TWO.encode())
    assert load(file).name == "first"


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment\n", "---\n", "---\n# nothing\n...\n", "%YAML 1.2\n---\n"]
)
def test_a_text_without_a_workflow_says_so(text: str) -> None:
    assert problems_of(text) == [("W015", 0, 0)]


@pytest.mark.parametrize("text", ["---\n" + TWO, TWO + "---\n", TWO + "...\n", "%YAML 1.2\n" + "---\n" + TWO])
def test_marks_and_directives_around_documents_are_no_documents(text: str) -> None:
    assert [workflow.name for workflow in load_document(text)] == ["first", "second"]


def test_two_workflows_of_a_file_have_two_names() -> None:
    text = TWO.replace("second", "first")
    _, [problem] = read_documents(text)
    assert (problem.code, problem.line, problem.column, problem.hint) == ("W040", 4, 11, "the first is in line 1")


def test_two_workflows_without_a_name_are_not_taken_for_one() -> None:
    text = "steps: [{step: a, log: hi}]\n---\nworkflow: A\nsteps: [{step: a, log: hi}]\n"
    assert problems_of(text) == [("W025", 1, 1), ("W022", 3, 11)]


def test_all_mistakes_of_all_documents_are_reported_in_the_order_of_the_text() -> None:
    text = """\
workflow: first
timeout: 30
steps:
  - step: greet
    log: hello
    retires: 3
  - step: greet
    timeout:
---
workflow: Second
---
- step: greet
"""
    assert problems_of(text) == [
        ("W030", 2, 10),
        ("W004", 6, 5),
        ("W025", 7, 5),
        ("W023", 7, 11),
        ("W003", 8, 5),
        ("W025", 10, 1),
        ("W022", 10, 11),
        ("W036", 12, 1),
    ]


def test_of_two_stages_the_first_alone_speaks_of_a_place() -> None:
    assert problems_of("workflow: w\nsteps:\n  - fail: stop\n    timeout:\n") == [("W003", 4, 5)]


def test_a_problem_shows_its_line_with_a_caret() -> None:
    text = "workflow: orders\nsteps:\n  - step: charge\n    call: shop.charge\n    retires: 3\n"
    with pytest.raises(DslError) as caught:
        load_document(text, "orders.yaml")
    assert str(caught.value) == (
        "orders.yaml:5:5: W004 unknown key 'retires' in step 'charge'; did you mean 'retry'?\n"
        "    5 |     retires: 3\n"
        "      |     ^^^^^^^"
    )


def test_a_document_with_mistakes_is_still_given_for_further_checks() -> None:
    text = "workflow: w\nsteps:\n  - nonsense\n  - step: Bad\n    log: hi\n"
    text += "  - {foreach: items, in: 5, steps: [{step: a}]}\n"
    [workflow], problems = read_documents(text)
    assert [problem.code for problem in problems] == ["W020", "W022", "W005", "W025"]
    # The broken first node keeps its place, so the paths of the others still lead to where they stand.
    assert len(workflow.steps) == 3
    assert workflow.steps[1].name == "Bad"
    assert workflow.places["steps", 1, "log"].line == 5
