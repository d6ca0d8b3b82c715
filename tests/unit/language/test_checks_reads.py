"""Reads of values that cannot be there, followed along every path."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from durable_dsl.checks import check
from durable_dsl.compiler import compile_workflow
from durable_dsl.errors import Problem
from durable_dsl.graph import Graph
from durable_dsl.loader import read_documents

CLOSED = "input: {properties: {total: {type: number}, lines: {type: array}}}\n"


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


def test_a_set_and_its_output_see_the_data_before_it() -> None:
    assert reads("- step: a\n  set: {x: 1, y: '${ data.x }'}\n  output: ${ data.y }") == ["x", "y"]
    assert reads("- step: a\n  set: {x: 1}\n  output: ${ result.x }") == []


def test_the_output_of_a_container_sees_what_its_list_saved_in_the_shared_data() -> None:
    inner = "steps: [{step: s, set: {x: 1}}]\n  output: ${ data.x }"
    assert reads(f"- group: g\n  {inner}") == []
    assert reads(f"- loop: l\n  while: data.total > 1\n  {inner}") == []
    assert reads(f"- foreach: f\n  in: data.lines\n  {inner}") == ["x"]


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
