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


CLOSED = "input: {properties: {total: {type: number}, lines: {type: array}}}\n"


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


# --- reads before writes ------------------------------------------------------------------------------------------


def reads(text: str) -> list[str]:
    """Gives the keys reported as read before anything can have saved them."""
    problems = checked(steps(text, CLOSED))[1]
    assert {problem.code for problem in problems} <= {"W206"}
    return [problem.message.split("'")[1] for problem in problems]


def test_a_read_of_what_nothing_saves_is_reported_in_its_place() -> None:
    _graph, (problem,) = checked(steps("- step: a\n  log: so much is ${ data.totl }", CLOSED))
    assert str(problem) == ("w.yaml:5:24: W206 nothing can have put 'totl' into the data here; did you mean 'total'?")
    assert problem.width == len("data.totl")


def test_a_read_before_the_step_that_saves_names_that_step() -> None:
    _graph, (problem,) = checked(
        steps("- step: a\n  log: ${ data.paid }\n- step: pay\n  call: shop.pay\n  save: paid", CLOSED)
    )
    assert problem.hint == "'pay' sets it, but not on any way to this place"


def test_what_was_saved_before_can_be_read() -> None:
    assert (
        reads(
            """
            - step: a
              call: shop.a
              with: {total: "${ data.total }"}
              save: saved
            - step: b
              set: {computed: "${ data.saved }"}
            - group: g
              output: "${ data.inner }"
              save: grouped
              steps: [{step: c, set: {inner: "${ data.computed }"}}]
            - step: d
              log: ${ data.grouped } ${ data.inner }
            """
        )
        == []
    )


def test_a_step_cannot_read_what_it_saves_itself() -> None:
    assert reads("- step: a\n  call: shop.a\n  with: {x: '${ data.own }'}\n  save: own") == ["own"]


def test_a_set_sees_the_data_before_it_and_its_output_the_data_after_it() -> None:
    assert reads("- step: a\n  set: {x: 1, y: '${ data.x }'}\n  output: ${ data.y }") == ["x"]


def test_a_key_saved_on_one_of_several_paths_may_be_read_behind_them() -> None:
    assert (
        reads(
            """
            - branch: b
              match: data.total
              cases: {a: [{step: s1, set: {x: 1}}]}
              default: []
            - step: after
              log: ${ data.x }
            """
        )
        == []
    )


def test_a_key_saved_in_one_case_cannot_be_read_in_another() -> None:
    assert (
        reads(
            """
            - branch: b
              match: data.total
              cases:
                a: [{step: s1, set: {x: 1}}]
                b: [{step: s2, log: "${ data.x }"}]
            """
        )
        == ["x"]
    )  # fmt: skip


def test_a_key_saved_only_where_the_flow_ends_cannot_be_read_later() -> None:
    assert (
        reads(
            """
            - group: g
              when: data.total > 1
              steps: [{step: s1, set: {x: 1}}, {fail: f}]
            - step: after
              log: ${ data.x }
            """
        )
        == ["x"]
    )  # fmt: skip


def test_a_jump_takes_along_what_was_saved_before_it_and_nothing_it_jumps_over() -> None:
    assert (
        reads(
            """
            - group: g
              steps:
                - step: s1
                  set: {x: 1}
                - decision: d
                  choose: [{when: true, goto: target}]
            - step: over
              set: {y: 1}
            - step: target
              log: ${ data.x } ${ data.y }
            """.replace("when: true", "when: data.total > 1")
        )
        == []
    )
    _graph, problems = checked(
        steps(
            """
            - decision: d
              choose: [{when: true, goto: target}]
            - step: over
              set: {y: 1}
            - step: target
              log: ${ data.y }
            """,
            CLOSED,
        )
    )
    assert [problem.code for problem in problems] == ["W201", "W206"]


def test_branches_of_a_parallel_do_not_see_each_other_and_what_follows_sees_both() -> None:
    text = """
        - parallel: p
          {save}
          branches:
            a: [{{step: s1, set: {{x: 1}}}}]
            b: [{{step: s2, log: "${{ data.x }}"}}, {{step: s3, set: {{y: 1}}}}]
        - step: after
          log: ${{ data.x }} ${{ data.y }}
        """
    assert reads(text.format(save="")) == ["x"]
    assert reads(text.format(save="save: results")) == ["x", "x", "y"]


def test_items_change_only_their_own_copies() -> None:
    assert (
        reads(
            """
            - foreach: f
              in: data.lines
              steps: [{step: s1, set: {x: 1}}, {step: s2, log: "${ data.x }"}]
            - step: after
              log: ${ data.x }
            """
        )
        == ["x"]
    )  # fmt: skip


def test_a_turn_may_read_what_the_turn_before_it_saved() -> None:
    assert (
        reads(
            """
            - loop: l
              while: data.total > 1 || data.x
              every: "${ data.x }"
              steps: [{step: s1, log: "${ data.x }"}, {step: s2, set: {x: 1}}]
            - step: after
              log: ${ data.x }
            """
        )
        == []
    )


def test_after_a_call_that_merges_its_result_everything_may_be_there() -> None:
    assert reads("- step: a\n  call: shop.a\n- step: b\n  log: ${ data.anything }") == []
    assert reads("- step: a\n  call: shop.a\n  with: {}\n- step: b\n  log: ${ data.anything }") == ["anything"]


@pytest.mark.parametrize(
    "head",
    [
        "",
        "input: {}\n",
        "input: {type: object}\n",
        "input: {properties: {a: {}}, additionalProperties: true}\n",
        "input: {properties: {a: {}}, patternProperties: {'^x': {}}}\n",
        "input: {properties: {a: {}}, allOf: [{properties: {b: {}}}]}\n",
    ],
)
def test_an_input_that_takes_anything_may_hold_everything(head: str) -> None:
    assert found(steps("- step: a\n  log: ${ data.x } ${ input.y }", head)) == []


@pytest.mark.parametrize(
    "guarded", ["has(data.x) && data.x > 1", "data.?x.orValue(1) > 1", "'x' in data && data.x > 1"]
)
def test_a_read_that_asks_first_is_fine(guarded: str) -> None:
    assert reads(f'- step: a\n  log: x\n  when: "{guarded}"') == []


def test_the_output_of_the_workflow_sees_what_its_ends_may_have_saved() -> None:
    text = """
        workflow: w
        input: {properties: {total: {type: number}}}
        output: {a: "${ data.early }", b: "${ data.late }", c: "${ data.never }"}
        steps:
          - group: g
            when: data.total > 1
            steps: [{step: s1, set: {early: 1}}, {finish: f}]
          - step: s2
            set: {late: 1}
        """
    assert found(text) == ["3:60 W206 nothing can have put 'never' into the data here"]


def test_inputs_constants_and_facts_of_the_execution_are_checked_by_name() -> None:
    text = """
        workflow: w
        input: {properties: {order_id: {}}}
        constants: {rates: {de: 0.19}}
        steps:
          - step: a
            log: ${ input.orderid } ${ constants.rates.fr } ${ execution.queu } ${ constants.rate }
        """
    assert found(text) == [
        "6:13 W207 the input has no property 'orderid'",
        "6:32 W208 'constants.rates' has no 'fr'",
        "6:56 W208 'execution' has no 'queu'",
        "6:76 W208 'constants' has no 'rate'",
    ]


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
