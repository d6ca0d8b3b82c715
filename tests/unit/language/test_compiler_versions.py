"""What changes a graph's version and what does not."""

from __future__ import annotations

from durable_dsl.compiler import compile_workflow
from durable_dsl.graph import Graph, graph_from_json
from durable_dsl.loader import load_document


def compiled(text: str) -> Graph:
    graph, problems = compile_workflow(load_document(text)[0])
    assert problems == []
    assert graph is not None
    return graph


def test_the_version_depends_on_what_is_meant_and_not_on_how_it_is_written() -> None:
    plain = compiled(
        "workflow: w\nsteps:\n  - step: a\n    call: shop.a\n    retry: {max_attempts: 4}\n    timeout: 90s\n"
    )
    other = compiled(
        "# a comment\nretries: {api: 4}\nworkflow: 'w'\n"
        "steps: [{call: shop.a, step: a, timeout: PT1M30S, retry: api}]\n"
    )
    assert plain.version == other.version
    assert plain.to_json() == other.to_json()


def test_everything_that_is_meant_changes_the_version() -> None:
    text = "workflow: w\nsteps:\n  - step: a\n    set: {x: 1, y: 2}\n"
    variants = [
        text,
        text.replace("x: 1", "x: 1.0"),
        text.replace("x: 1, y: 2", "y: 2, x: 1"),
        text.replace("step: a", "step: b"),
        "description: drawn too\n" + text,
        "version: '2'\n" + text,
    ]
    assert len({compiled(variant).version for variant in variants}) == len(variants)


def test_conditions_lose_the_blanks_around_them() -> None:
    (step,) = compiled("workflow: w\nsteps:\n  - step: a\n    log: x\n    when: |\n      data.a\n        > 1\n").steps
    assert step.when == "data.a\n  > 1"


def test_a_default_that_is_written_out_changes_nothing() -> None:
    short = compiled(
        """
        workflow: w
        steps:
          - foreach: lines
            in: data.lines
            steps:
              - step: price
                call: shop.price
                retry: {max_attempts: 3}
          - loop: poll
            until: data.done
            every: 5s
            backoff: {factor: 2}
            steps: [{step: ask, call: shop.ask}]
          - parallel: both
            branches: {a: [{step: a, log: a}], b: [{step: b, log: b}]}
          - fail: broken
        """
    )
    long = compiled(
        """
        workflow: w
        queue: default
        priority: 0
        steps:
          - foreach: lines
            in: data.lines
            as: item
            concurrency: 1
            on_error: fail_fast
            steps:
              - step: price
                call: shop.price
                retry:
                  max_attempts: 3
                  backoff: exponential
                  delay: 1s
                  factor: 2.0
                  max_delay: 5m
                  max_elapsed: none
                  jitter: 0.25
          - loop: poll
            until: data.done
            every: 5s
            backoff: {}
            max_iterations: 1000
            on_limit: fail
            steps: [{step: ask, call: shop.ask}]
          - parallel: both
            join: all
            branches: {a: [{step: a, log: a}], b: [{step: b, log: b}]}
          - fail: broken
            type: Failed
        """
    )
    assert long == short
    assert long.to_json() == short.to_json()
    assert long.version == short.version
    assert graph_from_json(long.to_json()).version == short.version
