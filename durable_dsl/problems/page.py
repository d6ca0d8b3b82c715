"""What one code stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """Explains one kind of problem. `wrong` shows it and `right` the fix: nodes of a list, or fields of a workflow."""

    code: str
    title: str
    explanation: str
    wrong: str = ""
    right: str = ""
    language: str = "yaml"
