"""What can go wrong with an expression: when it is read, when it is evaluated, and inside the evaluator."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from itertools import islice

# Looking for a similar name is quadratic in the length of the names, so only short ones are compared, and not many.
_CANDIDATES = 200
_LONGEST_NAME = 60
_EXCERPT = 60


class ExpressionSyntaxError(ValueError):
    """Says that a text is not an expression, or reads a name that cannot exist where it stands.

    `column` and `line` count from 1 within `source`; `offset` counts characters from 0. For a template `source` is the
    text of the scalar and `path` leads to that scalar inside the value. `hint`, where there is one, says what to write.
    """

    def __init__(
        self, message: str, source: str, offset: int = 0, hint: str | None = None, path: tuple[str | int, ...] = ()
    ) -> None:
        super().__init__(message, source, offset, hint, path)
        self.message = message
        self.source = source
        self.offset = offset
        self.hint = hint
        self.path = path
        self.line, self.column = _position(source, offset)

    def __str__(self) -> str:
        return _sentence(self.message, self.source, self.offset, self.path) + (f"; {self.hint}" if self.hint else "")


class ExpressionError(ValueError):
    """Says why an expression gave no value: a missing field, types that do not fit, a used up budget.

    `column` and `line` count from 1 within `source`. For a template `path` leads to the scalar inside the value.
    """

    def __init__(self, message: str, source: str, offset: int = 0, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message, source, offset, path)
        self.message = message
        self.source = source
        self.offset = offset
        self.path = path
        self.line, self.column = _position(source, offset)

    def __str__(self) -> str:
        return _sentence(self.message, self.source, self.offset, self.path)


class SyntaxProblem(Exception):
    """A problem found while reading, before the whole source is at hand; `parse` turns it into the public error."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class Failure(Exception):
    """An error value of CEL: `&&`, `||`, `all` and `exists` may absorb it, so raising one has to be cheap.

    The similar name is therefore looked up only when the failure leaves the expression: `wanted` is what was asked
    for, `known` what there is.
    """

    def __init__(
        self, message: str, offset: int | None = None, wanted: str | None = None, known: Iterable[object] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.wanted = wanted
        self.known = known

    def sentence(self) -> str:
        """Give the message with the similar name, or the few names there are."""
        if self.wanted is None:
            return self.message
        known = [name for name in islice(self.known, _CANDIDATES) if type(name) is str and len(name) <= _LONGEST_NAME]
        similar = find_similar(self.wanted, known)
        if similar is not None:
            return f"{self.message}; did you mean '{similar}'?"
        if 0 < len(known) <= 5:
            return f"{self.message}; it has {', '.join(sorted(known))}"
        return self.message


class BudgetExhausted(Failure):
    """The one failure that nothing absorbs: the expression costs more than it may."""

    def __init__(self, offset: int | None = None) -> None:
        super().__init__(
            "the expression takes more steps, or builds larger values, than its budget allows; "
            "filter earlier, or do this work in a step",
            offset,
        )


def find_similar(name: str, known: Collection[str]) -> str | None:
    """Give the name of `known` that was probably meant, or None."""
    if len(name) > _LONGEST_NAME:
        return None
    close = difflib.get_close_matches(name, list(islice(known, _CANDIDATES)), 1, 0.6)
    if close:
        return close[0]
    folded = name.replace("_", "").lower()
    return next((other for other in known if other.replace("_", "").lower() == folded), None)


def shorten(text: str, limit: int = 40) -> str:
    """Give a text that fits into a message."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _position(source: str, offset: int) -> tuple[int, int]:
    line_start = source.rfind("\n", 0, offset) + 1
    return source.count("\n", 0, offset) + 1, offset - line_start + 1


def _sentence(message: str, source: str, offset: int, path: tuple[str | int, ...]) -> str:
    line, column = _position(source, offset)
    start = max(0, min(offset - _EXCERPT // 2, len(source) - _EXCERPT))
    excerpt = source[start : start + _EXCERPT]
    shown = ("…" if start else "") + excerpt + ("…" if start + _EXCERPT < len(source) else "")
    shown = " ".join(shown.split())
    where = f"line {line}, column {column}" if "\n" in source else f"column {column}"
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    return f"{message} ({where} of `{shown}`{f' at {shorten(steps, 200)}' if steps else ''})"
