"""From a graph's nodes back to their places in the file."""

from __future__ import annotations

import re

from durable_dsl.document import LocatedNode, Workflow, locate_nodes
from durable_dsl.errors import Position, Problem
from durable_dsl.findings import Findings
from durable_dsl.places import Path


class Sources:
    """Reports problems with nodes of a graph where their document has them."""

    def __init__(self, workflow: Workflow) -> None:
        self._findings = Findings(workflow)
        self._nodes: dict[str, LocatedNode] = {located.id: located for located in locate_nodes(workflow)}

    @property
    def problems(self) -> list[Problem]:
        """What was reported, in the order of the text."""
        return sorted(self._findings.problems, key=lambda problem: (problem.line, problem.column))

    def add(self, code: str, node_id: str | None, keys: Path, message: str, *, hint: str | None = None) -> None:
        """Reports a problem with a field of a node; without `keys` with its name, without a node with the workflow."""
        self._findings.add(code, message, self._findings.place(*self._where(node_id, keys)), hint=hint)

    def add_inside(
        self, code: str, node_id: str | None, keys: Path, message: str, text: str, word: str, *, hint: str | None = None
    ) -> None:
        """Reports a problem with the first `word` of the text at a field."""
        path, near = self._where(node_id, keys)
        found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text)
        offset, width = (found.start(), len(word)) if found else (0, 1)
        self._findings.add_inside(code, message, path, near, offset, width=width, hint=hint)

    def _where(self, node_id: str | None, keys: Path) -> tuple[Path, Position | None]:
        if node_id is None:
            return keys, None
        located = self._nodes[node_id]
        return (*located.path, *(keys or (type(located.node).__name__.lower(),))), located.node.at
