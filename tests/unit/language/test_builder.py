"""Workflows as Python calls: the same document as YAML, the same problems, at the line of the call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durable_dsl.builder import (
    Retry,
    append,
    assign,
    branch,
    case,
    days,
    decision,
    fail,
    finish,
    foreach,
    group,
    hours,
    increment,
    loop,
    minutes,
    parallel,
    seconds,
    step,
    update,
    wait,
    weeks,
    workflow,
)
from durable_dsl.compiler import compile_workflow
from durable_dsl.document import Workflow
from durable_dsl.expressions import compile_template
from durable_dsl.loader import load_document


class Declined(Exception):
    pass


# --- the same as YAML ---------------------------------------------------------------------------------------------


def same(text: str, built: Workflow) -> None:
    """The two surfaces give equal documents, and so the same graph of the same version."""
    (loaded,) = load_document(text)
    assert built == loaded
    written, python = compile_workflow(loaded), compile_workflow(built)
    assert written[1] == python[1] == []
    assert written[0] is not None
    assert python[0] is not None
    assert python[0].to_json() == written[0].to_json()
    assert python[0].version == written[0].version
    assert load_document(built.to_yaml()) == [built]


def test_steps_with_every_action_and_option() -> None:
    same(
        """
        workflow: order
        description: Charge and ship.
        version: "4"
        timeout: 2h
        queue: orders
        priority: 5
        input: {type: object, required: [order_id]}
        output: {id: "${ input.order_id }"}
        defaults: {retry: api, timeout: 1m}
        retries:
          api: {max_attempts: 5, max_delay: 2m, except: [Declined]}
          twice: 2
        constants: {vat: 0.19}
        steps:
          - step: validate
            call: json.dumps
          - step: charge
            call: shop.charge
            with: {total: "${ data.total }", tags: [a, 1, null, true]}
            retry: {max_attempts: 3, backoff: linear, delay: 90s, jitter: full, when: error.type == 'Busy'}
            timeout: 30s
            when: data.total > 0
            description: Takes the money.
            save: charged
            output: "${ result.id }"
          - step: often
            call: shop.charge
            with: {}
            retry: 7
          - step: named
            call: shop.charge
            with: {}
            retry: api
          - step: mark
            set: {seen: true, at: "${ now }"}
          - step: say
            log: hello ${ data.name }
            output: null
        """,
        workflow(
            "order",
            step("validate", __import__("json").dumps),
            step(
                "charge",
                "shop.charge",
                with_={"total": "${ data.total }", "tags": ["a", 1, None, True]},
                retry=Retry(backoff="linear", delay="90s", jitter="full", when="error.type == 'Busy'"),
                timeout=seconds(30),
                when="data.total > 0",
                description="Takes the money.",
                save="charged",
                output="${ result.id }",
            ),
            step("often", "shop.charge", with_={}, retry=7),
            step("named", "shop.charge", with_={}, retry="api"),
            step("mark", set={"seen": True, "at": "${ now }"}),
            step("say", log="hello ${ data.name }", output=None),
            description="Charge and ship.",
            version="4",
            timeout=hours(2),
            queue="orders",
            priority=5,
            input={"type": "object", "required": ["order_id"]},
            output={"id": "${ input.order_id }"},
            defaults={"retry": "api", "timeout": timedelta(minutes=1)},
            retries={"api": Retry(max_attempts=5, max_delay=minutes(2), except_=(Declined,)), "twice": 2},
            constants={"vat": 0.19},
        ),
    )


def test_decisions_and_branches() -> None:
    same(
        """
        workflow: w
        steps:
          - decision: by_rule
            choose:
              - {when: data.total > 100, goto: route}
              - {when: data.vip, goto: end}
          - decision: by_function
            call: shop.pick
            goto: [route, done]
          - branch: route
            match: data.kind
            cases:
              digital: [{step: link, call: shop.link}]
              physical:
                - step: ship
                  call: shop.ship
                - step: tell
                  call: shop.tell
            default: [{step: by_hand, call: shop.by_hand}]
          - branch: size
            cases:
              - when: data.total > 100
                steps: [{step: big, log: big}, {step: bigger, log: bigger}]
              - {when: true, steps: [{step: small, log: small}]}
            default: []
            save: size
          - finish: done
            output: {ok: true}
        """,
        workflow(
            "w",
            decision("by_rule", choose={"data.total > 100": "route", "data.vip": "end"}),
            decision("by_function", "shop.pick", goto=["route", "done"]),
            branch(
                "route",
                match="data.kind",
                cases={
                    "digital": [step("link", "shop.link")],
                    "physical": [step("ship", "shop.ship"), step("tell", "shop.tell")],
                },
                default=[step("by_hand", "shop.by_hand")],
            ),
            branch(
                "size",
                cases=[
                    case("data.total > 100", step("big", log="big"), step("bigger", log="bigger")),
                    case(True, step("small", log="small")),
                ],
                default=[],
                save="size",
            ),
            finish("done", output={"ok": True}),
        ),
    )


def test_containers_nested_in_each_other() -> None:
    same(
        """
        workflow: w
        steps:
          - parallel: both
            join: {at_least: 1}
            branches:
              left:
                - loop: poll
                  while: data.more
                  every: 30s
                  backoff: {factor: 3, max: 5m}
                  max_iterations: 7
                  on_limit: continue
                  steps:
                    - foreach: lines
                      in: data.lines
                      as: line
                      concurrency: 4
                      batch: 10
                      on_error: complete_all
                      steps: [{step: price, log: "${ line }"}]
              right:
                - group: late
                  timeout: 1d
                  when: data.patient
                  steps:
                    - wait: pause
                      for: 1w
                    - wait: until
                      at: "2031-01-31T09:00:00+00:00"
                    - fail: too_late
                      type: TooLate
                      message: sorry
                      data: {code: 7}
          - parallel: each
            on_error: complete_all
            steps:
              - {step: mail, log: mail}
              - {step: sms, log: sms}
          - loop: again
            until: data.done
            steps: [{step: ask, call: shop.ask}]
        """,
        workflow(
            "w",
            parallel(
                "both",
                {
                    "left": [
                        loop(
                            "poll",
                            foreach(
                                "lines",
                                step("price", log="${ line }"),
                                in_="data.lines",
                                as_="line",
                                concurrency=4,
                                batch=10,
                                on_error="complete_all",
                            ),
                            while_="data.more",
                            every=seconds(30),
                            backoff={"factor": 3, "max": minutes(5)},
                            max_iterations=7,
                            on_limit="continue",
                        )
                    ],
                    "right": [
                        group(
                            "late",
                            wait("pause", for_=weeks(1)),
                            wait("until", at=datetime(2031, 1, 31, 9, tzinfo=UTC)),
                            fail("too_late", type="TooLate", message="sorry", data={"code": 7}),
                            timeout=days(1),
                            when="data.patient",
                        )
                    ],
                },
                join={"at_least": 1},
            ),
            parallel("each", [step("mail", log="mail"), step("sms", log="sms")], on_error="complete_all"),
            loop("again", step("ask", "shop.ask"), until="data.done"),
        ),
    )


def test_changes_of_the_data_are_sets_of_expressions() -> None:
    same(
        """
        workflow: w
        steps:
          - step: a
            set: {status: "paid by ${ input.who }"}
          - step: b
            set: {total: "${ cel.bind(value, data.total, value * 1.19) }"}
          - step: c
            set: {count: "${ data.?count.orValue(0) + 1 }"}
          - step: d
            set: {lines: '${ data.?lines.orValue([]) + [{"id": (input.id), "tags": ["a", null, 1.5]}] }'}
        """,
        workflow(
            "w",
            step("a", assign("status", "paid by ${ input.who }")),
            step("b", update("total", "value * 1.19")),
            step("c", increment("count")),
            step("d", append("lines", {"id": "${ input.id }", "tags": ["a", None, 1.5]})),
        ),
    )


NOON = datetime(2031, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "data", "expected"),
    [
        (assign("a", "${ data.b + 1 }"), {"b": 1}, {"a": 2}),
        (update("a", "value * 2"), {"a": 21}, {"a": 42}),
        (update("odd key", "value + '!'"), {"odd key": "hi"}, {"odd key": "hi!"}),
        (increment("a"), {"a": 41}, {"a": 42}),
        (increment("a"), {}, {"a": 1}),
        (increment("a", -0.5), {"a": 1}, {"a": 0.5}),
        (increment("a", "${ data.b }"), {"a": 1, "b": 2}, {"a": 3}),
        (increment("odd key", 2), {}, {"odd key": 2}),
        (append("a", 'a "quoted" text\n'), {"a": [1]}, {"a": [1, 'a "quoted" text\n']}),
        (append("a", {"x": [True, None, "${ data.b }"]}), {"b": 7}, {"a": [{"x": [True, None, 7]}]}),
        (append("a", "back\\slash } {"), {}, {"a": ["back\\slash } {"]}),
    ],
)
def test_changes_do_what_they_say(change: Any, data: dict[str, Any], expected: dict[str, Any]) -> None:
    assert compile_template(dict(change.values)).render({"data": data}, now=NOON) == expected


def test_a_change_that_has_no_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="mixes text and expressions"):
        append("lines", "order ${ input.id }")
    with pytest.raises(ValueError, match="64 bits"):
        increment("count", 2**63)


def test_a_step_takes_a_change_or_a_set() -> None:
    with pytest.raises(TypeError, match="step 'a' is given a change of the data and 'set'"):
        step("a", assign("x", 1), set={"y": 2})
