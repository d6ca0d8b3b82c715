"""Two figures that say whether the code keeps its shape, and the names no module may have.

Printed are the percentage of Python lines that stand in files of more than 400 lines, and the size of the largest
import cycle. `[tool.structure]` in pyproject.toml holds the values reached so far; a figure above its value fails.
When a figure falls, lower the value there, so that it cannot rise again unseen.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp
import networkx

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("durable_dsl", "durable_runtime")
# Package folders and what stands around them; tests count too, a long test file is as hard to read as any other.
SOURCES = ("durable_dsl", "runtime", "tests", "scripts", "benchmarks", "examples")
LONGEST_FILE = 400
# Names that say nothing about what is inside, so that everything ends up inside.
EMPTY_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"})


@dataclass(frozen=True)
class Limits:
    """The values that may not be exceeded."""

    oversized_percent: float
    largest_cycle: int


def read_limits(pyproject: Path) -> Limits:
    """Read the accepted values from `[tool.structure]`; a missing value raises KeyError."""
    table = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["structure"]
    return Limits(float(table["oversized_percent"]), int(table["largest_cycle"]))


def list_sources(root: Path) -> Iterator[Path]:
    """Yield every Python file of the project below `root`, in a stable order."""
    for folder in SOURCES:
        yield from sorted((root / folder).rglob("*.py"))


def measure_oversized(files: dict[Path, int]) -> float:
    """Return the percentage of all lines that stand in files of more than `LONGEST_FILE` lines."""
    total = sum(files.values())
    return 100 * sum(lines for lines in files.values() if lines > LONGEST_FILE) / total if total else 0.0


def find_largest_cycle(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of the largest import cycle, sorted; the list is empty when there is none.

    A cycle is a strongly connected component of more than one module, imports under TYPE_CHECKING included.
    """
    graph: networkx.DiGraph[str] = networkx.DiGraph(imports)
    cycles = [sorted(modules) for modules in networkx.strongly_connected_components(graph) if len(modules) > 1]
    return max(cycles, key=len, default=[])


def read_imports() -> dict[str, set[str]]:
    """Return, for each module of the two packages, the modules of theirs that it imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def find_empty_names(paths: list[Path]) -> list[Path]:
    """Return the files whose own name or folder is one of the names that say nothing."""
    return [path for path in paths if EMPTY_NAMES & {path.stem, *path.parent.parts}]


def main() -> int:
    """Print both figures and what is wrong with them; return 1 when something is."""
    limits = read_limits(ROOT / "pyproject.toml")
    lengths = {path.relative_to(ROOT): len(path.read_bytes().splitlines()) for path in list_sources(ROOT)}
    oversized = measure_oversized(lengths)
    cycle = find_largest_cycle(read_imports())
    print(f"lines in files over {LONGEST_FILE} lines: {oversized:.1f} % of {sum(lengths.values())}")
    print(f"largest import cycle: {len(cycle) or 'none'}")

    faults = [
        f"{path} says nothing by its name; name it after what it holds" for path in find_empty_names(list(lengths))
    ]
    if oversized > limits.oversized_percent:
        faults += [f"{path} has {n} lines; divide it" for path, n in lengths.items() if n > LONGEST_FILE]
    if len(cycle) > limits.largest_cycle:
        faults.append(f"these modules import each other in a circle: {', '.join(cycle)}")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
