"""Mistakes of other engines about the data of an execution; the page of mistakes lists the tests of the rest."""

from __future__ import annotations

from typing import Any

from durable_runtime.core.values import encode
from tests.unit.core.simulating import output, run


def test_a_retry_keeps_the_data() -> None:
    seen: list[dict[str, Any]] = []

    def flaky(data: dict[str, Any]) -> dict[str, Any]:
        seen.append(data)
        if len(seen) < 3:
            raise ValueError("not yet")
        return {"done": True}

    steps = """
    - step: before
      set: {kept: 1}
    - step: flaky
      call: anywhere.flaky
      retry: {max_attempts: 3, delay: 1h}
    """
    assert output(steps, {"given": 0}, flaky=flaky) == {"given": 0, "kept": 1, "done": True}
    assert seen == [{"given": 0, "kept": 1}] * 3


def test_a_jump_keeps_the_data() -> None:
    steps = """
    - step: before
      set: {kept: 1}
    - group: inside
      steps:
        - step: more
          set: {inner: 2}
        - decision: leave
          choose: [{when: data.kept == 1, goto: behind}]
    - step: between
      set: {passed: true}
    - step: behind
      set: {sum: "${ data.given + data.kept + data.inner }"}
    """
    assert output(steps, {"given": 0}) == {"given": 0, "kept": 1, "inner": 2, "sum": 3}


def test_no_key_of_the_data_means_anything_to_the_engine() -> None:
    marks = {
        "__state__": "done", "__resume__": True, "_durable": {"waiting": False}, "status": "completed", "opening": None,
        "data": {"data": 1}, "input": 2, "error": {"type": "Fatal"}, "paused": True, "signal": 9,
    }  # fmt: skip
    steps = """
    - parallel: both
      branches:
        left:
          - wait: rest
            for: 1h
          - step: forget
            call: anywhere.forget
        right:
          - step: quick
            call: anywhere.quick
            with: {}
    - step: after
      call: anywhere.after
      with: {}
    """
    order: list[str] = []

    def forget(data: dict[str, Any]) -> dict[str, Any]:
        order.append("left")
        return dict.fromkeys(data, "overwritten")

    result = run(
        steps,
        marks,
        both__forget=forget,
        both__quick=lambda: order.append("right"),
        after=lambda: order.append("after"),
    )
    # The wait holds up its own branch alone, and what follows until that is over.
    assert order == ["right", "left", "after"]
    assert result.status == "completed"
    assert result.output == dict.fromkeys(marks, "overwritten")
    assert result.slept.total_seconds() == 3600


def test_checkpoints_do_not_repeat_the_data() -> None:
    size = 20_000
    nodes = [f"- step: s{number}\n  set: {{n{number}: {number}}}" for number in range(20)]
    result = run("\n".join(nodes), {"large": "x" * size})
    assert result.status == "completed"
    stored = [len(encode(checkpoint.result)[0]) for checkpoint in result.checkpoints]
    assert len(stored) == 20
    assert sum(stored) < size / 10
