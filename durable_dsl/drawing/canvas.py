"""SVG in three layers: frames below lines below nodes. All that comes from a file goes through `quoted`."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from durable_dsl.drawing.status import FAINT, INK, LINE, RED, Border
from durable_dsl.drawing.words import clean

Point: TypeAlias = tuple[float, float]
Outline: TypeAlias = Literal["round", "pill", "cut", "frame"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif"

_DASHES: Mapping[Border, str] = {"solid": "", "dashed": "6 4", "dotted": "1.5 3", "double": ""}


@dataclass(frozen=True, slots=True)
class Dress:
    """Fill and border of a shape."""

    fill: str = "#ffffff"
    stroke: str = LINE
    border: Border = "solid"
    width: float = 1.2


@dataclass(slots=True)
class Canvas:
    """Collects shapes; `document` gives the finished SVG."""

    frames: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)

    def line(
        self, points: Sequence[Point], kind: str, tail: str, head: str, *, arrow: bool = True, attributes: str = ""
    ) -> None:
        """Draws a line with rounded corners; `tail` and `head` are ids, told in `data-from` and `data-to`."""
        dash = ' stroke-dasharray="5 4"' if kind in ("back", "catch") else ""
        color = {"jump": FAINT, "catch": RED}.get(kind, LINE)
        marker = ' marker-end="url(#durable-arrow)"' if arrow else ""
        self.lines.append(
            f'<path class="edge {kind}" data-from="{quoted(tail)}" data-to="{quoted(head)}" '
            f'd="{_rounded(points)}" fill="none" stroke="{color}" stroke-width="1.4"{dash}{marker}{attributes}/>'
        )

    def stub(self, points: Sequence[Point], *, arrow: bool = False) -> None:
        """Draws a piece of line that continues others and stands for no edge of its own."""
        marker = ' marker-end="url(#durable-arrow)"' if arrow else ""
        self.lines.append(f'<path d="{_rounded(points)}" fill="none" stroke="{LINE}" stroke-width="1.4"{marker}/>')

    def dot(self, x: float, y: float, radius: float, *, color: str = FAINT, ring: bool = False) -> None:
        self.nodes.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{color}"/>')
        if ring:
            border = f'fill="none" stroke="{color}" stroke-width="1.2"'
            self.nodes.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius + 3)}" {border}/>')

    def chip(self, x: float, y: float, text: str, width: float) -> None:
        """Writes the label of a line, centred at a point of it."""
        self.nodes.append(
            f'<rect x="{_n(x - width / 2)}" y="{_n(y - 8)}" width="{_n(width)}" height="16" rx="8" fill="#f1f5f9"/>'
            + text_at(x, y + 3.5, text, size=10.5, color=FAINT, anchor="middle")
        )

    def note(self, x: float, y: float, text: str, anchor: str = "start") -> None:
        self.nodes.append(text_at(x, y, text, size=10.5, color=FAINT, anchor=anchor))

    def document(self, width: float, height: float, title: str, description: str) -> str:
        size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}">',
                f"<title>{quoted(title)}</title>",
                f"<desc>{quoted(description)}</desc>",
                '<defs><marker id="durable-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" '
                f'markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="{FAINT}"/>'
                "</marker></defs>",
                f'<rect width="{_n(width)}" height="{_n(height)}" rx="12" fill="#ffffff"/>',
                *self.frames,
                *self.lines,
                *self.nodes,
                "</svg>\n",
            ]
        )


def shape(outline: Outline, x: float, y: float, width: float, height: float, dress: Dress) -> str:
    """Gives one outline; a double border is a second outline inside the first."""
    dash = f' stroke-dasharray="{_DASHES[dress.border]}"' if _DASHES[dress.border] else ""
    paint = f'fill="{dress.fill}" stroke="{dress.stroke}" stroke-width="{dress.width:g}"{dash}'
    drawn = _outline(outline, x, y, width, height, paint)
    if dress.border == "double":
        inner = f'fill="none" stroke="{dress.stroke}" stroke-width="{dress.width:g}"'
        drawn += _outline(outline, x + 4, y + 4, width - 8, height - 8, inner)
    return drawn


def _outline(outline: Outline, x: float, y: float, width: float, height: float, paint: str) -> str:
    if outline == "cut":
        cut = min(12.0, height / 2)
        right, bottom = x + width, y + height
        corners = [
            (x + cut, y), (right - cut, y), (right, y + cut), (right, bottom - cut),
            (right - cut, bottom), (x + cut, bottom), (x, bottom - cut), (x, y + cut),
        ]  # fmt: skip
        return f'<polygon points="{" ".join(f"{_n(a)},{_n(b)}" for a, b in corners)}" {paint}/>'
    radius = {"round": 8.0, "pill": min(22.0, height / 2), "frame": 12.0}[outline]
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}" {paint}/>'


def text_at(
    x: float, y: float, text: str, *, size: float = 11, color: str = INK, anchor: str = "start", weight: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size:g}" fill="{color}"{where}{bold}>{quoted(text)}</text>'


def quoted(text: str) -> str:
    return html.escape(clean(text), quote=True)


def _rounded(points: Sequence[Point], radius: float = 7.0) -> str:
    """Gives a path along points, each corner rounded as far as its shorter side allows."""
    kept = [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]
    path = f"M{_n(kept[0][0])},{_n(kept[0][1])}"
    for at in range(1, len(kept) - 1):
        (ax, ay), (bx, by), (cx, cy) = kept[at - 1 : at + 2]
        before, after = abs(bx - ax) + abs(by - ay), abs(cx - bx) + abs(cy - by)
        turn = min(radius, before / 2, after / 2)
        ex, ey = bx + (ax - bx) / before * turn, by + (ay - by) / before * turn
        fx, fy = bx + (cx - bx) / after * turn, by + (cy - by) / after * turn
        path += f" L{_n(ex)},{_n(ey)} Q{_n(bx)},{_n(by)} {_n(fx)},{_n(fy)}"
    return path + (f" L{_n(kept[-1][0])},{_n(kept[-1][1])}" if len(kept) > 1 else "")


def _n(number: float) -> str:
    """Spells a coordinate the same on every machine."""
    text = f"{number:.1f}"
    return text[:-2] if text.endswith(".0") else text
