"""`catch`, `ignore_errors` and `on_failure`: what they mean as a graph, and what is wrong about them."""

from __future__ import annotations

from textwrap import indent

import pytest

from durable_dsl import DslError, catch, check_text, compile, compile_text, fail, group, step, workflow
from durable_dsl.graph import END, Catch, Decision, Graph

CHARGE = "- step: charge\n  call: shop.charge\n"


class CardDeclined(Exception):
    pass


def compiled(steps: str, more: str = "") -> Graph:
    [graph] = compile_text(f"workflow: w\n{more}steps:\n{indent(steps, '  ')}")
    return graph


def problems_of(steps: str, more: str = "") -> list[str]:
    return [
        f"{problem.code} {problem.message}"
        for problem in check_text(f"workflow: w\n{more}steps:\n{indent(steps, '  ')}")
    ]


def test_a_row_of_catch_becomes_a_list_below_its_node() -> None:
    graph = compiled(
        CHARGE
        + """\
  ignore_errors: true
  catch:
    - errors: [CardDeclined]
      when: "  error.attempt > 1 "
      compensate: true
      steps:
        - group: apologise
          steps: [{step: mail, log: "${ error.message }"}]
    - rethrow: true
"""
    )
    [charge] = graph.steps
    [apologise] = charge.catch[0].steps
    assert apologise.id == "charge/catch/apologise"
    assert charge.catch == (
        Catch(errors=("CardDeclined",), when="error.attempt > 1", compensate=True, steps=(apologise,)),
        Catch(rethrow=True),
    )
    assert charge.ignore_errors
    assert [node.id for node in graph.walk()] == [
        "charge",
        "charge/catch/apologise",
        "charge/catch/apologise/mail",
    ]


def test_what_runs_after_a_failure_has_ids_of_its_own() -> None:
    graph = compiled(CHARGE, 'on_failure:\n  - step: tell\n    log: "${ error.type }"\n')
    assert [node.id for node in graph.walk()] == ["charge", "on_failure/tell"]


def test_a_jump_out_of_a_catch_goes_on_in_the_list_of_its_node() -> None:
    graph = compiled(
        CHARGE
        + """\
  catch:
    - steps:
        - decision: how
          choose: [{when: input.vip, goto: ship}, {when: input.late, goto: end}]
- step: bill
  log: bill
- step: ship
  log: ship
"""
    )
    [how] = graph.steps[0].catch[0].steps
    assert isinstance(how, Decision)
    assert [choice.goto for choice in how.choose] == ["ship", END]


def test_python_gives_the_same_rows_as_yaml() -> None:
    built = compile(
        workflow(
            "w",
            step(
                "charge",
                "shop.charge",
                catch=[
                    catch(step("apologise", log="sorry"), errors=[CardDeclined, "shop.Busy"], when="error.attempt > 1"),
                    catch(compensate=True, rethrow=True, errors=["Timeout"]),
                    catch(),
                ],
            ),
            group("g", step("a", log="a"), ignore_errors=True),
            on_failure=[fail("worse", message="${ error.message }")],
        )
    )
    written = compiled(
        CHARGE
        + """\
  catch:
    - {errors: [CardDeclined, shop.Busy], when: error.attempt > 1, steps: [{step: apologise, log: sorry}]}
    - {compensate: true, rethrow: true, errors: [Timeout]}
    - {steps: []}
- group: g
  ignore_errors: true
  steps: [{step: a, log: a}]
""",
        'on_failure: [{fail: worse, message: "${ error.message }"}]\n',
    )
    assert built == written


def test_a_mistake_in_a_row_written_in_python_is_at_the_line_of_its_call() -> None:
    with pytest.raises(DslError) as raised:
        workflow("w", step("charge", "shop.charge", catch=[catch(when="${ error }", rethrow=True)]))
    [problem] = raised.value.problems
    assert problem.code == "W031"
    assert problem.source_line is not None
    assert "catch(when=" in problem.source_line


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        (CHARGE + "  catch: [{steps: [{step: a, log: '${ error.mesage }'}]}]\n", "W208 'error' has no 'mesage'"),
        (CHARGE + "  catch: [{when: data.x, steps: []}]\n  with: {a: '${ error }'}\n", "W110 there is no 'error' here"),
        (CHARGE + "  catch: [{when: 1 + 1, steps: []}]\n",
         "W205 'when' must give true or false, and this always gives the number 2"),
        (CHARGE + "  catch: [{steps: []}, {errors: [Busy], steps: []}]\n",
         "W202 this row of 'charge' is never reached: the one before it always holds"),
        (CHARGE + "  catch: [{rethrow: true, steps: [{decision: d, choose: [{when: input.x, goto: ship}]}]}]\n"
         "- step: ship\n  log: ship\n",
         "W105 'ship' lies outside a 'catch' of 'charge' that passes the error on; a jump cannot leave it"),
        ("- decision: d\n  choose: [{when: input.x, goto: sorry}]\n"
         + CHARGE + "  catch: [{steps: [{step: sorry, log: sorry}]}]\n",
         "W105 'sorry' is inside 'catch' of 'charge'; a jump cannot enter another node's list"),
        (CHARGE + "  catch: [{steps: [{finish: done}, {step: a, log: a}]}]\n",
         "W201 'a' can never run: 'done' always ends or jumps over it"),
        (CHARGE + "  catch: [{steps: [{step: charge, log: a}]}]\n", "W023 the name 'charge' is used twice"),
    ],
)  # fmt: skip
def test_a_mistake_about_caught_errors(steps: str, problem: str) -> None:
    assert problems_of(steps) == [problem]


def test_a_finish_cannot_end_well_what_has_failed() -> None:
    steps = "on_failure:\n  - group: g\n    steps: [{finish: done}]\n"
    expected = "W116 'done' cannot end the execution well: it has failed before 'on_failure' runs"
    assert problems_of(CHARGE, steps) == [expected]


def test_a_jump_into_what_runs_after_a_failure_is_refused() -> None:
    steps = CHARGE + "- decision: d\n  choose: [{when: input.x, goto: tell}]\n"
    found = problems_of(steps, "on_failure: [{step: tell, log: hm}]\n")
    assert found == ["W105 'tell' is inside 'on_failure'; a jump cannot enter another node's list"]


CLOSED = "input: {type: object, properties: {x: {type: integer}}, additionalProperties: false}\n"


def test_a_way_on_leads_through_a_catch() -> None:
    failing = "- group: g\n  steps: [{fail: no}]\n"
    after = "- step: after\n  log: after\n"
    assert problems_of(failing + after) == ["W201 'after' can never run: 'g' always ends or jumps over it"]
    assert problems_of(failing + "  catch: [{steps: []}]\n" + after) == []
    assert problems_of(failing + "  ignore_errors: true\n" + after) == []
    assert problems_of(failing + "  catch: [{rethrow: true}]\n" + after) == [
        "W201 'after' can never run: 'g' always ends or jumps over it"
    ]


def test_a_catch_sees_what_its_node_may_have_saved_before_the_error() -> None:
    saved = """\
- group: g
  steps:
    - {step: a, set: {y: 1}}
    - {step: b, call: shop.b, with: {}}
  catch: [{when: data.y == 1, steps: [{step: c, log: "${ data.y } ${ data.z }", save: w}]}]
- {step: d, log: "${ data.w } ${ data.y }"}
"""
    assert problems_of(saved, CLOSED) == ["W206 nothing can have put 'z' into the data here"]


def test_a_catch_sees_nothing_of_branches_and_items() -> None:
    saved = """\
- foreach: f
  in: "[1]"
  steps: [{step: a, set: {y: 1}}]
  catch: [{steps: [{step: c, log: "${ data.y }"}]}]
"""
    assert problems_of(saved, CLOSED) == ["W206 nothing can have put 'y' into the data here"]


def test_what_runs_after_a_failure_may_see_whatever_was_saved() -> None:
    steps = "- {step: a, set: {y: 1}}\n"
    more = 'on_failure: [{step: c, log: "${ data.y } ${ data.z }"}]\n'
    assert problems_of(steps, CLOSED + more) == ["W206 nothing can have put 'z' into the data here"]


def test_calls_in_a_catch_and_after_a_failure_are_imported_too() -> None:
    text = (
        "workflow: w\nsteps: [{step: a, log: a, catch: [{steps: [{step: b, call: nowhere.b}]}]}]\n"
        "on_failure: [{step: c, call: nowhere.c}]\n"
    )
    assert [problem.line for problem in check_text(text, imports=True)] == [2, 3]


def test_a_cancellation_cannot_be_caught() -> None:
    row = "  catch: [{errors: [CardDeclined, Cancelled], steps: []}, {errors: [ChildCancelled], steps: []}]\n"
    assert problems_of(CHARGE + row) == [
        "W119 the 'catch' of 'charge' takes 'Cancelled', and a cancellation cannot be caught"
    ]
    [problem] = check_text(f"workflow: w\nsteps:\n{indent(CHARGE + row, '  ')}")
    assert (problem.line, problem.column) == (5, 37)
    assert problem.hint == "remove it; 'ChildCancelled' is that of a child"


def test_a_cancellation_cannot_be_caught_by_what_python_builds() -> None:
    with pytest.raises(DslError, match="W119"):
        compile(workflow("w", step("charge", "shop.charge", catch=[catch(errors=["Cancelled"])])))
