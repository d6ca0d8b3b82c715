"""Plain values to the typed document: the one reader behind YAML and Python.

What each kind of node, each action and each mapping may hold is a table (`nodes`, `actions`, `policies`, `workflow`);
the editor schema is made from the same tables. A reader never raises: it reports every mistake and fills the gap with
something harmless, so that what follows can be checked too.
"""

from __future__ import annotations

from durable_dsl.reading.workflow import read_workflow

__all__ = ["read_workflow"]
