"""What people read of a run: a table for the terminal and one for the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import targets
from benchmarks.plan import LABELS, Workload
from benchmarks.results import Results, Row

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "performance.md"
PLOT = PAGE.with_name("performance.svg")
BEGIN, END = "<!-- figures: written by `python -m benchmarks --write-docs` -->", "<!-- end of the figures -->"

COLUMNS = (
    ("ours is better by", "ratio"),
    ("commits/step", "commits"),
    ("statements/step", "statements"),
    ("WAL B/step", "wal_bytes"),
    ("CPU µs/step", "cpu_us"),
    ("server CPU µs/step", "server_cpu_us"),
    ("memory MB", "memory_mb"),
)
MORE = (
    ("p99_ms", "p99 {:.1f} ms"),
    ("finished_p50_ms", "finished after {:.1f} ms by the server's clock (p50)"),
    ("takeover_s", "first finished after {:.1f} s"),
    ("drain_s", "the rest in {:.2f} s"),
    ("memory_growth_mb", "memory grew by {:.1f} MB"),
    ("dead_rows_growth", "dead rows grew by {:.0f}"),
)


def lines(results: Results) -> Iterator[str]:
    """Gives the run as text for a terminal."""
    yield _heading(results)
    for workload in results.workloads():
        yield ""
        yield f"{workload.key}  {_title(results, workload)}"
        heads = [workload.measure.unit, *(head for head, _key in _columns(results))]
        yield f"    {'':40}" + "".join(f"{head:>20}" for head in heads)
        for row in results.of(workload):
            label = LABELS[row.contender]
            if row.reason is not None:
                yield f"    {label:40}not measured: {row.reason}"
                continue
            yield (
                f"    {label:40}" + "".join(f"{cell:>20}" for cell in _cells(results, workload, row)) + _more(row, "  ")
            )
    yield ""
    yield from targets.lines(results)
    yield from (f"{LABELS[name]}: {text}" for name, text in results.settings.items())


def markdown(results: Results) -> str:
    """Gives the run as the section of the page."""
    parts = [_heading(results), ""]
    if results.quick:
        parts += [
            "**This was a quick run**: small sizes, medians of three. Its figures show that everything is measured "
            "and the order of magnitude; for comparisons run `make bench` on a quiet machine.",
            "",
        ]
    parts += ["![Steps per second by workload](performance.svg)", "", *targets.lines(results)]
    for workload in results.workloads():
        heads = [workload.measure.unit, *(head for head, _key in _columns(results))]
        parts += [f"### {workload.key}: {_title(results, workload)}", ""]
        parts += ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
        notes = []
        for row in results.of(workload):
            label = LABELS[row.contender]
            cells = ["–"] * len(heads) if row.reason else _cells(results, workload, row)
            parts.append(f"| {label} | " + " | ".join(cells) + " |")
            note = f"not measured: {row.reason}" if row.reason else _more(row, "")
            if note:
                notes.append(f"- {label}: {note}")
        parts += ["", *notes, *([""] if notes else [])]
    parts += ["### Settings", ""]
    parts += [f"- {LABELS[name]}: {text}" for name, text in results.settings.items()]
    parts += ["- PostgreSQL: " + ", ".join(f"{name} {value}" for name, value in results.server.items())]
    return "\n".join(parts)


def write_page(results: Results) -> None:
    """Puts the run between the markers of the page; raises `ValueError` when these are missing."""
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks the lines between which the figures stand: {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}")


def _heading(results: Results) -> str:
    machine = results.machine
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}; PostgreSQL "
        f"{results.server['version']}, {machine['Python']}; {machine['date']}; medians of {results.rounds}; load of "
        f"the machine before: {results.load_before:.1f}"
    )


def _title(results: Results, workload: Workload) -> str:
    title = workload.title.format(**workload.sizes(results.quick))
    return f"{title} (measured once)" if workload.rounds == 1 else title


def _columns(results: Results) -> list[tuple[str, str]]:
    """Leaves out what was measured nowhere: statements, without `pg_stat_statements`."""
    return [
        (head, key)
        for head, key in COLUMNS
        if key == "ratio" or any(row.median(key) is not None for row in results.rows)
    ]


def _cells(results: Results, workload: Workload, row: Row) -> list[str]:
    cells = [_number(row.median(workload.measure.key))]
    for _head, key in _columns(results):
        if key == "ratio":
            ratio = results.ratio(workload, row)
            cells.append("" if ratio is None else f"{_number(ratio)}x")
        else:
            cells.append(_number(row.median(key)))
    return cells


def _more(row: Row, lead: str) -> str:
    said = [text.format(value) for key, text in MORE if (value := row.median(key)) is not None]
    return lead + "; ".join(said) if said else ""


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.4f}"
