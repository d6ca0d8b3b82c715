"""Retries: how often, after how long, and of which errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from durable_dsl.graph import RetryPolicy
from durable_runtime import Fatal, Retry, StepContext
from durable_runtime.core.retry import delay_before
from durable_runtime.testing import SimulationResult
from tests.unit.core.simulating import kinds, run


def milliseconds(policy: RetryPolicy, retries: int, uniform: float = 0.5) -> list[int]:
    """The waits before the first retries, rounded."""
    return [round(delay_before(policy, n, uniform) / timedelta(milliseconds=1)) for n in range(1, retries + 1)]


def test_an_exponential_wait_is_multiplied_each_time_up_to_its_maximum() -> None:
    policy = RetryPolicy(delay=100, factor=3.0, max_delay=2_000)
    assert milliseconds(policy, 5) == [100, 300, 900, 2_000, 2_000]


def test_a_linear_wait_grows_by_its_delay_and_a_constant_one_stays() -> None:
    assert milliseconds(RetryPolicy(backoff="linear", delay=100, max_delay=250), 4) == [100, 200, 250, 250]
    assert milliseconds(RetryPolicy(backoff="constant", delay=100), 3) == [100, 100, 100]


def test_jitter_varies_a_wait_by_its_share_either_way() -> None:
    policy = RetryPolicy(backoff="constant", delay=1_000, jitter=0.25)
    assert [milliseconds(policy, 1, uniform) for uniform in (0.0, 0.5, 0.999)] == [[750], [1_000], [1_250]]


def test_full_jitter_is_anything_up_to_the_wait() -> None:
    policy = RetryPolicy(backoff="constant", delay=1_000, jitter="full")
    assert [milliseconds(policy, 1, uniform) for uniform in (0.0, 0.25, 0.999)] == [[0], [250], [999]]


def test_the_thousandth_retry_has_a_wait_too() -> None:
    assert delay_before(RetryPolicy(delay=1_000, factor=10.0), 1_000, 0.5) == timedelta(minutes=5)


class Unavailable(Exception):
    pass


class Overloaded(Unavailable):
    pass


def failing(*errors: Exception) -> Callable[..., str]:
    """A function that raises these errors in turn and then works."""
    left = list(errors)

    def work(ctx: StepContext) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


def retried(retry: str, *errors: Exception) -> SimulationResult:
    return run(f"- {{step: s, call: x.y, with: {{}}, save: r, retry: {retry}}}", s=failing(*errors))


def test_without_retry_there_is_one_attempt() -> None:
    result = run("- {step: s, call: x.y, with: {}}", s=failing(ValueError("no")))
    assert (result.status, result.attempts_of("s"), kinds(result, "s")) == ("failed", 1, ["failed"])


def test_a_number_counts_the_first_attempt_too() -> None:
    assert retried("2", ValueError("1")).output == {"r": "done"}
    result = retried("2", ValueError("1"), ValueError("2"))
    assert result.error is not None
    assert (result.error.message, result.error.attempt, kinds(result, "s")) == ("2", 2, ["retrying", "failed"])


def test_between_attempts_the_execution_sleeps_as_the_policy_says() -> None:
    result = retried("{max_attempts: 4, delay: 2s, factor: 3}", *[ValueError("no")] * 3)
    assert (result.output, result.slept) == ({"r": "done"}, timedelta(seconds=2 + 6 + 18))


def test_every_attempt_has_the_same_idempotency_key_and_its_own_number() -> None:
    seen: list[tuple[int, str]] = []

    def work(ctx: StepContext) -> None:
        seen.append((ctx.attempt, ctx.idempotency_key))
        if ctx.attempt < 3:
            raise ValueError("no")

    run("- {step: s, call: x.y, with: {}, retry: 3}", s=work)
    assert [attempt for attempt, _key in seen] == [1, 2, 3]
    assert len({key for _attempt, key in seen}) == 1


@pytest.mark.parametrize(
    ("retry", "error", "attempts"),
    [
        ("{max_attempts: 3, only: [Unavailable]}", Unavailable("x"), 2),
        ("{max_attempts: 3, only: [Unavailable]}", Overloaded("a subclass"), 2),
        ("{max_attempts: 3, only: [Unavailable]}", ValueError("x"), 1),
        ("{max_attempts: 3, except: [Unavailable]}", Overloaded("a subclass"), 1),
        ("{max_attempts: 3, except: [Unavailable]}", ValueError("x"), 2),
        ("{max_attempts: 3, when: \"error.message == 'again'\"}", ValueError("again"), 2),
        ("{max_attempts: 3, when: \"error.message == 'again'\"}", ValueError("never"), 1),
        ("{max_attempts: 3, when: \"error.type == 'Overloaded'\"}", Overloaded("x"), 2),
        ("3", Fatal("cannot help"), 1),
    ],
)
def test_only_some_errors_are_tried_again(retry: str, error: Exception, attempts: int) -> None:
    assert retried(retry, error).attempts_of("s") == attempts


def test_a_condition_that_fails_ends_the_step_with_the_first_error_and_tells_both() -> None:
    result = retried('{max_attempts: 3, when: "error.data.code == 1"}', ValueError("the first"))
    assert result.error is not None
    assert result.error.type == "ValueError"
    assert result.error.message.startswith("the first (and the condition of its retry failed: ")


def test_retry_after_sets_the_wait_within_the_attempts() -> None:
    result = retried("2", Retry("later", after=timedelta(hours=3)))
    assert (result.output, result.slept) == ({"r": "done"}, timedelta(hours=3))
    assert retried("1", Retry("later", after=1.5)).status == "failed"


def test_no_retry_begins_later_than_max_elapsed() -> None:
    policy = "{max_attempts: 9, delay: 10s, backoff: constant, max_elapsed: 25s}"
    result = retried(policy, *[ValueError("no")] * 8)
    # At 0 s, 10 s and 20 s; a retry at 30 s would be too late.
    assert (result.status, result.attempts_of("s"), result.slept) == ("failed", 3, timedelta(seconds=20))


def test_an_error_keeps_its_data_if_they_are_json() -> None:
    result = retried("1", Fatal("no", data={"code": 7}))
    assert result.error is not None
    assert result.error.data == {"code": 7}
    unstorable: Any = Fatal("no", data=object())
    result = retried("1", unstorable)
    assert result.error is not None
    assert (result.error.type, result.error.message, result.error.data) == ("Fatal", "no", None)


def test_a_message_that_cannot_be_stored_is_made_storable() -> None:
    result = retried("1", ValueError("a\x00b\ud800c"))
    assert result.error is not None
    assert result.error.message == "a\\x00b\\ud800c"
