"""The plan of a run: which workloads there are, in which sizes, who takes part, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

OURS = "durable"
SINGLE = "durable_single"
TWO = "durable_two"
LONG = "durable_long"
PGBENCH = "pgbench"
OURS_ALL = {OURS, SINGLE, TWO, LONG, PGBENCH}
"""Who is no peer: this engine, and what the server does by itself."""

LABELS = {
    OURS: "durable-dsl",
    SINGLE: "durable-dsl, one transaction per step",
    TWO: "durable-dsl, two workers",
    LONG: "durable-dsl",
    "dbos": "DBOS",
    "dbos_tuned": "DBOS, its collector tuned as ours",
    "absurd": "Absurd",
    "procrastinate": "Procrastinate",
    "pgqueuer": "PgQueuer",
    "langgraph": "LangGraph",
    PGBENCH: "pgbench, 8 clients",
}

PACKAGES = {
    "dbos": "dbos",
    "dbos_tuned": "dbos",
    "absurd": "absurd-sdk",
    "procrastinate": "procrastinate",
    "pgqueuer": "pgqueuer",
    "langgraph": "langgraph-checkpoint-postgres",
}


@dataclass(frozen=True)
class Measure:
    """The figure that a workload is about, and which way is better."""

    key: str
    unit: str
    better: Literal["higher", "lower"]


PER_SECOND = Measure("per_second", "steps/s", "higher")
STARTS = Measure("per_second", "starts/s", "higher")


@dataclass(frozen=True)
class Workload:
    """A workload: `name` as the contenders' modules know it; sizes of a full and of a quick run."""

    key: str
    name: str
    title: str
    full: Mapping[str, int]
    quick: Mapping[str, int]
    contenders: tuple[str, ...]
    measure: Measure = PER_SECOND
    long: bool = False
    rounds: int | None = None
    """How often it is measured, where once tells it all or takes minutes."""

    def sizes(self, quick: bool) -> Mapping[str, int]:
        return self.quick if quick else self.full


_DURABLE = (OURS, "dbos", "absurd", "langgraph")
_STARTING = (OURS, "dbos", "absurd", "procrastinate", "pgqueuer")

PLAN = (
    Workload(
        "W1", "sequence", "one execution of {steps:,} sequential steps", {"steps": 1000}, {"steps": 100}, _DURABLE
    ),
    Workload(
        "W2",
        "backlog",
        "{executions:,} executions of {steps} steps, started first, then drained",
        {"executions": 1000, "steps": 10},
        {"executions": 100, "steps": 10},
        (OURS, SINGLE, TWO, "dbos", "dbos_tuned", "absurd", "langgraph", "procrastinate", "pgqueuer", PGBENCH),
    ),
    Workload(
        "W3",
        "latency",
        "start to result of a one-step execution on an idle worker, {executions:,} times",
        {"executions": 300},
        {"executions": 30},
        (*_STARTING, "langgraph"),
        Measure("p50_ms", "ms (p50)", "lower"),
    ),
    Workload(
        "W4",
        "foreach",
        "one execution that runs a step for each of {items:,} items",
        {"items": 1000},
        {"items": 100},
        _DURABLE,
    ),
    Workload(
        "W4",
        "foreach_short",
        "{executions:,} executions that each run a step for {items:,} items",
        {"executions": 100, "items": 100},
        {"executions": 20, "items": 100},
        (OURS,),
    ),
    Workload(
        "W4",
        "foreach_long",
        "one execution that runs a step for each of {items:,} items",
        {"items": 100_000},
        {"items": 10_000},
        (OURS,),
    ),
    Workload(
        "W4",
        "parallel",
        "one execution of {items:,} branches at once",
        {"items": 1000},
        {"items": 100},
        (OURS, "dbos", "absurd"),
    ),
    Workload(
        "W5",
        "start_single",
        "{starts:,} starts, one after the other",
        {"starts": 1000},
        {"starts": 100},
        _STARTING,
        STARTS,
    ),
    Workload(
        "W5", "start_many", "{starts:,} starts in one call", {"starts": 10_000}, {"starts": 500}, _STARTING, STARTS
    ),
    Workload(
        "W5",
        "start_callers",
        "{starts:,} starts by {callers} callers at once",
        {"starts": 5000, "callers": 200},
        {"starts": 400, "callers": 200},
        _STARTING,
        STARTS,
    ),
    Workload(
        "W6",
        "idle",
        "a worker with nothing to do, for {idle_seconds} s",
        {"idle_seconds": 30},
        {"idle_seconds": 5},
        _STARTING,
        Measure("idle_per_second", "statements/s", "lower"),
        rounds=1,
    ),
    Workload(
        "W7",
        "realistic",
        "{executions:,} orders: branch, parallel, foreach, expressions, 2 kB of data",
        {"executions": 500},
        {"executions": 30},
        (OURS, "dbos", "absurd"),
    ),
    Workload(
        "W8",
        "recovery",
        "{executions:,} executions in flight when their worker is killed",
        {"executions": 10_000},
        {"executions": 200},
        (OURS, "dbos"),
        rounds=1,
    ),
    Workload(
        "W9",
        "growth_queue",
        "W2 in front of {queued:,} executions that wait in another queue, a transaction held open",
        {"executions": 1000, "steps": 10, "queued": 1_000_000, "checkpoints": 0},
        {"executions": 100, "steps": 10, "queued": 10_000, "checkpoints": 0},
        (LONG,),
        long=True,
    ),
    Workload(
        "W9",
        "growth_history",
        "W2 on top of {checkpoints:,} checkpoints, a transaction held open",
        {"executions": 1000, "steps": 10, "queued": 0, "checkpoints": 10_000_000},
        {"executions": 100, "steps": 10, "queued": 0, "checkpoints": 100_000},
        (LONG,),
        long=True,
    ),
    Workload(
        "W10",
        "soak",
        "W2 again and again for {soak_seconds:,} s",
        {"executions": 1000, "steps": 10, "soak_seconds": 600},
        {"executions": 100, "steps": 10, "soak_seconds": 5},
        (LONG,),
        long=True,
    ),
    Workload(
        "W11",
        "soak_for_hours",
        "W2 again and again for {soak_seconds:,} s",
        {"executions": 1000, "steps": 10, "soak_seconds": 7200},
        {"executions": 100, "steps": 10, "soak_seconds": 10},
        (LONG,),
        long=True,
    ),
)


def among(workloads: Sequence[Workload], peers: str | None) -> list[Workload]:
    """Gives the workloads with these peers only, and with ours; raises `ValueError` for unknown ones."""
    if peers is None:
        return list(workloads)
    names = {name.strip().lower() for name in peers.split(",")}
    if unknown := names - LABELS.keys():
        raise ValueError(f"there is no peer {', '.join(sorted(unknown))}; there are {', '.join(LABELS)}")
    keep = names | {OURS, SINGLE, TWO, LONG} | ({"dbos_tuned"} if "dbos" in names else set())
    return [replace(each, contenders=tuple(name for name in each.contenders if name in keep)) for each in workloads]


def choose(only: str | None, *, long: bool) -> list[Workload]:
    """Gives the workloads to run, the very long ones only when asked for; raises `ValueError` for unknown ones."""
    if only is None:
        return [workload for workload in PLAN if long or not workload.long]
    keys = [key.strip().upper() for key in only.split(",")]
    unknown = sorted(set(keys) - {workload.key for workload in PLAN})
    if unknown:
        raise ValueError(
            f"there is no workload {', '.join(unknown)}; there are {', '.join(sorted({w.key for w in PLAN}))}"
        )
    chosen = [workload for workload in PLAN if workload.key in keys and (long or not workload.long)]
    if not chosen:
        raise ValueError(f"{only} takes very long: say --long as well")
    return chosen
