"""Workflows as the Python that a person would write for them, with the functions of the builder."""

from __future__ import annotations

from durable_dsl.python_text.module import write_python

__all__ = ["write_python"]
