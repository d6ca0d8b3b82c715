"""Drawings: a graph, and how far an execution got in it, as DOT, SVG, PNG, PDF, Mermaid or text."""

from __future__ import annotations

from durable_dsl.drawing.blocks import to_svg_blocks
from durable_dsl.drawing.dot import to_dot
from durable_dsl.drawing.errors import DrawingError
from durable_dsl.drawing.mermaid import to_mermaid
from durable_dsl.drawing.rendering import Format, render
from durable_dsl.drawing.status import LOOKS, Look, NodeState, NodeStatus, States, status_words
from durable_dsl.drawing.text import to_text

__all__ = [
    "LOOKS",
    "DrawingError",
    "Format",
    "Look",
    "NodeState",
    "NodeStatus",
    "States",
    "render",
    "status_words",
    "to_dot",
    "to_mermaid",
    "to_svg_blocks",
    "to_text",
]
