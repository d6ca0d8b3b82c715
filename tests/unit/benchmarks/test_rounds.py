"""Who is measured when, and how often."""

from __future__ import annotations

from typing import Any, cast

import pytest

from benchmarks import __main__ as bench
from benchmarks.plan import PLAN, Workload
from benchmarks.server import BenchServer

[BACKLOG] = (workload for workload in PLAN if workload.name == "backlog")
[SOAK] = (workload for workload in PLAN if workload.name == "soak")


class NoServer:
    slow_flush = False

    def settings(self) -> dict[str, str]:
        return {}


def turns(
    monkeypatch: pytest.MonkeyPatch,
    workload: Workload,
    seconds: dict[str, float],
    *,
    quick: bool = False,
    statements: bool = False,
) -> list[str]:
    """Gives who was measured in which order, where each takes so many seconds."""
    order: list[str] = []

    def measure(_server: object, _workload: object, contender: str, *_more: Any) -> dict[str, float]:
        order.append(contender)
        return {"steps": 100.0, "per_second": 100.0 / seconds.get(contender, 10)}

    monkeypatch.setattr(bench, "measure", measure)
    monkeypatch.setattr(bench, "describe", lambda name: name)
    bench.run(cast(BenchServer, NoServer()), [workload], quick=quick, statements=statements)
    return order


SHORT = {"durable": 0.5, "pgbench": 1.5, "dbos": 30, "durable_single": 7}


def test_all_take_turns_and_the_short_ones_three_in_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    order = turns(monkeypatch, BACKLOG, SHORT)
    everyone = list(BACKLOG.contenders)
    assert order == [*everyone, "durable", "pgbench", "durable", "pgbench"] * 5


def test_a_quick_run_and_one_that_counts_statements_measure_each_once_in_a_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everyone = list(BACKLOG.contenders)
    assert turns(monkeypatch, BACKLOG, SHORT, quick=True) == everyone * 3
    assert turns(monkeypatch, BACKLOG, SHORT, statements=True) == everyone


def test_what_takes_very_long_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert turns(monkeypatch, SOAK, {"durable_long": 1.0}) == ["durable_long"]
