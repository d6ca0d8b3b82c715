"""A plot of steps per second: a bar for each contender and workload, on a logarithmic scale, as SVG."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from benchmarks.plan import LABELS
from benchmarks.results import Results

WIDTH, LABEL, BAR, GAP, TOP = 860, 270, 16, 26, 40
OURS_COLOUR, THEIR_COLOUR = "#1f6f5c", "#b9b4a6"


def draw(results: Results, path: Path) -> None:
    """Draws the workloads that are measured in something per second; higher is better in all of them."""
    groups = []
    for workload in results.workloads():
        bars = [(row.contender, row.median("per_second")) for row in results.of(workload)]
        found = [(name, value) for name, value in bars if value]
        if workload.measure.key == "per_second" and found:
            groups.append((f"{workload.key} {workload.name.replace('_', ' ')}, {workload.measure.unit}", found))
    values = [value for _title, found in groups for _name, value in found] or [1.0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    high = max(high, low + 1)
    height = TOP + sum(GAP + BAR * len(found) for _title, found in groups) + 10

    def x(value: float) -> float:
        return LABEL + (math.log10(value) - low) / (high - low) * (WIDTH - LABEL - 90)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="11"'
        ' role="img" aria-label="Figures per second by workload and engine, on a logarithmic scale">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for power in range(low, high + 1):
        at = x(10.0**power)
        out.append(f'<line x1="{at:.1f}" y1="{TOP - 12}" x2="{at:.1f}" y2="{height - 8}" stroke="#e4e1d8"/>')
        out.append(f'<text x="{at:.1f}" y="{TOP - 18}" text-anchor="middle" fill="#5c5a52">{10.0**power:,g}</text>')
    y = TOP
    for title, measured in groups:
        out.append(f'<text x="8" y="{y + 14}" font-weight="bold" fill="#222222">{escape(title)}</text>')
        y += GAP - 6
        for name, value in measured:
            colour = OURS_COLOUR if name.startswith("durable") else THEIR_COLOUR
            end = x(value)
            out.append(
                f'<text x="{LABEL - 8}" y="{y + 11}" text-anchor="end" fill="#222222">{escape(LABELS[name])}</text>'
                f'<rect x="{LABEL}" y="{y + 2}" width="{max(1.0, end - LABEL):.1f}" height="{BAR - 4}" '
                f'fill="{colour}"/>'
                f'<text x="{end + 5:.1f}" y="{y + 11}" fill="#222222">{value:,.0f}</text>'
            )
            y += BAR
        y += 6
    out.append("</svg>")
    path.write_text("\n".join(out) + "\n")
