"""`compensate`: what undoes a step, as a graph, and what is wrong about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_dsl import check, check_text, compile, compile_text, step, workflow
from durable_dsl.graph import Call, Compensation, Graph, Http, RetryPolicy, Step, graph_from_json


def compiled(step: str, more: str = "") -> Graph:
    [graph] = compile_text(f"workflow: w\n{more}steps:\n  - {{step: a, call: shop.a, {step}}}\n")
    assert graph_from_json(graph.to_json()) == graph
    return graph


def undone(graph: Graph) -> Compensation | None:
    [node] = graph.steps
    assert isinstance(node, Step)
    return node.compensate


def test_a_function_alone_is_enough() -> None:
    assert undone(compiled("compensate: shop.b")) == Compensation(action=Call(function="shop.b"))


def test_any_action_but_set_undoes_with_its_own_policy() -> None:
    graph = compiled(
        "retry: 2, compensate: {http: {method: DELETE, url: 'http://x/${ result.id }'}, retry: 7, timeout: 5s}"
    )
    assert undone(graph) == Compensation(
        action=Http(method="DELETE", url="http://x/${ result.id }"), retry=RetryPolicy(max_attempts=7), timeout=5000
    )


def test_the_defaults_hold_for_what_undoes_too() -> None:
    graph = compiled("compensate: shop.b", "defaults: {retry: 4, timeout: 1m}\n")
    assert undone(graph) == Compensation(
        action=Call(function="shop.b"), retry=RetryPolicy(max_attempts=4), timeout=60_000
    )


def test_python_gives_the_same_as_yaml() -> None:
    built = workflow(
        "w",
        step("a", "shop.a", compensate="shop.b"),
        step("b", "shop.a", compensate={"call": "shop.b", "with": {"id": "${ result }"}, "retry": 3, "timeout": "5s"}),
    )
    [written] = compile_text(
        "workflow: w\nsteps:\n  - {step: a, call: shop.a, compensate: shop.b}\n"
        "  - {step: b, call: shop.a, compensate: {call: shop.b, with: {id: '${ result }'}, retry: 3, timeout: 5s}}\n"
    )
    assert compile(built) == written


CLOSED = "input: {type: object, properties: {x: {type: integer}}, additionalProperties: false}\n"


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("with: {x: '${ result }'}", "W110 there is no 'result' here"),
        ("compensate: {call: b.c, with: {x: '${ error }'}}", "W110 there is no 'error' here"),
        ("compensate: {log: x, retry: 3}", "W108 'retry' has no effect on 'log', which has no attempts"),
        ("compensate: {set: {x: 1}, log: x}", "W006 'set' has no effect in 'compensate'"),
        ("with: {}, save: y, compensate: {log: '${ data.y } ${ data.z }'}",
         "W206 nothing can have put 'z' into the data here"),
        ("compensate: {call: b.c, retry: {when: 5 + 5}}",
         "W205 'when' must give true or false, and this always gives the number 10"),
    ],
)  # fmt: skip
def test_a_mistake_about_what_undoes(step: str, problem: str) -> None:
    found = check_text(f"workflow: w\n{CLOSED}steps:\n  - {{step: a, call: shop.a, {step}}}\n")
    assert [f"{each.code} {each.message}" for each in found] == [problem]


def test_the_function_that_undoes_is_imported_too(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(
        "workflow: w\nsteps:\n  - step: a\n    log: a\n    compensate:\n      call: json.loads\n      with: {}\n"
    )
    assert [(problem.code, problem.line) for problem in check(file, imports=True)] == [("W211", 7)]
