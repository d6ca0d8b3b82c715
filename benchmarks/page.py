"""The page of figures: a block for each workload, so that a run replaces what it measured and leaves the rest."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import report, targets
from benchmarks.plan import LABELS, OURS_ALL, PLAN, Workload
from benchmarks.results import Results

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "performance.md"
PLOT = PAGE.with_name("performance.svg")
BEGIN, END = "<!-- figures: written by `python -m benchmarks --write-docs` -->", "<!-- end of the figures -->"

_MARK = "<!-- block: {} -->"
_BLOCK = re.compile(r"^<!-- block: (.+) -->\n", re.MULTILINE)
SLOW, OTHERS = ", slow flush", ", others"
"""What stands behind the name of a block: measured with slow flushes; beside others than DBOS."""

QUICK = (
    "A quick run: small sizes. Its figures show that everything is measured and the order of magnitude; for "
    "comparisons run `make bench` on a quiet machine."
)


def write(results: Results) -> None:
    """Puts a run into the page; raises `ValueError` when the lines between which the figures stand are missing."""
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks the lines between which the figures stand: {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{merge(old, results)}\n{END}{after}")


def is_whole(results: Results) -> bool:
    """Tells whether a run measured all that the plot shows."""
    measured = {row.workload for row in results.rows}
    everything = {workload.name for workload in PLAN if not workload.long}
    return (
        not results.slow_flush
        and not results.statements
        and everything <= measured
        and any(row.contender == "dbos" for row in results.rows)
    )


def merge(old: str, results: Results) -> str:
    """Gives the figures with those of a run in the place of what was there of the same; all else stays."""
    parts = _BLOCK.split(old)
    blocks = {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    head = _BLOCK.split(old)[0].strip()
    if results.statements:
        blocks["statements"] = _statements(results)
    else:
        names = {workload.name: _name(results, workload) for workload in results.workloads()}
        if not results.slow_flush and not results.quick and not any(OTHERS in name for name in names.values()):
            blocks["targets"] = _targets(blocks.get("targets", ""), results)
        blocks |= {names[workload.name]: _block(results, workload) for workload in results.workloads()}
        if not results.slow_flush:
            head = f"{report.machine(results)}\n\n![Steps per second by workload]({PLOT.name})"
        blocks["settings"] = _settings(blocks.get("settings", ""), results)
    body = [f"{_MARK.format(name)}\n{blocks[name]}\n" for name in sorted(blocks, key=_place) if blocks[name]]
    return "\n".join([head, "", *body])


def _name(results: Results, workload: Workload) -> str:
    peers = {row.contender for row in results.of(workload)} - OURS_ALL
    others = OTHERS if peers and "dbos" not in peers else ""
    return f"{workload.key} {workload.name}{SLOW if results.slow_flush else ''}{others}"


def _place(name: str) -> tuple[int, int, bool, str]:
    """What order the blocks are in: targets, the workloads of the plan, those with slow flushes, the rest."""
    if name in ("targets", "statements", "settings"):
        return ({"targets": 0, "statements": 3, "settings": 4}[name], 0, False, name)
    numbers = {f"{workload.key} {workload.name}": number for number, workload in enumerate(PLAN)}
    number = numbers.get(name.partition(",")[0], len(PLAN))
    return (2 if SLOW in name else 1, number, OTHERS in name, name)


def _block(results: Results, workload: Workload) -> str:
    name = _name(results, workload)
    title = report.title(results, workload)
    if OTHERS in name:
        title += ", beside others"
    if SLOW in name:
        title += ", with a millisecond more for each flush"
    parts = [f"### {workload.key}: {title}", "", f"Measured {report.circumstances(results, workload)}."]
    parts += [QUICK] if results.quick else []
    return "\n".join([*parts, "", *report.table(results, workload)]).strip()


def _statements(results: Results) -> str:
    """Gives how many statements each contender sends, by `pg_stat_statements`."""
    names = list(dict.fromkeys(row.contender for row in results.rows))
    parts = ["### Statements for each step", "", f"Measured on PostgreSQL {results.server['version']}; "]
    parts[-1] += f"{report.circumstances(results)}. Counted by `pg_stat_statements`, BEGIN and COMMIT included."
    parts += ["", f"| | {' | '.join(LABELS[name] for name in names)} |", "|---|" + "---:|" * len(names)]
    for workload in results.workloads():
        rows = {row.contender: row.median("statements") for row in results.of(workload)}
        cells = [report.number(rows.get(name)) for name in names]
        parts.append(f"| {workload.key}: {report.title(results, workload)} | {' | '.join(cells)} |")
    return "\n".join(parts)


def _targets(old: str, results: Results) -> str:
    new = "\n".join(targets.lines(results))
    if not new:
        return old
    rows = {**_rows(old), **_rows(new)}
    parts = [
        "### Targets",
        "",
        *targets.HEAD,
        *(rows[target.name] for target in targets.TARGETS if target.name in rows),
    ]
    sentences = [
        line for line in (new if "A step of W2" in new else old).splitlines() if line.startswith("A step of W2")
    ]
    return "\n".join([*parts, "", *sentences]).strip()


def _rows(table: str) -> dict[str, str]:
    lines = [line for line in table.splitlines() if line.startswith("| ") and line not in targets.HEAD]
    return {line.split("|")[1].strip(): line for line in lines}


def _settings(old: str, results: Results) -> str:
    known = dict(line[2:].split(": ", 1) for line in old.splitlines() if line.startswith("- "))
    known |= {LABELS[name]: text for name, text in results.settings.items()}
    known["PostgreSQL"] = ", ".join(f"{name} {value}" for name, value in results.server.items())
    return "\n".join(["### Settings", "", *(f"- {label}: {text}" for label, text in known.items())])
