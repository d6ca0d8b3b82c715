"""The problems a document can have, as values, and the one exception that carries all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column count from 1.

    `width` is how many columns the thing takes in its first line. `text` is how a scalar is written there, quotes and
    indentation included, which lets `places.place_inside` find one of its characters; None where that is not known.
    """

    file: str
    line: int
    column: int
    width: int = field(default=1, compare=False)
    text: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document: what is wrong, where, and what to do about it.

    `code` is stable across releases (`W004`); from `W301` on it is a warning, which stops nothing. `line` and `column`
    count from 1; 0 means the problem has no place in a text. `width` is the number of columns the caret underlines,
    `source_line` the line it stands in, for people who read the report.
    """

    code: str
    message: str
    file: str = "<input>"
    line: int = 0
    column: int = 0
    hint: str | None = None
    width: int = 1
    source_line: str | None = field(default=None, compare=False)

    @property
    def severity(self) -> Literal["error", "warning"]:
        return "warning" if self.code.startswith("W3") else "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        word = "warning: " if self.severity == "warning" else ""
        head = f"{place}: {self.code} {word}{self.message}"
        if self.hint:
            head += f"; {self.hint}"
        if self.source_line is None or not self.line:
            return head
        gutter = f"{self.line:>5} | "
        # A tab must stay a tab in the caret's line, or the caret points beside its word in every editor.
        lead = "".join("\t" if character == "\t" else " " for character in self.source_line[: self.column - 1])
        caret = " " * (len(gutter) - 2) + "| " + lead + "^" * max(1, self.width)
        return f"{head}\n{gutter}{self.source_line}\n{caret}"


class DslError(ValueError):
    """The document has mistakes; `problems` holds all of them in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
