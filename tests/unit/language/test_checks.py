"""What only the whole graph can tell."""

from __future__ import annotations

from textwrap import dedent, indent

import networkx as nx
import pytest

from durable_dsl.checks import check, to_networkx
from durable_dsl.compiler import compile_workflow
from durable_dsl.errors import Problem
from durable_dsl.graph import Graph
from durable_dsl.loader import read_documents


def checked(text: str) -> tuple[Graph, list[Problem]]:
    (workflow,), read = read_documents(dedent(text).strip() + "\n", "w.yaml")
    assert read == []
    graph, problems = compile_workflow(workflow)
    assert problems == []
    assert graph is not None
    return graph, check(graph, workflow)


def steps(text: str, head: str = "") -> str:
    """Puts nodes into a workflow; without a head the first stands in line 3, its keys in column 5."""
    return f"workflow: w\n{head}steps:\n" + indent(dedent(text).strip("\n"), "  ")


def found(text: str) -> list[str]:
    """Gives `line:column code message` of every problem."""
    return [f"{problem.line}:{problem.column} {problem.code} {problem.message}" for problem in checked(text)[1]]


# --- what can run -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "blocker",
    [
        "- fail: stop",
        "- finish: stop",
        "- decision: stop\n  choose: [{when: true, goto: last}]",
        "- decision: stop\n  choose: [{when: 1 < 2, goto: end}]",
        "- group: stop\n  steps: [{fail: inner}]",
        "- branch: stop\n  match: data.x\n  cases: {a: [{fail: inner}]}",
        "- branch: stop\n  match: data.x\n  cases: {a: [{fail: inner}]}\n  default: [{finish: other}]",
        "- parallel: stop\n  branches: {a: [{fail: inner}], b: [{step: good, log: x}]}",
        "- parallel: stop\n  join: {at_least: 2}\n  branches: {a: [{fail: inner}], b: [{step: good, log: x}]}",
        "- loop: stop\n  until: data.x\n  steps: [{fail: inner}]",
    ],
)
def test_what_stands_behind_a_sure_end_can_never_run(blocker: str) -> None:
    text = steps(f"{blocker}\n- step: lost\n  log: x\n- step: lost_too\n  log: x\n- step: last\n  log: x")
    reports = [report.split(" ", 1)[1] for report in found(text)]
    assert reports == ["W201 'lost' can never run: 'stop' always ends or jumps over it"]


@pytest.mark.parametrize(
    "passable",
    [
        "- fail: stop\n  when: data.x",
        "- decision: stop\n  choose: [{when: data.x, goto: last}]",
        "- decision: stop\n  call: shop.pick\n  goto: [last]",
        "- branch: stop\n  match: data.x\n  cases: {a: [{fail: inner}]}\n  default: []",
        "- parallel: stop\n  join: any\n  branches: {a: [{fail: inner}], b: [{step: good, log: x}]}",
        "- parallel: stop\n  on_error: complete_all\n  branches: {a: [{fail: inner}], b: [{step: good, log: x}]}",
        "- foreach: stop\n  in: data.x\n  steps: [{fail: inner}]",
        "- loop: stop\n  while: data.x\n  steps: [{fail: inner}]",
        "- loop: stop\n  while: true\n  max_iterations: 3\n  on_limit: continue\n  steps: [{step: inner, log: x}]",
        "- group: stop\n  steps: [{decision: d, choose: [{when: data.x, goto: end}]}, {fail: inner}]",
        "- group: stop\n  steps: [{decision: d, choose: [{when: data.x, goto: next_one}]}, {fail: inner}]",
    ],
)
def test_what_some_path_reaches_can_run(passable: str) -> None:
    assert found(steps(f"{passable}\n- step: next_one\n  log: x\n- step: last\n  log: x")) == []


def test_an_unreachable_node_inside_a_container_is_reported_at_its_name() -> None:
    assert found(steps("- group: g\n  steps:\n    - fail: stop\n    - step: lost\n      log: x")) == [
        "6:15 W201 'lost' can never run: 'stop' always ends or jumps over it"
    ]


def test_rows_behind_one_that_always_holds_are_reported() -> None:
    assert found(
        steps(
            """
            - decision: d
              choose:
                - {when: true, goto: a}
                - {when: data.x, goto: a}
            - branch: b
              cases:
                - {when: "'a' == 'a'", steps: []}
                - {when: data.x, steps: []}
            - step: a
              log: x
            """
        )
    ) == [
        "6:9 W202 this row of 'd' is never reached: the one before it always holds",
        "7:13 W201 'b' can never run: 'd' always ends or jumps over it",
        "10:9 W202 this row of 'b' is never reached: the one before it always holds",
    ]


@pytest.mark.parametrize(("condition", "place"), [("while: true", "4:12"), ("until: 1 > 2", "4:12")])
def test_a_loop_whose_constant_condition_never_ends_it_is_reported(condition: str, place: str) -> None:
    key = condition.split(":")[0]
    always = "true" if key == "while" else "false"
    assert found(steps(f"- loop: forever\n  {condition}\n  steps: [{{step: a, log: x}}]")) == [
        f"{place} W203 loop 'forever' never ends: '{key}' is always {always}"
    ]


@pytest.mark.parametrize(
    "way_out",
    [
        "steps: [{decision: d, choose: [{when: data.x, goto: after}]}]",
        "steps: [{step: a, log: x}, {finish: done, when: data.x}]",
        "steps: [{step: a, log: x}, {fail: broken, when: data.x}]",
        "on_limit: continue\n  steps: [{step: a, log: x}]",
        "timeout: 1h\n  steps: [{step: a, log: x}]",
    ],
)
def test_a_loop_with_another_way_out_is_fine(way_out: str) -> None:
    reports = found(steps(f"- loop: forever\n  while: true\n  {way_out}\n- step: after\n  log: x"))
    assert not any("W203" in report for report in reports)


# --- constants of the wrong type ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "report"),
    [
        ("- step: a\n  log: x\n  when: '1'", "'when' must give true or false, and this always gives the number 1"),
        (
            "- loop: a\n  until: \"'done'\"\n  steps: [{step: b, log: x}]",
            "'until' must give true or false, and this always gives the text 'done'",
        ),
        (
            "- foreach: a\n  in: \"{'a': 1}\"\n  steps: [{step: b, log: x}]",
            "'in' must give a list, and this always gives a map",
        ),
        (
            "- step: a\n  call: shop.a\n  retry: {when: 'null'}",
            "'when' must give true or false, and this always gives null",
        ),
    ],
)
def test_a_constant_of_the_wrong_type_is_reported(node: str, report: str) -> None:
    (problem,) = checked(steps(node))[1]
    assert (problem.code, problem.message) == ("W205", report)


def test_a_constant_of_the_right_type_is_fine() -> None:
    assert found(steps("- foreach: a\n  in: '[1, 2, 3]'\n  when: 1 < 2\n  steps: [{step: b, log: x}]")) == []


# --- clashes ------------------------------------------------------------------------------------------------------


def test_two_branches_cannot_change_the_same_key() -> None:
    assert found(
        steps(
            """
            - parallel: p
              branches:
                left:
                  - step: a
                    set: {k: 1, own: 2}
                right:
                  - group: g
                    steps:
                      - step: b
                        call: shop.b
                        save: k
            """
        )
    ) == ["13:21 W204 'k' is changed in branch 'right' and in branch 'left' of 'p'"]


@pytest.mark.parametrize(
    "branches",
    [
        "branches: {a: [{step: s1, set: {k: 1}}], b: [{step: s2, set: {l: 1}}]}",
        "branches: {a: [{step: s1, set: {k: 1}}, {step: s2, set: {k: 2}}], b: [{step: s3, log: x}]}",
        "save: p\n  branches: {a: [{step: s1, set: {k: 1}}], b: [{step: s2, set: {k: 1}}]}",
        "branches: {a: [{step: s1, set: {k: 1}}], b: [{foreach: f, in: data.x, steps: [{step: s2, set: {k: 1}}]}]}",
    ],
)
def test_changes_that_meet_nowhere_do_not_clash(branches: str) -> None:
    assert found(steps(f"- parallel: p\n  {branches}")) == []


# --- networks -----------------------------------------------------------------------------------------------------


def test_every_list_is_a_dag_of_its_own() -> None:
    graph, problems = checked(
        steps(
            """
            - decision: d
              choose: [{when: data.x, goto: last}]
            - loop: l
              while: data.y
              steps:
                - step: a
                  log: x
                - decision: out
                  choose: [{when: data.z, goto: last}, {when: data.w, goto: end}]
                - step: b
                  log: x
            - step: middle
              log: x
            - step: last
              log: x
            """
        )
    )
    assert problems == []
    networks = to_networkx(graph)
    assert set(networks) == {"", "l:steps"}
    assert set(networks[""].edges) == {
        ("list begins", "d"),
        ("d", "l"),
        ("d", "last"),
        ("l", "middle"),
        ("l", "last"),
        ("middle", "last"),
        ("last", "list ends"),
    }
    assert set(networks["l:steps"].edges) == {
        ("list begins", "l/a"),
        ("l/a", "l/out"),
        ("l/out", "l/b"),
        ("l/out", "list ends"),
        ("l/b", "list ends"),
    }
    assert all(nx.is_directed_acyclic_graph(network) for network in networks.values())
