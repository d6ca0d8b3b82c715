"""The one way to lay out a workflow file: order of keys, quotes, indentation. Comments stay, the meaning too."""

from __future__ import annotations

from durable_dsl.formatting.formatter import format_text

__all__ = ["format_text"]
