"""fail, finish, and errors on their way up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from tests.unit.core.simulating import failure, kinds, output, run


def test_a_fail_says_what_it_was_told() -> None:
    steps = """
    - fail: too_big
      type: TooBig
      message: "${ data.n } is more than ${ constants.most }"
      data: {n: "${ data.n }"}
    """
    result = run(steps, {"n": 5}, head="constants: {most: 3}")
    assert result.error is not None
    assert result.error.as_json() == {
        "type": "TooBig",
        "message": "5 is more than 3",
        "data": {"n": 5},
        "node": "too_big",
        "attempt": 1,
    }


def test_a_failure_ends_all_lists_around_it_and_keeps_saying_where_it_began() -> None:
    steps = """
    - group: g
      steps:
        - branch: b
          cases: [{when: data.n == 1, steps: [{step: s, call: x.y, with: {}}, {step: t, set: {never: 1}}]}]
    - {step: after, set: {after: true}}
    """
    result = run(steps, {"n": 1}, g__b__s=ValueError("no"))
    assert result.error is not None
    assert (result.error.node, result.output) == ("g/b/s", None)
    assert [one.path for one in result.checkpoints if one.kind == "failed"] == ["g/b/s", "g/b", "g"]


def test_a_finish_ends_the_execution_with_its_own_output() -> None:
    steps = """
    - {finish: early, when: data.n == 1, output: {n: "${ data.n }"}}
    - {step: after, set: {after: true}}
    """
    assert output(steps, {"n": 1}) == {"n": 1}
    assert output(steps, {"n": 2}) == {"n": 2, "after": True}


def test_a_finish_without_output_gives_the_workflows() -> None:
    assert output("- {finish: f}", {"n": 1}, head='output: {twice: "${ data.n * 2 }"}') == {"twice": 2}
    assert output("- {finish: f}", {"n": 1}) == {"n": 1}


def test_a_finish_inside_of_a_foreach_cancels_the_other_items() -> None:
    cancelled: list[int] = []

    async def hang(item: int) -> int:
        if item < 2:
            return item
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    steps = """
    - foreach: each
      in: data.items
      as: item
      concurrency: 3
      steps:
        - {step: s, call: x.y, with: {item: "${ item }"}}
        - {finish: f, when: item == 1, output: {found: "${ item }"}}
    """
    result = run(steps, {"items": [0, 1, 2]}, each__s=hang)
    assert (result.status, result.output) == ("completed", {"found": 1})
    assert cancelled == [2]


def test_a_finish_inside_of_a_parallel_cancels_what_still_runs() -> None:
    cancelled: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append("s")
            raise

    steps = """
    - parallel: p
      branches:
        a: [{step: s, call: x.y, with: {}}]
        b: [{wait: w, for: 1m}, {step: t, set: {b: 1}}, {finish: f, output: "${ data }"}]
        c: [{wait: v, for: 1h}]
    """
    result = run(steps, {"n": 1}, p__s=hang)
    assert (result.status, result.output) == ("completed", {"n": 1, "b": 1})
    assert (cancelled, result.slept) == (["s"], timedelta(minutes=1))
    assert kinds(result, "p") == ["entered"]


def test_a_finish_inside_of_an_item_ends_everything() -> None:
    steps = """
    - foreach: f
      in: "[1, 2, 3]"
      steps:
        - {finish: enough, when: item == 2, output: "${ item }"}
        - {step: s, call: x.y, with: {}}
    """
    result = run(steps, f__s=1)
    assert (result.output, [call.node for call in result.calls]) == (2, ["f[0]/s"])


def test_an_output_of_a_finish_that_fails_fails_the_execution() -> None:
    assert failure('- {finish: f, output: "${ data.missing.deep }"}', {"missing": {}}) == ("ExpressionError", "f")


def test_what_cannot_be_stored_fails_its_node_without_another_attempt() -> None:
    for value in (float("nan"), {1: 2}, "\x00", "\ud800", 2**64, {1, 2}, object()):
        result = run("- {step: s, call: x.y, with: {}, save: r, retry: 3}", s=lambda value=value: value)
        assert result.error is not None
        assert (result.error.type, result.error.node, result.attempts_of("s")) == ("ResultNotStorable", "s", 1)


def test_an_error_in_the_arguments_fails_the_step_before_it_begins() -> None:
    steps = '- {step: s, call: x.y, with: {n: "${ data.a.b }"}, retry: 3}'
    result = run(steps, {"a": {}}, s=1)
    assert result.error is not None
    assert (result.error.type, result.error.node, result.calls) == ("ExpressionError", "s", ())


def test_a_step_that_calls_exit_fails() -> None:
    def leave() -> Any:
        raise SystemExit(3)

    assert failure("- {step: s, call: x.y, with: {}}", s=leave) == ("SystemExit", "s")
