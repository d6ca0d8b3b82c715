"""What people read of a run: tables for the terminal, and for the page that `page` writes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import soak, targets
from benchmarks.plan import LABELS, Workload
from benchmarks.results import Results, Row

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
)


def lines(results: Results) -> Iterator[str]:
    """Gives the run as text for a terminal."""
    yield f"{machine(results)}; {circumstances(results)}"
    for workload in results.workloads():
        yield ""
        yield f"{workload.key}  {title(results, workload)}"
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
            yield from (f"    {line}" for line in soak.lines(row.samples[0])) if row.samples else ()
    yield ""
    yield from targets.lines(results)
    yield from (f"{LABELS[name]}: {text}" for name, text in results.settings.items())


def table(results: Results, workload: Workload) -> Iterator[str]:
    """Gives a workload's figures as a table of the page, and what else is to be said of each contender."""
    heads = [workload.measure.unit, *(head for head, _key in _columns(results))]
    yield "| | " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * len(heads)
    notes = []
    for row in results.of(workload):
        label = LABELS[row.contender]
        cells = ["–"] * len(heads) if row.reason else _cells(results, workload, row)
        yield f"| {label} | " + " | ".join(cells) + " |"
        note = f"not measured: {row.reason}" if row.reason else _more(row, "")
        if note:
            notes.append(f"- {label}: {note}")
    yield from ("", *notes)
    for row in results.of(workload):
        yield from ("", *soak.lines(row.samples[0])) if row.samples else ()


def machine(results: Results) -> str:
    """Says where it was measured."""
    found = results.machine
    return (
        f"{found['processor']}, {found['cores']} cores, {found['memory']}, {found['system']}; PostgreSQL "
        f"{results.server['version']}, {found['Python']}"
    )


def circumstances(results: Results, workload: Workload | None = None) -> str:
    """Says when it was measured, and how."""
    once = results.rounds == 1 or (workload is not None and (workload.long or workload.rounds == 1))
    rounds = "once" if once else f"medians of {results.rounds} rounds"
    return f"{results.machine['date']}; {rounds}; load of the machine before: {results.load_before:.1f}"


def title(results: Results, workload: Workload) -> str:
    """Says what a workload is, in the sizes of this run."""
    said = workload.title.format(**workload.sizes(results.quick))
    return f"{said} (measured once)" if workload.rounds == 1 or workload.long else said


def _columns(results: Results) -> list[tuple[str, str]]:
    """Leaves out what was measured nowhere: statements, without `pg_stat_statements`."""
    return [
        (head, key)
        for head, key in COLUMNS
        if key == "ratio" or any(row.median(key) is not None for row in results.rows)
    ]


def _cells(results: Results, workload: Workload, row: Row) -> list[str]:
    cells = [number(row.median(workload.measure.key))]
    for _head, key in _columns(results):
        if key == "ratio":
            ratio = results.ratio(workload, row)
            cells.append("" if ratio is None else f"{number(ratio)}x")
        else:
            cells.append(number(row.median(key)))
    return cells


def _more(row: Row, lead: str) -> str:
    said = [text.format(value) for key, text in MORE if (value := row.median(key)) is not None]
    return lead + "; ".join(said) if said else ""


def number(value: float | None) -> str:
    """Gives a figure with as many digits as say something."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.4f}"
