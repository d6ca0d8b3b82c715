"""A drawing as bytes in the format asked for, by whatever this machine has to draw it with."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, TypeAlias, assert_never, get_args

import graphviz

from durable_dsl.drawing.blocks import to_svg_blocks
from durable_dsl.drawing.dot import to_dot
from durable_dsl.drawing.errors import DrawingError
from durable_dsl.drawing.mermaid import to_mermaid
from durable_dsl.drawing.status import States
from durable_dsl.drawing.text import to_text
from durable_dsl.graph import Graph

Format: TypeAlias = Literal["svg", "png", "pdf", "dot", "mmd", "txt"]
PaintedFormat: TypeAlias = Literal["svg", "png", "pdf"]

LAID_OUT_BY_GRAPHVIZ = 1000
"""Nodes up to which an SVG is left to Graphviz: three times as many take it ten times as long, and ours no second."""


def render(graph: Graph, format: Format, states: States | None = None) -> bytes:
    """Gives the drawing as bytes, texts in UTF-8.

    `svg`, `png` and `pdf` are painted by the `dot` program, without it by pygraphviz. Where there is neither, or the
    graph is too large for them, `svg` is the block drawing. Raises `DrawingError` for `png` and `pdf` without
    Graphviz and for jumps that lead nowhere.
    """
    if format not in get_args(Format):
        raise DrawingError(f"no drawing is called {format!r}; ask for one of {', '.join(get_args(Format))}")
    match format:
        case "dot":
            return to_dot(graph, states).encode()
        case "mmd":
            return to_mermaid(graph, states).encode()
        case "txt":
            return to_text(graph, states).encode()
        case "svg":
            if sum(1 for _ in graph.walk()) > LAID_OUT_BY_GRAPHVIZ:
                return to_svg_blocks(graph, states).encode()
            painted = _paint(to_dot(graph, states), "svg")
            return painted if painted is not None else to_svg_blocks(graph, states).encode()
        case "png" | "pdf":
            painted = _paint(to_dot(graph, states), format)
            if painted is None:
                raise DrawingError(
                    f"{format} needs Graphviz, which is not on this machine; install Graphviz or "
                    "pip install 'durable-dsl[graph]' (svg, dot, mmd and txt work without it)"
                )
            return painted
        case _:
            assert_never(format)


def _paint(dot: str, format: PaintedFormat) -> bytes | None:
    """Runs Graphviz over DOT; None when the machine has none."""
    try:
        return bytes(graphviz.Source(dot).pipe(format=format, quiet=True))
    except graphviz.ExecutableNotFound:
        pass
    except graphviz.CalledProcessError as error:
        raise DrawingError(f"dot cannot draw this as {format}: {_first_line(error.stderr)}") from error
    try:
        pygraphviz = import_module("pygraphviz")
    except ImportError:
        return None
    try:
        return bytes(pygraphviz.AGraph(string=dot).draw(format=format, prog="dot"))
    except (OSError, ValueError, pygraphviz.DotError) as error:
        raise DrawingError(f"pygraphviz cannot draw this as {format}: {_first_line(str(error))}") from error


def _first_line(text: bytes | str | None) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
    return next((line.strip() for line in words.splitlines() if line.strip()), "it gives no reason")
