"""What the compiler refuses: each mistake with its code, its exact place and what to do about it."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from durable_dsl.compiler import compile_workflow
from durable_dsl.document import Call, Decision, Loop, Retry, Step, Wait, Workflow
from durable_dsl.errors import Problem
from durable_dsl.loader import read_documents


def problems_of(text: str) -> list[Problem]:
    """Reads a text in which the reader itself finds nothing wrong, and compiles it."""
    (workflow,), read = read_documents(dedent(text).strip() + "\n", "w.yaml")
    assert read == []
    graph, problems = compile_workflow(workflow)
    assert (graph is None) == bool(problems)
    return problems


def only_problem(text: str) -> Problem:
    (problem,) = problems_of(text)
    return problem


def steps(text: str) -> str:
    """Puts nodes into a workflow; the first stands in line 3, its keys in column 5."""
    return "workflow: w\nsteps:\n" + indent(dedent(text).strip("\n"), "  ")


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_text() -> None:
    problems = problems_of(
        """
        workflow: bad
        constants: {vat: "${ 1 }"}
        steps:
          - step: one
            call: shop.one
            with: {a: "${ item.x }", b: "${ data.x + }"}
            retry: apy
          - step: two
            set: {a: "${ nope }"}
            retry: 3
            timeout: 1s
          - decision: back
            choose: [{when: "data.a &", goto: one}]
          - wait: until
            at: tomorrow
        """
    )
    assert [(problem.line, problem.column, problem.code) for problem in problems] == [
        (2, 18, "W113"),
        (6, 19, "W110"),
        (6, 45, "W109"),
        (7, 12, "W107"),
        (9, 18, "W110"),
        (10, 12, "W108"),
        (11, 14, "W108"),
        (13, 29, "W109"),
        (13, 39, "W104"),
        (15, 9, "W114"),
    ]


@pytest.mark.parametrize(
    ("scalar", "line", "column"),
    [
        ("${ data.a + item.b }", 4, 22),
        ("'it''s ${ item.b }'", 4, 20),
        ('"a\\tb ${ item.b }"', 4, 19),
        ("|\n        first\n        then ${ item.b }", 6, 17),
        (">-\n        folded\n        text ${ item.b } here", 6, 17),
    ],
    ids=["plain", "single quotes", "double quotes", "literal block", "folded block"],
)
def test_the_column_counts_inside_the_scalar_however_it_is_written(scalar: str, line: int, column: int) -> None:
    problem = only_problem(f"workflow: w\nsteps:\n  - step: a\n    log: {scalar}\n")
    assert (problem.code, problem.line, problem.column, problem.width) == ("W110", line, column, len("item"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("item", "it exists only inside a foreach"),
        ("index", "it exists only inside a foreach"),
        ("iteration", "it exists only inside a loop"),
        ("error", "it exists only in 'catch', in 'on_failure' and in 'retry.when'"),
        ("result", "it exists only in a node's 'output' and in 'compensate'"),
        ("event", "it exists only in 'where' of a wait for an event"),
    ],
)
def test_a_name_of_the_language_is_refused_where_it_cannot_exist(name: str, hint: str) -> None:
    problem = only_problem(steps(f"  - step: a\n    log: ${{ {name} }}"))
    assert (problem.code, problem.message, problem.hint) == ("W110", f"there is no '{name}' here", hint)


def test_a_name_that_is_nearly_one_gets_a_suggestion() -> None:
    problem = only_problem(steps("  - step: a\n    log: a\n    when: dta.x"))
    assert (problem.code, problem.line, problem.column, problem.hint) == ("W110", 5, 11, "did you mean 'data'?")


def test_names_are_visible_exactly_where_they_exist() -> None:
    assert (
        problems_of(
            """
            workflow: w
            timeout: "${ input.patience }"
            output: {all: "${ data }", by: "${ execution.id }", v: "${ constants.v }", at: "${ now }"}
            constants: {v: 1}
            steps:
              - foreach: outer
                in: data.rows
                as: row
                steps:
                  - loop: turns
                    while: iteration < row.limit
                    every: "${ row.pause }"
                    steps:
                      - foreach: inner
                        in: row.cells
                        as: cell
                        output: "${ result.size() + index + iteration }"
                        steps:
                          - step: use
                            call: shop.use
                            with: {row: "${ row }", cell: "${ cell }", at: "${ [index, iteration] }"}
                            retry: {max_attempts: 2, when: error.type == 'Busy' && iteration < 3}
            """
        )
        == []
    )


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("in: item.rows\n    steps: [{step: s, log: x}]", "item"),
        ("in: data.rows\n    when: index > 1\n    steps: [{step: s, log: x}]", "index"),
        ("in: data.rows\n    steps: [{step: s, log: x}]\n    output: ${ item }", "item"),
    ],
)
def test_a_foreach_sees_its_item_only_inside(field: str, word: str) -> None:
    problem = only_problem(steps(f"  - foreach: f\n    {field}"))
    assert (problem.code, problem.message) == ("W110", f"there is no '{word}' here")


def test_an_item_cannot_hide_the_item_around_it() -> None:
    problem = only_problem(
        steps(
            """
              - foreach: outer
                in: data.rows
                steps:
                  - foreach: inner
                    in: item.cells
                    steps: [{step: s, log: "${ item }"}]
            """
        )
    )
    assert str(problem) == (
        "w.yaml:6:9: W111 foreach 'inner' calls its item 'item', as foreach 'outer' around it; "
        "give one of them another name with 'as'"
    )


@pytest.mark.parametrize("name", ["data", "input", "now", "index", "error", "true", "int"])
def test_an_item_cannot_take_a_name_that_means_something(name: str) -> None:
    problem = only_problem(
        steps(f"  - foreach: f\n    in: data.rows\n    as: '{name}'\n    steps: [{{step: s, log: x}}]")
    )
    assert (problem.code, problem.line, problem.column) == ("W111", 5, 9)


def decide(target: str) -> Problem:
    return only_problem(
        steps(
            f"""
              - step: first
                log: x
              - parallel: both
                branches:
                  left:
                    - decision: d
                      choose: [{{when: data.x, goto: {target}}}]
                    - step: beside
                      log: x
                  right: [{{step: other, log: x}}]
              - group: later
                steps: [{{step: inside, log: x}}]
            """
        )
    )


def test_a_jump_back_is_refused_and_the_loop_named() -> None:
    problem = only_problem(steps("  - step: a\n    log: x\n  - decision: d\n    choose: [{when: data.x, goto: a}]"))
    assert (problem.code, problem.line, problem.column, problem.width) == ("W104", 6, 35, 1)
    assert problem.message == "'a' is an earlier node; jumps only go forward"
    assert problem.hint == "to repeat nodes put them into a 'loop' with 'while' or 'until'"


def test_a_jump_to_itself_is_a_jump_back() -> None:
    problem = only_problem(steps("  - decision: d\n    choose: [{when: data.x, goto: d}]"))
    assert (problem.code, problem.message) == ("W104", "'d' is itself or a node around it; jumps only go forward")


@pytest.mark.parametrize("target", ["later", "first"])
def test_a_jump_cannot_leave_a_parallel(target: str) -> None:
    problem = decide(target)
    if target == "later":
        assert problem.code == "W105"
        assert problem.message == "'later' lies outside branch 'left' of parallel 'both'; a jump cannot leave it"
    else:
        assert problem.code == "W104"


def test_a_jump_cannot_leave_the_items_of_a_foreach() -> None:
    problem = only_problem(
        steps(
            """
              - foreach: f
                in: data.rows
                steps:
                  - decision: d
                    choose: [{when: item.x, goto: after}]
              - step: after
                log: x
            """
        )
    )
    assert problem.message == "'after' lies outside the items of foreach 'f'; a jump cannot leave it"


@pytest.mark.parametrize(("target", "container"), [("inside", "later"), ("other", "both")])
def test_a_jump_cannot_enter_another_list(target: str, container: str) -> None:
    problem = decide(target)
    assert problem.code == "W105"
    assert problem.message == f"'{target}' is inside '{container}'; a jump cannot enter another node's list"
    assert problem.hint == "targets from here: beside, end"


def test_an_unknown_target_gets_a_suggestion() -> None:
    problem = decide("besid")
    assert (problem.code, problem.message, problem.hint) == (
        "W103",
        "there is no node 'besid'",
        "did you mean 'beside'?",
    )


def test_targets_of_a_function_are_checked_one_by_one() -> None:
    problem = only_problem(
        steps("  - decision: d\n    call: shop.pick\n    goto: [a, nowhere]\n  - step: a\n    log: x")
    )
    assert (problem.code, problem.line, problem.column) == ("W103", 5, 15)


def test_an_unknown_policy_gets_a_suggestion() -> None:
    problem = only_problem("workflow: w\nretries: {api: 3}\nsteps:\n  - step: a\n    call: shop.a\n    retry: apy\n")
    assert str(problem) == "w.yaml:6:12: W107 there is no retry policy 'apy'; did you mean 'api'?"


def test_an_unknown_default_policy_is_reported_once() -> None:
    problem = only_problem(
        "workflow: w\ndefaults: {retry: api}\nsteps:\n  - {step: a, call: shop.a}\n  - {step: b, call: shop.b}\n"
    )
    assert (problem.code, problem.line, problem.column) == ("W107", 2, 19)


def test_no_time_at_all_is_no_timeout() -> None:
    problem = only_problem(steps("  - step: a\n    call: shop.a\n    timeout: 0s"))
    assert str(problem) == (
        "w.yaml:5:14: W106 '0s' leaves no time at all; write a duration above zero, or leave the key out"
    )


@pytest.mark.parametrize("instant", ["2031-01-31", "2031-01-31T09:00:00", "soon"])
def test_an_instant_needs_its_offset(instant: str) -> None:
    problem = only_problem(steps(f"  - wait: w1\n    at: {instant}"))
    assert (problem.code, problem.message) == ("W114", f"'{instant}' is not an instant")


def test_a_document_built_by_hand_is_refused_too_and_points_nowhere() -> None:
    workflow = Workflow(
        name="w",
        steps=(
            Step(name="a", action=Call(function="shop.a"), retry=Retry(delay="soon")),
            Wait(name="a", for_="30"),
            Loop(name="end", until="data.x", every="1s", steps=(Decision(name="d"),)),
        ),
    )
    graph, problems = compile_workflow(workflow)
    assert graph is None
    assert [(problem.code, problem.line) for problem in problems] == [
        ("W106", 0),
        ("W023", 0),
        ("W106", 0),
        ("W024", 0),
    ]
    assert str(problems[2]) == "<input>: W106 30 what? write 30s for seconds, 30m for minutes"


def test_a_decision_has_no_result_to_save_or_reshape() -> None:
    text = """
        workflow: w
        steps:
          - decision: route
            choose: [{when: "input.a", goto: end}]
            save: chosen
            output: 1
            timeout: 5s
        """
    found = [(problem.line, problem.code) for problem in problems_of(text)]
    assert found == [(5, "W108"), (6, "W108"), (7, "W108")]
