"""Workflows written by hand, one for each thing that a run may be in the middle of when it is torn away."""

from __future__ import annotations

import json

import pytest

from durable_dsl import compile_text
from tests.simulation.checking import broken_promises, inputs_of
from tests.simulation.installation import Installation

ACT = "tests.simulation.ledger.act"

NESTED = f"""
workflow: foreach_in_loop_in_parallel
steps:
  - parallel: both
    branches:
      left:
        - loop: rounds
          until: iteration == 2
          every: 400ms
          steps:
            - foreach: lines
              in: "[10, 20, 30]"
              as: line
              concurrency: 2
              save: sums
              steps:
                - step: add
                  call: {ACT}
                  with: {{value: "${{ line + iteration }}"}}
                  save: sum
                - decision: enough
                  choose: [{{when: data.sum > 30, goto: end}}]
                - wait: breathe
                  for: 200ms
                - step: again
                  call: {ACT}
                  with: {{value: "${{ data.sum * index }}", failures: 1}}
                  retry: {{max_attempts: 2, delay: 100ms}}
        - step: keep
          set: {{left: "${{ data.sums }}"}}
      right:
        - step: slow
          call: {ACT}
          with: {{value: {{z: 1, a: 2.0}}}}
          save: right
output: {{left: "${{ data.left }}", right: "${{ data.right }}"}}
"""

JUMPS = f"""
workflow: jumps_out_of_containers
steps:
  - group: outer
    steps:
      - loop: search
        while: iteration <= 9
        steps:
          - step: look
            call: {ACT}
            with: {{value: "${{ iteration }}"}}
            save: found
          - branch: check
            match: data.found
            cases:
              "3":
                - decision: leave
                  choose: [{{when: "true", goto: behind}}]
            default: []
      - fail: never
        when: data.found != 3
  - fail: not_reached
    when: data.found == 3
  - step: behind
    set: {{behind: true}}
"""

TIMES = f"""
workflow: every_kind_of_time
timeout: 1h
steps:
  - wait: pause
    for: 2s
  - wait: past
    at: "2029-01-01T00:00:00Z"
  - step: slow_once
    call: {ACT}
    with: {{value: done, failures: 2}}
    retry: {{max_attempts: 3, delay: 500ms, backoff: linear}}
    save: slow
  - parallel: guarded
    on_error: complete_all
    save: guarded
    branches:
      late:
        - group: short
          timeout: 300ms
          steps: [{{wait: long, for: 1h}}]
      hung:
        - step: hangs
          call: {ACT}
          with: {{delay: 50.0}}
          timeout: 400ms
      fine:
        - step: quick
          call: {ACT}
          with: {{value: 1, delay: 0.0}}
"""

FAILURES = f"""
workflow: failures_of_items
steps:
  - foreach: each
    in: "[0, 1, 2, 3]"
    on_error: complete_all
    concurrency: 3
    save: each
    steps:
      - step: try
        call: {ACT}
        with: {{value: "${{ item }}", failures: "${{ item % 2 == 0 ? 0 : 9 }}"}}
        retry: {{max_attempts: 2, delay: 50ms}}
      - fail: third
        when: item == 2
        type: NoThird
        data: {{item: "${{ item }}"}}
  - parallel: enough
    join: {{at_least: 3}}
    branches:
      a: [{{step: a, call: {ACT}, with: {{failures: 9}}}}]
      b: [{{step: b, call: {ACT}, with: {{value: 1}}}}]
      c: [{{step: c, call: {ACT}, with: {{failures: 9}}}}]
"""

FINISH = f"""
workflow: finish_inside_of_parallel
steps:
  - parallel: race
    branches:
      waits: [{{wait: for_ever, for: 1h}}]
      ends:
        - step: work
          call: {ACT}
          with: {{value: 5}}
          save: five
        - finish: early
          output: {{five: "${{ data.five }}"}}
"""

ENDINGS = {
    NESTED: (
        "completed",
        # Turn 2: 12, 22 and 32; the last is above 30 and leaves its item with the null of the decision.
        {"left": [0, 22, None], "right": {"z": 1, "a": 2.0}},
    ),
    JUMPS: ("completed", {"found": 3, "behind": True}),
    TIMES: ("completed", None),
    FAILURES: ("failed", "JoinFailed"),
    FINISH: ("completed", {"five": 5}),
}


@pytest.mark.parametrize("text", ENDINGS, ids=lambda text: text.split()[1])
def test_it_ends_as_it_must_and_in_forty_storms_the_same(text: str) -> None:
    (graph,) = compile_text(text)
    (ending,) = Installation(graph, [{}], 0, stormy=False).run().endings
    status, expected = ENDINGS[text]
    assert ending.status == status
    if status == "failed":
        assert json.loads(ending.error)["type"] == expected
    elif expected is not None:
        assert json.loads(ending.output) == expected
    # How many branches had worked when the join went out of reach, and so its message, is a matter of chance.
    for seed in range(40):
        assert broken_promises(graph, seed, is_racy=text is FAILURES) == [], f"seed {seed}"


def test_the_times_end_with_what_came_in_time() -> None:
    (graph,) = compile_text(TIMES)
    (ending,) = Installation(graph, [{}], 0, stormy=False).run().endings
    guarded = json.loads(ending.output)["guarded"]
    assert {name: result.get("value", result.get("error", {}).get("type")) for name, result in guarded.items()} == {
        "late": "Timeout",
        "hung": "Timeout",
        "fine": 1,
    }


def test_storms_do_what_they_say() -> None:
    """Without crashes, repeated attempts and cancels everything above would say little."""
    (graph,) = compile_text(NESTED)
    reports = [Installation(graph, inputs_of(seed), seed, stormy=True).run() for seed in range(30)]
    assert sum(ending.losses for report in reports for ending in report.endings) > 30
    assert sum(times > 1 for report in reports for times in report.ledger.began.values()) > 15
    assert sum(ending.cancelled for report in reports for ending in report.endings) > 3
    assert max(ending.losses for report in reports for ending in report.endings) > 2
