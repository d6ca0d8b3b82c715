"""Problems on their way out of a pass over a document, each put at its field's place in the file."""

from __future__ import annotations

from durable_dsl.document import Workflow
from durable_dsl.errors import Position, Problem
from durable_dsl.places import Path, place_inside


class Findings:
    """Collects the problems of one document."""

    def __init__(self, workflow: Workflow) -> None:
        self.problems: list[Problem] = []
        self._places = workflow.places
        self._whole = workflow.at

    def place(self, path: Path, near: Position | None = None) -> Position | None:
        """Gives where a field stands; if it is not in the file, the node `near` it, else the closest thing around."""
        exact = self._places.get(path)
        if exact is not None:
            return exact
        if near is not None:
            return near
        while path:
            path = path[:-1]
            if path in self._places:
                return self._places[path]
        return self._whole

    def add(self, code: str, message: str, place: Position | None, *, hint: str | None = None) -> None:
        """Records a problem with the thing that stands at `place`."""
        if place is None:
            self.problems.append(Problem(code, message, hint=hint))
            return
        self.problems.append(
            Problem(code, message, place.file, place.line, place.column, hint=hint, width=max(1, place.width))
        )

    def add_inside(
        self,
        code: str,
        message: str,
        path: Path,
        near: Position | None,
        offset: int,
        *,
        width: int = 1,
        hint: str | None,
    ) -> None:
        """Records a problem with the character at `offset` of the text at `path`."""
        exact = self._places.get(path)
        place = self.place(path, near) if exact is None else place_inside(exact, offset, width)
        self.add(code, message, place, hint=hint)
