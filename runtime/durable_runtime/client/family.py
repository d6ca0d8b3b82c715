"""An execution with all that it started, and what these started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from durable_runtime.client.executions import Execution

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Family:
    """An execution and its children, each with its own, in the order in which they were started."""

    execution: Execution
    children: tuple[Family, ...] = ()

    def walk(self) -> Iterator[Execution]:
        """Yields this execution and all below it, each before its children."""
        yield self.execution
        for child in self.children:
            yield from child.walk()

    def to_json(self) -> dict[str, Json]:
        """Gives the execution's fields as JSON, and its `children` in the same form."""
        return {**self.execution.to_json(), "children": [child.to_json() for child in self.children]}


def family_of(executions: Sequence[Execution]) -> Family:
    """Puts the executions of one family together, given in the order in which they were started.

    One whose parent is not among them stands below the first.
    """
    known = {execution.id for execution in executions}
    first = executions[0]
    below: dict[str, list[Execution]] = {}
    for execution in executions[1:]:
        parent = execution.parent_id if execution.parent_id in known else None
        below.setdefault(parent or first.id, []).append(execution)

    def put_together(execution: Execution) -> Family:
        return Family(execution, tuple(put_together(child) for child in below.get(execution.id, ())))

    return put_together(first)
