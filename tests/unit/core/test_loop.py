"""Loops: when they end, what they give, how they sleep."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.core.simulating import failure, kinds, output, run


def test_while_is_tested_before_each_turn() -> None:
    steps = "- {loop: l, while: data.n < 3, steps: [{step: s, set: {n: '${ data.n + 1 }'}}]}"
    assert output(steps, {"n": 0}) == {"n": 3}
    assert output(steps, {"n": 9}) == {"n": 9}


def test_until_is_tested_after_each_turn() -> None:
    steps = "- {loop: l, until: data.n >= 3, steps: [{step: s, set: {n: '${ data.n + 1 }'}}]}"
    assert output(steps, {"n": 0}) == {"n": 3}
    assert output(steps, {"n": 9}) == {"n": 10}


def test_iteration_counts_from_one_in_conditions_and_steps() -> None:
    steps = """
    - loop: l
      while: iteration <= 3
      steps: [{step: s, set: {seen: "${ data.seen + [iteration] }"}}]
    """
    assert output(steps, {"seen": []}) == {"seen": [1, 2, 3]}


def test_its_result_is_that_of_its_last_turn() -> None:
    steps = "- {loop: l, until: iteration == 2, save: r, steps: [{step: s, call: x.y, with: {n: '${ iteration }'}}]}"
    assert output(steps, l__s=lambda n: n * 10) == {"r": 20}
    none = "- {loop: l, while: 'false', save: r, steps: [{step: s, call: x.y, with: {}}]}"
    assert output(none, l__s=1) == {"r": None}


def test_the_result_outlives_the_sleep_after_its_turn() -> None:
    steps = """
    - loop: l
      while: iteration <= 2
      every: 1m
      save: r
      steps: [{step: s, call: x.y, with: {n: "${ iteration }"}}]
    """
    assert output(steps, l__s=lambda n: n * 10) == {"r": 20}


def test_each_turn_has_a_path_of_its_own() -> None:
    result = run("- {loop: l, until: iteration == 2, steps: [{step: s, call: x.y, with: {}}]}", l__s=1)
    assert [call.node for call in result.calls] == ["l#1/s", "l#2/s"]


def test_every_sleeps_between_turns_and_grows_up_to_its_maximum() -> None:
    steps = """
    - loop: l
      until: iteration == 5
      every: 10s
      backoff: {factor: 2, max: 30s}
      steps: [{step: s, call: x.y, with: {}}]
    """
    result = run(steps, l__s=1)
    # 10 + 20 + 30 + 30 after the turns 1 to 4, none after the last.
    assert result.slept == timedelta(seconds=90)
    assert kinds(result, "l").count("waiting") == 4


def test_the_sleep_may_be_an_expression() -> None:
    steps = "- {loop: l, until: iteration == 3, every: '${ data.pause }', steps: [{step: s, set: {n: 1}}]}"
    assert run(steps, {"pause": "90s"}).slept == timedelta(seconds=180)
    assert failure(steps, {"pause": "soon"}) == ("NotATime", "l")


def test_more_turns_than_allowed_fail() -> None:
    steps = "- {loop: l, %s, max_iterations: 3, steps: [{step: s, set: {n: '${ iteration }'}}]}"
    for condition in ("until: iteration > 9", "while: iteration < 9"):
        result = run(steps % condition)
        assert result.error is not None
        assert (result.error.type, result.error.node, result.error.data) == ("LoopLimit", "l", {"turns": 3})
        assert kinds(result, "l").count("turned") == 3


def test_exactly_as_many_turns_as_allowed_are_fine() -> None:
    steps = "- {loop: l, %s, max_iterations: 3, steps: [{step: s, set: {n: '${ iteration }'}}]}"
    assert output(steps % "until: iteration == 3") == {"n": 3}
    assert output(steps % "while: iteration <= 3") == {"n": 3}


def test_on_limit_continue_goes_on_after_the_last_turn() -> None:
    steps = """
    - loop: l
      until: iteration > 9
      max_iterations: 3
      on_limit: continue
      save: last
      steps: [{step: s, call: x.y, with: {n: "${ iteration }"}}]
    """
    assert output(steps, l__s=lambda n: n) == {"last": 3}


def test_a_loop_that_only_computes_ends_whatever_its_length() -> None:
    steps = "- {loop: l, until: iteration == 700, steps: [{step: s, set: {n: '${ iteration }'}}]}"
    assert output(steps) == {"n": 700}


def test_a_failure_inside_ends_the_loop() -> None:
    result = run("- {loop: l, until: iteration == 3, steps: [{step: s, call: x.y, with: {}}]}", l__s=ValueError("no"))
    assert result.error is not None
    assert (result.error.type, result.error.node) == ("ValueError", "l#1/s")
