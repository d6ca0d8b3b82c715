from __future__ import annotations

from pathlib import Path

import pytest

from durable_dsl import DslError, check, check_text, compile, compile_text, load, load_graphs

GOOD = "workflow: first\nsteps: [{step: greet, log: hello}]\n---\nworkflow: second\nsteps: [{wait: a_while, for: 5m}]\n"

# A mistake for each stage: in the text, in the document, in an expression, in the graph of another document.
BAD = """\
workflow: first
steps:
  - step: greet
    timeout:
    log: hello
    retires: 3
  - step: count
    log: ${ data.x + }
---
workflow: second
steps:
  - finish: done
  - step: late
    log: hello
"""


def test_a_file_becomes_the_graphs_of_its_workflows(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD, encoding="utf-8")
    graphs = load_graphs(file)
    assert [graph.workflow for graph in graphs] == ["first", "second"]
    assert compile(load(file, "second")) == graphs[1]
    assert compile_text(GOOD) == graphs
    assert check(file) == []


def test_the_problems_of_all_stages_come_together_in_the_order_of_the_text() -> None:
    with pytest.raises(DslError) as caught:
        compile_text(BAD, "bad.yaml")
    problems = caught.value.problems
    assert [(problem.code, problem.line) for problem in problems] == [
        ("W003", 4),
        ("W004", 6),
        ("W109", 8),
        ("W201", 13),
    ]
    lines = BAD.split("\n")
    assert [problem.source_line for problem in problems] == [lines[problem.line - 1] for problem in problems]


def test_what_a_whole_graph_shows_is_told_once_its_document_can_be_read() -> None:
    text = "workflow: w\nsteps:\n  - finish: done\n  - step: late\n    log: hello\n"
    assert [problem.code for problem in check_text(text)] == ["W201"]
    assert [problem.code for problem in check_text(text + "    retires: 3\n")] == ["W004"]


def test_imports_are_checked_on_demand() -> None:
    text = "workflow: w\nsteps: [{step: a, call: no_such_module.function}]\n"
    assert check_text(text) == []
    assert [problem.code for problem in check_text(text, imports=True)] == ["W210"]


def test_a_file_that_cannot_be_decoded_is_a_problem_and_one_that_is_not_there_an_error(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"workflow: caf\xe9\n")
    assert [problem.code for problem in check(file)] == ["W011"]
    with pytest.raises(FileNotFoundError):
        check(tmp_path / "none.yaml")
