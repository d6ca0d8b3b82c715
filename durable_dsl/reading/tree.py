"""What holds for every mapping and list of a plain document, whatever it stands for."""

from __future__ import annotations

from typing import Any

from durable_dsl.places import Path
from durable_dsl.reading.collector import Collector, describe, subject

MAX_DEPTH = 100
"""How deep a document may be nested; as deep as YAML text may, so that both surfaces take the same workflows."""


def is_tree(collector: Collector, plain: Any) -> bool:
    """Tells whether all keys are text and nothing is nested too deep; reports it if not.

    Everything after this may recurse and take keys for texts. A value that holds itself is nested too deep.
    """
    before = len(collector.problems)
    left: list[tuple[Any, Path]] = [(plain, ())]
    while left:
        value, path = left.pop()
        if not isinstance(value, dict | list):
            continue
        if len(path) >= MAX_DEPTH:
            collector.report("W010", f"{subject(path)} is nested deeper than {MAX_DEPTH} levels", path)
            return False
        if isinstance(value, list):
            left += [(item, (*path, index)) for index, item in enumerate(value)]
            continue
        for key, item in value.items():
            if isinstance(key, str):
                left.append((item, (*path, key)))
            else:
                collector.report("W009", f"a key of {subject(path)} must be text, not {describe(key)}", path)
    return len(collector.problems) == before
