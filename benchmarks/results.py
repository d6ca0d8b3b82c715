"""What a run found: medians, ratios, and the JSON they are kept in."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.plan import PLAN, Workload
from benchmarks.task import Figures


@dataclass
class Row:
    """A contender's samples of one workload, or why there are none."""

    workload: str
    contender: str
    samples: list[Figures] = field(default_factory=list)
    reason: str | None = None

    def median(self, key: str) -> float | None:
        """Gives the median of a figure, None where it was not measured."""
        values = [sample[key] for sample in self.samples if key in sample]
        return statistics.median(values) if values else None


@dataclass
class Results:
    """All of a run: where, with which settings, how often, and what came out."""

    quick: bool
    rounds: int
    machine: dict[str, str]
    server: dict[str, str]
    load_before: float
    settings: dict[str, str]
    rows: list[Row]
    slow_flush: bool = False
    statements: bool = False
    """Whether it was to count statements, on another server than that of the other figures."""

    def of(self, workload: Workload) -> list[Row]:
        return [row for row in self.rows if row.workload == workload.name]

    def workloads(self) -> list[Workload]:
        """Gives the workloads that were run, in the order of the plan."""
        names = {row.workload for row in self.rows}
        return [workload for workload in PLAN if workload.name in names]

    def ratio(self, workload: Workload, row: Row) -> float | None:
        """Gives how many times better we are by the workload's figure; None for ourselves and what is missing."""
        key = workload.measure.key
        ours, theirs = self.of(workload)[0].median(key), row.median(key)
        if row is self.of(workload)[0] or not ours or not theirs:
            return None
        return ours / theirs if workload.measure.better == "higher" else theirs / ours

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Results:
    """Reads what `Results.save` wrote."""
    found = json.loads(path.read_text())
    return Results(**{**found, "rows": [Row(**row) for row in found["rows"]]})
