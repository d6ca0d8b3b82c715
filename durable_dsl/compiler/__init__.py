"""Document to graph: everything resolved, everything checked that one place can tell."""

from __future__ import annotations

from durable_dsl.compiler.workflow import compile_workflow

__all__ = ["compile_workflow"]
