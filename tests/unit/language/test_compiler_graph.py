"""What a document means, as the graph that is executed."""

from __future__ import annotations

from durable_dsl.compiler import compile_workflow
from durable_dsl.graph import (
    END,
    ONE_ATTEMPT,
    Branch,
    Call,
    Case,
    Choice,
    Decision,
    Fail,
    Finish,
    Foreach,
    Graph,
    Group,
    Log,
    Loop,
    Parallel,
    RetryPolicy,
    Set,
    Step,
    Wait,
    graph_from_json,
)
from durable_dsl.loader import load_document


def compiled(text: str) -> Graph:
    graph, problems = compile_workflow(load_document(text)[0])
    assert problems == []
    assert graph is not None
    return graph


def test_every_kind_of_node_becomes_its_node_of_the_graph() -> None:
    graph = compiled(
        """
        workflow: order
        description: Charge and ship.
        version: "4"
        timeout: 2h
        queue: orders
        priority: 5
        input: {type: object}
        output: {id: "${ input.id }"}
        constants: {vat: 0.19}
        steps:
          - step: charge
            call: shop.charge
            with: {total: "${ data.total }"}
            retry: 3
            timeout: 30s
            when: data.total > 0
            description: Takes the money.
            save: charged
            output: "${ result.id }"
          - step: note
            set: {seen: true}
          - step: say
            log: hello ${ data.name }
          - decision: skip
            choose: [{when: data.digital, goto: by_hand}]
          - decision: ask
            call: shop.pick
            goto: [by_hand, end]
          - branch: route
            match: data.kind
            cases:
              digital:
                - step: link
                  call: shop.link
            default: []
          - branch: size
            cases:
              - when: data.total > 100
                steps:
                  - wait: cool_down
                    for: 1h30m
          - parallel: both
            on_error: complete_all
            branches:
              mail: [{step: mail, call: shop.mail}]
              sms: [{wait: until, at: "2031-01-31T09:00:00Z"}]
          - foreach: lines
            in: data.lines
            as: line
            concurrency: 4
            batch: 10
            steps: [{step: price, call: shop.price}]
          - loop: poll
            until: data.done
            every: 30s
            backoff: {factor: 3, max: 5m}
            max_iterations: 7
            on_limit: continue
            steps: [{step: ask_again, call: shop.ask}]
          - group: late
            timeout: "${ data.patience }"
            steps: [{fail: too_late, type: TooLate, message: sorry, data: {code: 7}}]
          - finish: by_hand
            output: null
        """
    )
    assert graph == Graph(
        workflow="order",
        description="Charge and ship.",
        label="4",
        timeout=7_200_000,
        queue="orders",
        priority=5,
        input={"type": "object"},
        output={"id": "${ input.id }"},
        reshapes=True,
        constants={"vat": 0.19},
        steps=(
            Step(
                id="charge",
                when="data.total > 0",
                description="Takes the money.",
                timeout=30_000,
                save="charged",
                output="${ result.id }",
                reshapes=True,
                action=Call(function="shop.charge", with_={"total": "${ data.total }"}),
                retry=RetryPolicy(max_attempts=3),
            ),
            Step(id="note", action=Set(values={"seen": True})),
            Step(id="say", action=Log(message="hello ${ data.name }")),
            Decision(id="skip", choose=(Choice(when="data.digital", goto="by_hand"),)),
            Decision(id="ask", call="shop.pick", targets={"by_hand": "by_hand", "end": END}),
            Branch(
                id="route",
                match="data.kind",
                cases=(
                    Case(
                        label="digital",
                        value="digital",
                        steps=(Step(id="route/link", action=Call(function="shop.link")),),
                    ),
                ),
                default=(),
            ),
            Branch(
                id="size",
                cases=(
                    Case(
                        label="data.total > 100",
                        when="data.total > 100",
                        steps=(Wait(id="size/cool_down", for_=5_400_000),),
                    ),
                ),
            ),
            Parallel(
                id="both",
                on_error="complete_all",
                branches={
                    "mail": (Step(id="both/mail", action=Call(function="shop.mail")),),
                    "sms": (Wait(id="both/until", until_at="2031-01-31T09:00:00Z"),),
                },
            ),
            Foreach(
                id="lines",
                items="data.lines",
                variable="line",
                concurrency=4,
                batch=10,
                steps=(Step(id="lines/price", action=Call(function="shop.price")),),
            ),
            Loop(
                id="poll",
                until="data.done",
                every=30_000,
                factor=3.0,
                max_every=300_000,
                max_iterations=7,
                on_limit="continue",
                steps=(Step(id="poll/ask_again", action=Call(function="shop.ask")),),
            ),
            Group(
                id="late",
                timeout="${ data.patience }",
                steps=(Fail(id="late/too_late", type="TooLate", message="sorry", data={"code": 7}),),
            ),
            Finish(id="by_hand", output=None, reshapes=True),
        ),
    )
    assert graph_from_json(graph.to_json()) == graph


def test_ids_are_paths_of_names_and_cases_and_branches_add_nothing() -> None:
    graph = compiled(
        """
        workflow: nested
        steps:
          - parallel: par
            branches:
              left:
                - loop: poll
                  while: data.more
                  steps:
                    - foreach: lines
                      in: data.lines
                      steps:
                        - branch: kind
                          match: item.kind
                          cases: {a: [{step: price, call: shop.price}]}
              right:
                - group: g
                  steps: [{step: other, call: shop.other}]
        """
    )
    assert [node.id for node in graph.walk()] == [
        "par",
        "par/poll",
        "par/poll/lines",
        "par/poll/lines/kind",
        "par/poll/lines/kind/price",
        "par/g",
        "par/g/other",
    ]


def test_defaults_and_named_policies_reach_only_steps_that_call_and_say_nothing_themselves() -> None:
    graph = compiled(
        """
        workflow: w
        retries:
          api:
            max_attempts: 5
            backoff: linear
            delay: 2s
            factor: 3
            max_delay: 2m
            max_elapsed: 1h
            jitter: full
            only: [Busy]
            except: [CardDeclined]
            when: error.attempt < 4
        defaults: {retry: api, timeout: 1m}
        steps:
          - step: silent
            call: shop.a
          - step: own
            call: shop.b
            retry: 2
            timeout: 5s
          - step: named
            call: shop.c
            retry: api
          - step: computes
            set: {a: 1}
          - wait: pause
            for: 250ms
          - group: g
            steps: [{step: says, log: hello}]
        """
    )
    api = RetryPolicy(
        max_attempts=5,
        backoff="linear",
        delay=2_000,
        factor=3.0,
        max_delay=120_000,
        max_elapsed=3_600_000,
        jitter="full",
        only=("Busy",),
        except_=("CardDeclined",),
        when="error.attempt < 4",
    )
    nodes = {node.id: node for node in graph.walk()}
    policies = {name: node.retry for name, node in nodes.items() if isinstance(node, Step)}
    assert policies == {
        "silent": api,
        "own": RetryPolicy(max_attempts=2),
        "named": api,
        "computes": ONE_ATTEMPT,
        "g/says": ONE_ATTEMPT,
    }
    assert {name: node.timeout for name, node in nodes.items()} == {
        "silent": 60_000,
        "own": 5_000,
        "named": 60_000,
        "computes": None,
        "pause": None,
        "g": None,
        "g/says": None,
    }


def test_a_parallel_needs_as_many_successes_as_its_join_says() -> None:
    text = """
        workflow: w
        steps:
          - parallel: p
            {join}
            branches:
              a: [{{step: a, call: shop.a}}]
              b: [{{step: b, call: shop.b}}]
              c: [{{step: c, call: shop.c}}]
        """
    joins = {"": None, "join: all": None, "join: any": 1, "join: {at_least: 2}": 2}
    for join, need in joins.items():
        (parallel,) = compiled(text.format(join=join)).steps
        assert isinstance(parallel, Parallel)
        assert parallel.need == need


def test_a_jump_reaches_later_nodes_of_its_list_and_of_lists_around_it() -> None:
    graph = compiled(
        """
        workflow: w
        steps:
          - loop: poll
            while: data.more
            steps:
              - branch: kind
                match: data.kind
                cases:
                  a:
                    - decision: d
                      choose:
                        - {when: data.a, goto: near}
                        - {when: data.b, goto: after_branch}
                        - {when: data.c, goto: after_loop}
                        - {when: data.d, goto: end}
                    - step: near
                      log: near
              - step: after_branch
                log: still in the loop
          - step: after_loop
            log: out
        """
    )
    (decision,) = [node for node in graph.walk() if isinstance(node, Decision)]
    assert [choice.goto for choice in decision.choose] == ["poll/kind/near", "poll/after_branch", "after_loop", "end"]
