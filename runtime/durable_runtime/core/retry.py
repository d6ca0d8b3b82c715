"""Whether and when a failed attempt is made again. Pure: the jitter's uniform number comes in from outside."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from durable_dsl.graph import RetryPolicy


def delay_before(policy: RetryPolicy, retry: int, uniform: float) -> timedelta:
    """Gives the wait before a retry; `retry` 1 is the first, `uniform` lies in [0, 1).

    `min(max_delay, delay·factor^(retry-1))`, linear `delay·retry`, constant `delay`; then uniform within ±jitter, or
    between 0 and that for full jitter. (The language, section 3.)
    """
    match policy.backoff:
        case "exponential":
            # Beyond 64 doublings every sensible maximum is reached; a float would overflow at about 1,024.
            base = policy.delay * policy.factor ** min(retry - 1, 64)
        case "linear":
            base = float(policy.delay * retry)
        case "constant":
            base = float(policy.delay)
    base = min(float(policy.max_delay), base)
    if policy.jitter == "full":
        return timedelta(milliseconds=base * uniform)
    return timedelta(milliseconds=base * (1 + float(policy.jitter) * (2 * uniform - 1)))


def is_retried(
    policy: RetryPolicy, *, attempt: int, names: Collection[str], elapsed: timedelta, delay: timedelta
) -> bool:
    """Tells whether attempt `attempt`, which failed with an error of these class names, is followed by another.

    `elapsed` is the time since the first attempt began; a retry that would begin after `max_elapsed` is not made.
    """
    if attempt >= policy.max_attempts:
        return False
    if "Fatal" in names:
        return False
    if policy.only and not any(name in policy.only for name in names):
        return False
    if any(name in policy.except_ for name in names):
        return False
    return policy.max_elapsed is None or elapsed + delay <= timedelta(milliseconds=policy.max_elapsed)
