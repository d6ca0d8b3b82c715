"""What cannot be executed yet is told in sentences, and nothing else is refused."""

from __future__ import annotations

from durable_dsl import compile_text
from durable_runtime.core.support import unsupported


def told(steps: str, more: str = "") -> list[str]:
    [graph] = compile_text(f"workflow: w\n{more}\nsteps: [{steps}]\n")
    return unsupported(graph)


def test_what_is_executed_is_not_told() -> None:
    assert told("{step: a, call: shop.a, retry: 3}, {wait: b, any: {c: {event: d, key: e}}}") == []


def test_each_feature_is_told() -> None:
    assert told("{step: a, log: a}", "concurrency: {limit: 2}") == ["'concurrency' is not executed by this release"]
