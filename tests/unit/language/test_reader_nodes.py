from __future__ import annotations

from textwrap import indent

import pytest

from durable_dsl import check_text
from durable_dsl.document import (
    UNSET,
    Backoff,
    Branch,
    Call,
    Case,
    Choice,
    Decision,
    Defaults,
    Fail,
    Finish,
    Foreach,
    Group,
    Log,
    Loop,
    Node,
    Parallel,
    Retry,
    Set,
    Step,
    Wait,
    Workflow,
)
from durable_dsl.loader import load_document
from durable_dsl.reading import read_workflow
from tests.unit.language.samples import SAMPLES

GREET = Step(name="greet", action=Log(message="hello"))
A = Step(name="a", action=Log(message="hello"))
B = Step(name="b", action=Log(message="hello"))


def read(nodes: str) -> Node:
    [workflow] = load_document(f"workflow: w\nsteps:\n{indent(nodes, '  ')}\n")
    [node] = workflow.steps
    return node


@pytest.mark.parametrize(
    ("text", "node"),
    [
        (
            "- step: charge\n  call: shop.payments.charge",
            Step(name="charge", action=Call(function="shop.payments.charge")),
        ),
        (
            "- step: charge\n  call: shop.charge\n  with: {amount: '${ data.total }'}\n  retry: 5\n  timeout: 1m",
            Step(
                name="charge",
                action=Call(function="shop.charge", with_={"amount": "${ data.total }"}),
                retry=Retry(max_attempts=5),
                timeout="1m",
            ),
        ),
        (
            "- step: charge\n  call: shop.charge\n  with: {}\n  retry: api",
            Step(name="charge", action=Call(function="shop.charge", with_={}), retry="api"),
        ),
        (
            "- step: charge\n  call: shop.charge\n"
            "  retry: {max_attempts: 2, backoff: linear, delay: 2s, factor: 3, max_delay: 1m, max_elapsed: 1h,\n"
            "          jitter: full, only: [A], except: [B, c.D], when: error.attempt < 2}",
            Step(
                name="charge",
                action=Call(function="shop.charge"),
                retry=Retry(
                    max_attempts=2,
                    backoff="linear",
                    delay="2s",
                    factor=3,
                    max_delay="1m",
                    max_elapsed="1h",
                    jitter="full",
                    only=("A",),
                    except_=("B", "c.D"),
                    when="error.attempt < 2",
                ),
            ),
        ),
        (
            "- step: charge\n  call: shop.charge\n  retry: {max_elapsed: none, jitter: 0}",
            Step(name="charge", action=Call(function="shop.charge"), retry=Retry(jitter=0)),
        ),
        (
            "- step: keep\n  set: {a: 1, b: '${ data.a }', c: null}\n  when: data.a > 0\n  description: Keeps.",
            Step(
                name="keep",
                action=Set(values={"a": 1, "b": "${ data.a }", "c": None}),
                when="data.a > 0",
                description="Keeps.",
            ),
        ),
        (
            "- step: say\n  log: [1, {a: b}]\n  save: said\n  output: null",
            Step(name="say", action=Log(message=[1, {"a": "b"}]), save="said", output=None),
        ),
        (
            "- decision: route\n  choose:\n    - {when: data.a, goto: b}\n    - {when: true, goto: end}",
            Decision(name="route", choose=(Choice(when="data.a", goto="b"), Choice(when="true", goto="end"))),
        ),
        (
            "- decision: route\n  call: shop.route\n  goto: [a, end]",
            Decision(name="route", call="shop.route", goto=("a", "end")),
        ),
        (
            "- branch: route\n  match: data.kind\n"
            "  cases:\n    x: [{step: greet, log: hello}]\n    1: []\n    true: []",
            Branch(
                name="route",
                match="data.kind",
                cases=(Case(value="x", steps=(GREET,)), Case(value="1", steps=()), Case(value="true", steps=())),
            ),
        ),
        (
            "- branch: route\n  cases:\n    - when: data.a\n      steps: [{step: greet, log: hello}]\n  default: []",
            Branch(name="route", cases=(Case(when="data.a", steps=(GREET,)),), default=()),
        ),
        (
            "- parallel: both\n  on_error: complete_all\n"
            "  branches:\n    x: [{step: a, log: hello}, {step: b, log: hello}]",
            Parallel(name="both", branches={"x": (A, B)}, on_error="complete_all"),
        ),
        (
            "- parallel: both\n  steps: [{step: a, log: hello}, {step: b, log: hello}]\n  join: any",
            Parallel(name="both", branches={"a": (A,), "b": (B,)}, join="any"),
        ),
        (
            "- parallel: both\n  steps: [{step: a, log: hello}, {step: b, log: hello}]\n  join: {at_least: 2}",
            Parallel(name="both", branches={"a": (A,), "b": (B,)}, join=2),
        ),
        (
            "- foreach: lines\n  in: data.lines\n  steps: [{step: greet, log: hello}]",
            Foreach(name="lines", in_="data.lines", steps=(GREET,)),
        ),
        (
            "- foreach: lines\n  in: data.lines\n  as: some\n  batch: 10\n  concurrency: 4\n  on_error: complete_all\n"
            "  steps: [{step: greet, log: hello}]",
            Foreach(
                name="lines",
                in_="data.lines",
                as_="some",
                batch=10,
                concurrency=4,
                on_error="complete_all",
                steps=(GREET,),
            ),
        ),
        (
            "- loop: poll\n  while: data.more\n  steps: [{step: greet, log: hello}]",
            Loop(name="poll", while_="data.more", steps=(GREET,)),
        ),
        (
            "- loop: poll\n  until: false\n  every: ${ data.pause }\n  backoff: {factor: 3, max: 5m}\n"
            "  max_iterations: 7\n  on_limit: continue\n  steps: [{step: greet, log: hello}]",
            Loop(
                name="poll",
                until="false",
                every="${ data.pause }",
                backoff=Backoff(factor=3, max="5m"),
                max_iterations=7,
                on_limit="continue",
                steps=(GREET,),
            ),
        ),
        ("- wait: a_while\n  for: 1h30m", Wait(name="a_while", for_="1h30m")),
        ("- wait: a_while\n  at: 2031-01-31T09:00:00Z", Wait(name="a_while", until_at="2031-01-31T09:00:00Z")),
        (
            "- group: both\n  timeout: 1h\n  save: last\n  steps: [{step: a, log: hello}, {step: b, log: hello}]",
            Group(name="both", timeout="1h", save="last", steps=(A, B)),
        ),
        ("- fail: stop", Fail(name="stop", type="Failed")),
        (
            "- fail: stop\n  type: shop.TooBig\n  message: too big\n  data: {limit: 3}\n  when: data.big",
            Fail(name="stop", type="shop.TooBig", message="too big", data={"limit": 3}, when="data.big"),
        ),
        ("- finish: done", Finish(name="done", output=UNSET)),
        ("- finish: done\n  output: {a: 1}", Finish(name="done", output={"a": 1})),
    ],
)
def test_a_node_becomes_what_it_says(text: str, node: Node) -> None:
    assert read(text) == node


def test_a_workflow_keeps_every_field() -> None:
    [workflow] = load_document(
        """\
workflow: orders
description: Ships.
version: v1
timeout: 2h
queue: fast.lane-1
priority: -3
input: {type: object, required: [id]}
output: ${ data.id }
defaults: {retry: api, timeout: 1m}
retries: {api: {max_attempts: 5}, few: 2}
constants: {vat: 0.19}
steps: [{step: greet, log: hello}]
"""
    )
    assert workflow == Workflow(
        name="orders",
        description="Ships.",
        version="v1",
        timeout="2h",
        queue="fast.lane-1",
        priority=-3,
        input={"type": "object", "required": ["id"]},
        output="${ data.id }",
        defaults=Defaults(retry="api", timeout="1m"),
        retries={"api": Retry(max_attempts=5), "few": Retry(max_attempts=2)},
        constants={"vat": 0.19},
        steps=(GREET,),
    )


def test_what_is_left_out_has_the_defaults_of_the_language() -> None:
    [workflow] = load_document("workflow: w\nsteps: [{step: greet, log: hello}]")
    assert (workflow.queue, workflow.priority, workflow.input, workflow.output) == ("default", 0, None, UNSET)
    assert (workflow.version, workflow.timeout, workflow.defaults, workflow.retries) == (None, None, Defaults(), {})


def test_an_output_of_null_is_an_output() -> None:
    [workflow] = load_document("workflow: w\noutput: null\nsteps: [{step: greet, log: hello}]")
    assert workflow.output is None


@pytest.mark.parametrize("text", SAMPLES)
def test_the_samples_have_no_problem_on_the_whole_way_to_graphs(text: str) -> None:
    assert [str(problem) for problem in check_text(text)] == []


def test_a_document_of_plain_values_without_places_reads_the_same() -> None:
    plain = {"workflow": "w", "steps": [{"step": "greet", "log": "hello"}]}
    workflow, problems = read_workflow(plain, {}, "orders.py")
    assert problems == []
    assert [workflow] == load_document("workflow: w\nsteps: [{step: greet, log: hello}]")


def test_values_that_only_python_has_are_no_json() -> None:
    plain = {
        "workflow": "w",
        "steps": [{"step": "a", "set": {"x": float("nan"), "y": {1}, "big": 2**63, "none": None}}],
    }
    _, problems = read_workflow(plain, {}, "orders.py")
    assert [str(problem) for problem in problems] == [
        "orders.py: W005 'x' must be a JSON value, not the number nan; infinity and NaN are not part of JSON",
        "orders.py: W005 'y' must be a JSON value, not a Python set",
        "orders.py: W005 'big' must be a JSON value, not the number 9223372036854775808",
    ]


def test_a_number_of_thousands_of_digits_is_refused_and_not_written_out() -> None:
    huge = 10**5000
    plain = {"workflow": "w", "priority": huge, "steps": [{"step": "a", "set": {"x": huge}, "when": huge}]}
    _, problems = read_workflow(plain, {}, "orders.py")
    assert [problem.message for problem in problems] == [
        "'priority' must be at most 32767, not a very large number",
        "'x' must be a JSON value, not a very large number",
        "'when' must be an expression, not a very large number",
    ]


def test_keys_are_text_in_python_too() -> None:
    workflow, problems = read_workflow({"workflow": "w", "steps": [{"step": "a", "set": {5: 1}}]}, {}, "orders.py")
    assert workflow is None
    assert [str(problem) for problem in problems] == ["orders.py: W009 a key of 'set' must be text, not the number 5"]


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    _, [problem] = read_workflow({"workflow": "w", "constants": endless, "steps": []}, {}, "orders.py")
    assert problem.code == "W010"


def test_containers_nest_in_each_other_until_the_text_is_too_deep() -> None:
    def nested(levels: int) -> dict[str, object]:
        node: dict[str, object] = {"step": "innermost", "log": "hello"}
        for level in range(levels):
            node = {"group": f"g{level}", "steps": [node]}
        return {"workflow": "w", "steps": [node]}

    assert read_workflow(nested(40), {}, "w.py")[1] == []
    _, [problem] = read_workflow(nested(300), {}, "w.py")
    assert (problem.code, problem.message) == ("W010", "item 1 of 'steps' is nested deeper than 100 levels")
