"""Waits and timeouts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durable_dsl import compile_text
from durable_runtime.testing import FakeClock, simulate
from tests.unit.core.simulating import failure, kinds, output, run


async def hang(**_: Any) -> None:
    await asyncio.sleep(3600)


def test_a_wait_sleeps_as_long_as_it_says() -> None:
    result = run("- {wait: w, for: 1h30m}")
    assert (result.status, result.slept, kinds(result, "w")) == (
        "completed",
        timedelta(minutes=90),
        ["waiting", "completed"],
    )


def test_a_wait_for_an_expression() -> None:
    steps = "- {wait: w, for: '${ data.pause }'}"
    assert run(steps, {"pause": "PT2M"}).slept == timedelta(minutes=2)
    assert failure(steps, {"pause": 30}) == ("NotATime", "w")
    assert failure(steps, {"pause": "-1m"}) == ("NotATime", "w")


def test_a_wait_until_an_instant() -> None:
    result = run('- {wait: w, at: "2030-01-01T02:00:00+01:00"}')
    assert result.slept == timedelta(hours=1)


def test_a_wait_in_the_past_is_over_at_once() -> None:
    result = run('- {wait: w, at: "${ data.then }"}', {"then": "1999-12-31T23:59:59Z"})
    assert (result.slept, kinds(result, "w")) == (timedelta(), ["completed"])


@pytest.mark.parametrize("then", ["tomorrow", "2031-01-01T00:00:00", 5, None])
def test_an_instant_must_be_one_and_have_a_zone(then: Any) -> None:
    assert failure('- {wait: w, at: "${ data.then }"}', {"then": then}) == ("NotATime", "w")


def test_the_result_of_a_wait_for_time_is_null() -> None:
    assert output("- {wait: w, for: 1s, save: r}") == {"r": None}


def test_a_wait_fails_when_its_timeout_comes_first() -> None:
    result = run("- {wait: w, for: '${ data.pause }', timeout: 10s}", {"pause": "1m"})
    assert result.error is not None
    assert (result.error.type, result.error.node, result.slept) == ("Timeout", "w", timedelta(seconds=10))


def test_a_wait_that_is_shorter_than_its_timeout_is_none_the_worse() -> None:
    assert run("- {wait: w, for: '${ data.pause }', timeout: 10s}", {"pause": "9s"}).slept == timedelta(seconds=9)


def test_waits_side_by_side_take_as_long_as_the_longest() -> None:
    steps = "- {parallel: p, steps: [{wait: a, for: 1h}, {wait: b, for: 3h}, {wait: c, for: 2h}]}"
    assert run(steps).slept == timedelta(hours=3)


def test_the_timeout_of_a_step_is_that_of_one_attempt() -> None:
    retry = "{max_attempts: 3, delay: 1m, backoff: constant}"
    result = run(f"- {{step: s, call: x.y, with: {{}}, timeout: 5s, retry: {retry}}}", s=hang)
    assert result.error is not None
    assert (result.error.type, result.error.attempt, result.attempts_of("s")) == ("Timeout", 3, 3)
    assert result.slept == timedelta(seconds=5 + 60 + 5 + 60 + 5)


CONTAINERS = {
    "group": "- {group: c, timeout: 10s, steps: [%s]}",
    "branch": "- {branch: c, timeout: 10s, cases: [{when: 'data.n == 0', steps: [%s]}]}",
    "parallel": "- {parallel: c, timeout: 10s, on_error: complete_all, branches: {a: [%s]}}",
    "foreach": "- {foreach: c, timeout: 10s, on_error: complete_all, in: '[1, 2]', concurrency: 2, steps: [%s]}",
    "loop": "- {loop: c, timeout: 10s, until: iteration == 2, steps: [%s]}",
}
CONTENTS = {
    "a wait": "{wait: inner, for: 1h}",
    "an attempt": "{step: inner, call: x.y, with: {}}",
    "a retry": "{step: inner, call: x.z, with: {}, retry: {max_attempts: 3, delay: 1h, max_delay: 1h}}",
    "a loop's pause": "{loop: inner, until: iteration == 2, every: 1h, steps: [{step: s, set: {x: 1}}]}",
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("content", CONTENTS)
def test_the_timeout_of_a_container_cuts_off_whatever_it_is_in(container: str, content: str) -> None:
    (graph,) = compile_text(f"workflow: w\nsteps:\n{CONTAINERS[container] % CONTENTS[content]}")
    mocks = {"x.y": hang, "x.z": ValueError("no")}
    used = {name: mock for name, mock in mocks.items() if name in CONTENTS[content]}
    result = simulate(graph, {"n": 0}, used)
    assert result.error is not None
    assert (result.error.type, result.error.node, result.slept) == ("Timeout", "c", timedelta(seconds=10))


def test_a_timeout_inside_of_complete_all_is_one_of_its_errors() -> None:
    steps = """
    - parallel: p
      on_error: complete_all
      save: r
      branches:
        slow: [{group: g, timeout: 5s, steps: [{wait: w, for: 1h}]}]
        fine: [{step: s, call: x.y, with: {}}]
    """
    result = run(steps, p__s=1)
    assert result.output["r"]["slow"]["error"]["type"] == "Timeout"
    assert (result.output["r"]["fine"], result.slept) == ({"ok": True, "value": 1}, timedelta(seconds=5))


@pytest.mark.parametrize("kind", ["wait", "step"])
def test_the_timeout_of_the_workflow_ends_it_wherever_it_is(kind: str) -> None:
    steps = """
    - branch: b
      match: data.kind
      cases:
        wait: [{wait: w, for: 1h}]
        step: [{step: s, call: x.y, with: {}}]
    """
    result = run(steps, {"kind": kind}, head="timeout: 30s", b__s=hang)
    assert result.error is not None
    assert (result.status, result.error.type, result.error.node) == ("failed", "Timeout", None)
    assert result.slept == timedelta(seconds=30)


def test_now_is_the_time_of_the_last_checkpoint_and_before_the_first_the_start() -> None:
    clock = FakeClock(datetime(2031, 5, 1, tzinfo=UTC))
    text = """
    workflow: w
    steps:
      - {step: a, set: {start: "${ now }"}}
      - {wait: w, for: 1h}
      - {step: b, set: {later: "${ now }"}}
      - {step: c, call: x.y, with: {}}
      - {step: d, set: {last: "${ now }"}}
    """

    async def work() -> None:
        await asyncio.sleep(60)

    (graph,) = compile_text(text)
    assert simulate(graph, {}, {"c": work}, clock=clock).output == {
        "start": "2031-05-01T00:00:00Z",
        "later": "2031-05-01T01:00:00Z",
        "last": "2031-05-01T01:01:00Z",
    }
    assert clock.now() == datetime(2031, 5, 1, 1, 1, tzinfo=UTC)
