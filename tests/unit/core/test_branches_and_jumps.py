"""Branches, decisions, and where jumps lead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.core.simulating import failure, kinds, output, run

ROUTE = """
- branch: route
  match: data.kind
  save: way
  cases:
    digital: [{step: link, call: x.y, with: {}}]
    "1": [{step: one, call: x.y, with: {}}]
    "true": [{step: yes, call: x.y, with: {}}]
  default: [{step: other, call: x.y, with: {}}]
"""


@pytest.mark.parametrize(
    ("kind", "way"), [("digital", "link"), (1, "one"), ("1", "one"), (True, "yes"), (None, "other"), ("x", "other")]
)
def test_a_match_is_compared_as_text(kind: object, way: str) -> None:
    mocks: dict[str, Any] = {f"route__{name}": name for name in ("link", "one", "yes", "other")}
    result = run(ROUTE, {"kind": kind}, **mocks)
    assert result.output == {"kind": kind, "way": way}
    assert [call.node for call in result.calls] == [f"route/{way}"]


def test_the_first_case_whose_condition_holds_runs() -> None:
    steps = """
    - branch: b
      cases:
        - {when: data.n > 10, steps: [{step: big, set: {size: big}}]}
        - {when: data.n > 1, steps: [{step: middle, set: {size: middle}}]}
        - {when: data.n > 1, steps: [{step: never, set: {size: never}}]}
    """
    assert output(steps, {"n": 5}) == {"n": 5, "size": "middle"}


def test_no_case_and_no_default_fails_and_says_what_there_was() -> None:
    result = run("- {branch: b, match: data.n, cases: {a: [{step: s, set: {x: 1}}]}}", {"n": 3})
    assert result.error is not None
    assert (result.error.type, result.error.node, result.error.data) == ("BranchNotMatched", "b", {"value": 3})


def test_an_empty_default_does_nothing() -> None:
    steps = "- {branch: b, match: data.n, cases: {a: [{step: s, set: {x: 1}}]}, default: [], save: r}"
    assert output(steps, {"n": 3}) == {"n": 3, "r": None}


def test_a_branch_shares_the_data_of_its_list() -> None:
    steps = """
    - {branch: b, match: data.n, cases: {"1": [{step: s, set: {n: 2}}]}}
    - {step: t, set: {after: "${ data.n }"}}
    """
    assert output(steps, {"n": 1}) == {"n": 2, "after": 2}


JUMP = """
- decision: d
  choose:
    - {when: data.n == 1, goto: third}
    - {when: data.n == 2, goto: end}
- {step: second, set: {second: true}}
- {step: third, set: {third: true}}
"""


@pytest.mark.parametrize(
    ("n", "ran"), [(0, ["second", "third"]), (1, ["third"]), (2, [])], ids=["nothing chosen", "goto", "goto end"]
)
def test_a_decision_jumps_or_carries_on(n: int, ran: list[str]) -> None:
    assert list(output(JUMP, {"n": n}))[1:] == ran


def test_a_decisions_function_chooses_a_name() -> None:
    steps = """
    - {decision: d, call: x.y, goto: [third, end]}
    - {step: second, set: {second: true}}
    - {step: third, set: {third: true}}
    """
    assert output(steps, d="third") == {"third": True}
    assert output(steps, d="end") == {}
    assert output(steps, d=None) == {"second": True, "third": True}
    assert failure(steps, d="second") == ("DecisionNotKnown", "d")
    assert failure(steps, d=3) == ("DecisionNotKnown", "d")


def test_a_jump_leaves_every_container_on_its_way() -> None:
    steps = """
    - group: outer
      save: outer
      steps:
        - loop: turns
          until: iteration == 5
          steps:
            - branch: b
              match: iteration
              cases:
                "2": [{decision: leave, choose: [{when: "true", goto: behind}]}]
              default: []
            - {step: count, set: {counted: "${ iteration }"}}
    - {step: between, set: {between: true}}
    - {step: behind, set: {behind: true}}
    """
    result = run(steps)
    # The group was left and never ended, so nothing was saved.
    assert result.output == {"counted": 1, "behind": True}
    assert kinds(result, "outer") == ["entered"]


def test_goto_end_ends_only_the_decisions_own_list() -> None:
    steps = """
    - loop: turns
      until: iteration == 3
      steps:
        - {decision: odd, choose: [{when: iteration != 2, goto: end}]}
        - {step: even, set: {even: "${ iteration }"}}
    - {step: behind, set: {behind: true}}
    """
    assert output(steps) == {"even": 2, "behind": True}


def test_a_decision_has_no_result() -> None:
    steps = """
    - foreach: each
      in: "[1, 2]"
      save: results
      steps:
        - {step: work, call: x.y, with: {}}
        - {decision: d, choose: [{when: item == 1, goto: end}]}
    - group: g
      save: result
      steps:
        - {step: again, call: x.y, with: {}}
        - {decision: e, choose: [{when: "true", goto: end}]}
    """
    assert output(steps, each__work=1, g__again=2) == {"results": [None, None], "result": None}
