"""Parallels: copies of the data, merging, joins, failures."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.unit.core.simulating import failure, kinds, output, run


async def late(**_: Any) -> str:
    await asyncio.sleep(60)
    return "late"


def refuse(**_: Any) -> None:
    raise ValueError("no")


def test_branches_see_the_data_before_and_not_each_others() -> None:
    steps = """
    - parallel: p
      branches:
        left: [{step: a, set: {a: "${ size(data) }"}}, {step: c, set: {c: "${ size(data) }"}}]
        right: [{step: b, set: {b: "${ size(data) }"}}]
    """
    assert output(steps, {"n": 0}) == {"n": 0, "a": 1, "c": 2, "b": 1}


def test_its_result_is_a_mapping_of_results_by_branch_in_the_order_written() -> None:
    steps = """
    - parallel: p
      save: all
      branches:
        slow: [{step: a, call: x.y, with: {}}]
        quick: [{step: b, call: x.y, with: {}}]
    """
    result = output(steps, p__a=late, p__b="quick")
    assert list(result["all"].items()) == [("slow", "late"), ("quick", "quick")]


def test_with_save_the_changes_of_branches_are_dropped() -> None:
    steps = """
    - parallel: p
      save: all
      branches:
        left: [{step: a, set: {a: 1}}]
        right: [{step: b, set: {b: 2}}]
    """
    assert output(steps) == {"all": {"left": {"a": 1}, "right": {"b": 2}}}


MERGING = """
- parallel: p
  branches:
    left: [{step: a, call: x.y}]
    right: [{step: b, call: x.y}]
"""


def test_equal_changes_do_not_clash() -> None:
    assert output(MERGING, {"k": 1}, p__a={"k": 2}, p__b={"k": 2}) == {"k": 2}


def test_different_changes_of_a_key_clash() -> None:
    assert failure(MERGING, p__a={"k": 1}, p__b={"k": 2}) == ("ParallelConflict", "p")


def test_one_is_not_true_and_not_the_float_one() -> None:
    assert failure(MERGING, p__a={"k": 1}, p__b={"k": True}) == ("ParallelConflict", "p")
    assert failure(MERGING, p__a={"k": [1]}, p__b={"k": [1.0]}) == ("ParallelConflict", "p")


def test_a_branch_that_puts_the_old_value_back_has_changed_it() -> None:
    assert failure(MERGING, {"k": 1}, p__a={"k": 1}, p__b={"k": 2}) == ("ParallelConflict", "p")


TWO = """
- parallel: p
  save: all
  branches:
    good: [{step: a, call: x.y, with: {}}]
    bad: [{step: b, call: x.y, with: {}}]
"""


def test_the_first_failure_cancels_the_rest() -> None:
    result = run(TWO, p__a=late, p__b=refuse)
    assert result.error is not None
    assert (result.status, result.error.type, result.error.node) == ("failed", "ValueError", "p/b")
    assert (result.slept.total_seconds(), kinds(result, "p/a")) == (0, [])


def test_complete_all_waits_for_all_and_gives_errors_as_values() -> None:
    result = output(TWO + "  on_error: complete_all\n", p__a=late, p__b=refuse)
    error = {"type": "ValueError", "message": "no", "data": None, "node": "p/b", "attempt": 1}
    assert result == {"all": {"good": {"ok": True, "value": "late"}, "bad": {"ok": False, "error": error}}}


def test_complete_all_merges_what_the_good_ones_changed() -> None:
    steps = MERGING + "  on_error: complete_all\n"
    assert output(steps, p__a={"k": 1}, p__b=refuse) == {"k": 1}


def test_any_takes_the_first_success_and_cancels_the_rest() -> None:
    result = run(TWO + "  join: any\n", p__a=late, p__b="quick")
    assert result.output == {"all": {"bad": "quick"}}
    assert result.slept.total_seconds() == 0


def test_any_passes_over_failures() -> None:
    result = run(TWO + "  join: any\n", p__a=late, p__b=refuse)
    assert (result.output, result.slept.total_seconds()) == ({"all": {"good": "late"}}, 60)


THREE = """
- parallel: p
  join: {at_least: 2}
  save: all
  branches:
    a: [{step: one, call: x.y, with: {}}]
    b: [{step: two, call: x.y, with: {}}]
    c: [{step: three, call: x.y, with: {}}]
"""


def test_at_least_counts_successes() -> None:
    result = run(THREE, p__one=1, p__two=late, p__three=3)
    assert (result.output, result.slept.total_seconds()) == ({"all": {"a": 1, "c": 3}}, 0)


def test_a_join_out_of_reach_fails_at_once_with_every_error() -> None:
    result = run(THREE, p__one=refuse, p__two=late, p__three=refuse)
    assert result.error is not None
    assert (result.error.type, result.error.node, result.slept.total_seconds()) == ("JoinFailed", "p", 0)
    assert sorted(result.error.data["errors"]) == ["a", "c"]


def test_branches_that_are_cut_off_change_nothing() -> None:
    steps = """
    - parallel: p
      join: any
      branches:
        slow: [{step: a, set: {a: 1}}, {step: hang, call: x.y, with: {}}]
        quick: [{step: b, call: x.y, with: {}}]
    """
    assert output(steps, p__hang=late, p__b=1) == {}


def test_its_steps_are_branches_of_their_own() -> None:
    steps = "- {parallel: p, save: all, steps: [{step: a, call: x.y, with: {}}, {step: b, call: x.y, with: {}}]}"
    assert output(steps, p__a=1, p__b=2) == {"all": {"a": 1, "b": 2}}
