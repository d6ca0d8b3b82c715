"""Foreach: items, their windows, their copies of the data, their results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.core.simulating import failure, output, run

EACH = """
- foreach: f
  in: data.list
  save: results
  steps: [{step: s, call: x.y, with: {value: "${ item }", at: "${ index }"}}]
"""


def test_it_gives_the_results_in_the_order_of_the_items() -> None:
    async def longest_first(value: int, at: int) -> int:
        await asyncio.sleep(10 - value)
        return value * 10

    steps = EACH + "  concurrency: 3\n"
    assert output(steps, {"list": [1, 2, 3]}, f__s=longest_first)["results"] == [10, 20, 30]


def test_items_are_counted_from_zero_and_may_have_a_name() -> None:
    steps = """
    - foreach: f
      in: data.list
      as: line
      save: results
      steps: [{step: s, set: {seen: "${ [line, index] }"}, output: "${ result.seen }"}]
    """
    assert output(steps, {"list": ["a", None]}) == {"list": ["a", None], "results": [["a", 0], [None, 1]]}


def test_an_empty_list_gives_an_empty_list() -> None:
    assert output(EACH, {"list": []}, f__s=1)["results"] == []


@pytest.mark.parametrize("given", [{"a": 1}, "text", 5, None])
def test_anything_but_a_list_fails(given: Any) -> None:
    assert failure(EACH, {"list": given}, f__s=1) == ("NotAList", "f")


def test_each_item_works_on_a_copy_and_leaves_the_data_alone() -> None:
    steps = """
    - foreach: f
      in: "[1, 2]"
      save: results
      steps:
        - {step: a, set: {n: "${ data.n + item }"}}
        - {step: b, set: {m: "${ data.n }"}, output: "${ result.m }"}
    """
    assert output(steps, {"n": 10}) == {"n": 10, "results": [11, 12]}


def watching(most: list[int]) -> Callable[..., Any]:
    running = 0

    async def watched(**_: Any) -> None:
        nonlocal running
        running += 1
        most.append(running)
        await asyncio.sleep(1)
        running -= 1

    return watched


@pytest.mark.parametrize(("concurrency", "seconds"), [(1, 7), (3, 3), (7, 1), (99, 1)])
def test_no_more_items_than_its_concurrency_run_at_once(concurrency: int, seconds: int) -> None:
    most: list[int] = []
    result = run(EACH + f"  concurrency: {concurrency}\n", {"list": [0] * 7}, f__s=watching(most))
    assert (max(most), result.slept.total_seconds()) == (min(concurrency, 7), seconds)


def test_a_batch_takes_items_together() -> None:
    steps = """
    - foreach: f
      in: data.list
      as: part
      batch: 2
      save: results
      steps: [{step: s, set: {seen: "${ part }"}, output: "${ result.seen }"}]
    """
    assert output(steps, {"list": [1, 2, 3, 4, 5]})["results"] == [[1, 2], [3, 4], [5]]


def fail_at(*items: int) -> Callable[..., int]:
    def work(value: int, at: int) -> int:
        if value in items:
            raise ValueError(f"no {value}")
        return value

    return work


def test_the_first_failure_ends_it_and_no_further_item_begins() -> None:
    result = run(EACH, {"list": [1, 2, 3]}, f__s=fail_at(2))
    assert result.error is not None
    assert (result.error.type, result.error.node) == ("ValueError", "f[1]/s")
    assert [call.node for call in result.calls] == ["f[0]/s", "f[1]/s"]


def test_complete_all_goes_on_and_gives_errors_as_values() -> None:
    result = output(EACH + "  on_error: complete_all\n", {"list": [1, 2, 3]}, f__s=fail_at(2))["results"]
    error = {"type": "ValueError", "message": "no 2", "data": None, "node": "f[1]/s", "attempt": 1}
    assert result == [{"ok": True, "value": 1}, {"ok": False, "error": error}, {"ok": True, "value": 3}]


def test_items_that_only_compute_have_results_too() -> None:
    steps = "- {foreach: f, in: '[1, 2]', save: results, steps: [{step: s, set: {n: '${ item }'}}]}"
    assert output(steps) == {"results": [{"n": 1}, {"n": 2}]}


def test_a_foreach_inside_of_a_foreach_gives_lists_of_lists() -> None:
    steps = """
    - foreach: f
      in: "[[1, 2], [3], []]"
      as: row
      save: results
      steps:
        - foreach: g
          in: row
          steps: [{step: s, call: x.y, with: {n: "${ item * 10 + index }"}}]
    """
    assert output(steps, f__g__s=lambda n: n) == {"results": [[10, 21], [30], []]}


def test_the_last_node_that_an_item_reached_gives_its_result() -> None:
    steps = """
    - foreach: f
      in: "[1, 2]"
      save: results
      steps:
        - {step: s, call: x.y, with: {}}
        - {step: t, when: item == 1, call: x.y, with: {}}
    """
    assert output(steps, f__s="s", f__t="t") == {"results": ["t", None]}


def test_more_items_than_one_pass_computes_all_run() -> None:
    steps = "- {foreach: f, in: data.list, save: results, steps: [{step: s, set: {n: '${ item }'}}]}"
    result = output(steps, {"list": list(range(350))})["results"]
    assert result == [{"n": number} for number in range(350)]
