"""Functions in place of expressions: in YAML, in Python, in the graph, in drawings; and where none can stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_dsl import (
    DslError,
    branch,
    case,
    check,
    check_text,
    compile_text,
    decision,
    foreach,
    load_document,
    loop,
    step,
    workflow,
)
from durable_dsl.builder import Condition
from durable_dsl.drawing import to_dot, to_mermaid, to_text
from durable_dsl.graph import Branch, Decision, Foreach, Function, Graph, Loop, graph_from_json

HERE = "tests.unit.language.test_asked_conditions"

TEXT = f"""\
workflow: w
steps:
  - step: a
    when: {{call: {HERE}.is_open}}
    log: hello
  - decision: d
    choose:
      - {{when: {{call: {HERE}.is_open}}, goto: end}}
      - {{when: data.x, goto: b}}
  - branch: b
    cases:
      - {{when: {{call: {HERE}.is_open}}, steps: [{{step: c, log: c}}]}}
    default: []
  - branch: m
    match: {{call: {HERE}.kind}}
    cases: {{x: []}}
  - foreach: f
    in: {{call: {HERE}.kind}}
    steps: [{{step: e, log: e}}]
  - loop: l
    while: {{call: {HERE}.is_open}}
    steps: [{{step: g, log: g}}]
  - loop: u
    until: {{call: {HERE}.is_open}}
    steps: [{{step: h, log: h}}]
"""

OPEN = Function(call=f"{HERE}.is_open")
KIND = Function(call=f"{HERE}.kind")


def is_open(data: object) -> bool:
    return True


def kind(data: object) -> str:
    return "x"


def careless(data: object, ctx: object) -> bool:
    return True


def two(data: object, other: object) -> bool:
    return True


def compiled(text: str) -> Graph:
    [graph] = compile_text(text)
    return graph


def test_the_graph_names_the_functions() -> None:
    graph = compiled(TEXT)
    first, jump, by_case, by_match, each, before, after = graph.steps
    assert isinstance(jump, Decision)
    assert isinstance(by_case, Branch)
    assert isinstance(by_match, Branch)
    assert isinstance(each, Foreach)
    assert isinstance(before, Loop)
    assert isinstance(after, Loop)
    assert first.when == OPEN
    assert [choice.when for choice in jump.choose] == [OPEN, "data.x"]
    assert (by_case.cases[0].when, by_match.match, each.items) == (OPEN, KIND, KIND)
    assert (before.while_, after.until) == (OPEN, OPEN)
    assert graph_from_json(graph.to_json()) == graph


def test_python_says_the_same() -> None:
    built = workflow(
        "w",
        step("a", when=is_open, log="hello"),
        decision("d", choose=[(is_open, "end"), ("data.x", "b")]),
        branch("b", cases=[case(is_open, step("c", log="c"))], default=[]),
        branch("m", match=kind, cases={"x": []}),
        foreach("f", step("e", log="e"), in_=kind),
        loop("l", step("g", log="g"), while_={"call": f"{HERE}.is_open"}),
        loop("u", step("h", log="h"), until=is_open),
    )
    [document] = load_document(TEXT)
    assert built == document
    assert load_document(document.to_yaml()) == [document]


@pytest.mark.parametrize("condition", [lambda data: True, [].append, str.upper])
def test_python_refuses_what_no_worker_could_import(condition: Condition) -> None:
    with pytest.raises(DslError, match="W150"):
        workflow("w", step("a", when=condition, log="a"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("when: {call: open}",
         "W032 'open' does not name an importable function"),
        ("when: {call: shop.x, with: {a: 1}}",
         "W006 'with' has no effect beside 'call', whose function is given the data"),
        ("when: {cal: shop.x}", "W005 'when' must be an expression, not a mapping"),
        ("catch: [{when: {call: shop.x}, steps: []}]", "W005 'when' must be an expression, not a mapping"),
        ("retry: {when: {call: shop.x}}", "W005 'when' must be an expression, not a mapping"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_function_is_said(line: str, problem: str) -> None:
    [found] = check_text(f"workflow: w\nsteps:\n  - step: a\n    call: shop.a\n    {line}\n")
    assert f"{found.code} {found.message}" == problem


def test_where_no_function_can_stand_the_reason_is_given() -> None:
    [found] = check_text("workflow: w\nsteps: [{wait: a, event: e, where: {call: shop.x}}]\n")
    assert found.hint == "a function is given the data and nothing else, so it cannot stand here"


def test_functions_are_imported_to_be_checked(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(TEXT, encoding="utf-8")
    assert check(file, imports=True) == []
    wrong = TEXT.replace("kind", "knd").replace("while: {call: " + HERE + ".is_open", "while: {call: " + HERE + ".two")
    file.write_text(wrong.replace("until: {call: " + HERE + ".is_open", "until: {call: " + HERE + ".careless"))
    assert [f"{problem.line} {problem.code}" for problem in check(file, imports=True)] == [
        "15 W210",
        "18 W210",
        "21 W211",
        "24 W211",
    ]


def test_every_drawing_shows_the_function() -> None:
    graph = compiled(TEXT.replace(HERE, "shop"))
    for drawing in (to_text(graph), to_dot(graph), to_mermaid(graph)):
        assert "shop.is_open()" in drawing
