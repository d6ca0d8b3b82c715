"""What a drawing can fail with."""

from __future__ import annotations


class DrawingError(Exception):
    """The graph cannot be drawn in the format asked for; the message names the way out."""
