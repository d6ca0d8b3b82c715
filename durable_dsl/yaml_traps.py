"""What YAML's own errors mean to someone who writes workflows.

YAML gives meaning to characters that expressions are full of. Its parsers then complain about something far from the
cause; here the line is looked at again, and the message says which character did it and that quotes are the cure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from durable_dsl.document import Json
from durable_dsl.errors import Position, Problem

_KEY_AND_VALUE = re.compile(
    r"^(?P<lead>\s*(?:-\s+)*)(?P<key>[^\s:#'\"\[\]{}][^:#]*?|'[^']*'|\"[^\"]*\"):(?P<gap>[ \t]+)(?P<value>\S.*)$"
)
_FLOW_KEY_AND_VALUE = re.compile(r"[{,]\s*(?P<key>[\w.]+)\s*:\s+(?P<value>[^'\"\s{\[][^'\"]*)$")
_LEADING = {
    "!": "begins a tag",
    "*": "begins an alias",
    "&": "begins an anchor",
    ">": "begins a folded text",
    "|": "begins a text of several lines",
    "%": "is reserved",
    "@": "is reserved",
    "`": "is reserved",
}
_PLAIN_WORDS = (
    ("mapping values are not allowed", "a ': ' is not expected here"),
    ("entries are not allowed", "a '- ' is not expected here; a list begins on its own line"),
    ("end of stream", "a quote is opened and never closed"),
    ("unexpected document separator", "a quote is opened and never closed"),
    ("expected ',' or ']'", "a ',' or a ']' is missing before this"),
    ("expected ',' or '}'", "a ',' or a '}' is missing before this"),
    ("cannot start any token", "no value can begin with this character"),
    ("escape", "a backslash in double quotes must begin one of YAML's escapes; write \\\\, or use single quotes"),
    ("node content", "a value is missing here, or a ']' or '}' is"),
    ("find expected ':'", "a ':' is missing after this key, or the line above is not indented as it should be"),
    ("tab", "a tab is not expected here"),
    ("'-' indicator", "this line is not part of the list above it; look at its indentation"),
    ("expected key", "this does not continue the mapping above it; look at its indentation and at quotes before it"),
    ("<block end>", "this does not continue what is above it; look at its indentation and at quotes before it"),
)


def explain_syntax_error(error: Any, lines: list[str], first_line: int, file: str) -> Problem:
    """Turns a parser's error into a problem that names the cause and the fix. `lines` are those of the document."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.line, len(lines) - 1) if mark is not None else 0
    column = mark.column if mark is not None else 0
    for candidate in _candidates(error, index, lines):
        if (found := _trap(candidate, lines, column, error)) is not None:
            code, text, fix, at, width = found
            return Problem(code, text, file, first_line + candidate, at + 1, fix, max(1, width))
    if (cut := _cut_in_flow(error, lines)) is not None:
        line, at = cut
        message = "' #' begins a comment in YAML, so the value before it is cut off"
        return Problem("W014", message, file, first_line + line, at + 1, "quote the whole value", len(lines[line]) - at)
    problem = str(error.problem or error.context or error)
    message = next((plain for part, plain in _PLAIN_WORDS if part in problem), problem)
    hint: str | None = None
    opened = error.context_mark
    if opened is not None and "quoted" in str(error.context):
        index, column = opened.line, opened.column
    elif opened is not None and "flow" in str(error.context):
        hint = f"it was opened in line {first_line + opened.line}, column {opened.column + 1}"
    if mark is not None and mark.line >= len(lines):
        column = len(lines[index])
    if not lines[index][column:].strip():
        # At the end of the text the parsers differ; what is missing is missing behind the last thing there is.
        while index and not lines[index][:column].partition("#")[0].strip():
            index, column = index - 1, len(lines[index - 1])
        column = len(lines[index][:column].rstrip())
    return Problem("W001", f"this is not YAML: {message}", file, first_line + index, column + 1, hint)


def explain_tag(tag: str, written: str, at: Position, rest: str) -> Problem:
    """Tells that a tag is refused; nearly always an expression that begins with `!` was meant."""
    if rest.startswith("!") and not rest.startswith("!!"):
        value = rest.split(" #")[0].rstrip()
        return _at(
            at,
            "W014",
            "an unquoted value cannot begin with '!', which begins a tag in YAML",
            _quoted(value),
            len(value),
        )
    name = tag.replace("tag:yaml.org,2002:", "!!")
    return _at(
        at, "W008", f"the tag '{name}' is not part of the language", "remove it; quote the value to keep it as text", 1
    )


def explain_comma(before: Mapping[str, Json], key: str, at: Position) -> Problem | None:
    """Explains a key without value in a flow mapping, if the value before it is an expression cut off at a comma."""
    if not before:
        return None
    last_key, value = list(before.items())[-1]
    if not isinstance(value, str) or unclosed(value) is None:
        return None
    message = f"in {{ }} a comma ends a value, so '{last_key}' is cut off after '{value}'"
    return _at(at, "W014", message, _quoted(f"{value}, {key} ..."), len(key))


def unclosed(expression: str) -> str | None:
    """Gives the quote or bracket that is opened in an expression and never closed, or None."""
    pairs = {")": "(", "]": "[", "}": "{"}
    opened: list[str] = []
    quote = ""
    escaped = False
    for character in expression:
        if quote:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in "([{":
            opened.append(character)
        elif character in pairs and opened and opened[-1] == pairs[character]:
            opened.pop()
    return quote or (opened[-1] if opened else None)


def _candidates(error: Any, index: int, lines: list[str]) -> list[int]:
    """Lists the lines the cause may be in: that of the error, that of what was being read, and the text line before."""
    found = [index]
    before = next((line for line in range(index - 1, -1, -1) if lines[line].strip()), None)
    if before is not None:
        found.append(before)
    if error.context_mark is not None and error.context_mark.line < len(lines):
        found.append(error.context_mark.line)
    return list(dict.fromkeys(found))


def _trap(index: int, lines: list[str], column: int, error: Any) -> tuple[str, str, str, int, int] | None:
    """Finds the trap a line fell into: (code, message, hint, column from 0, width)."""
    line = lines[index]
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation and line.strip():
        at = indentation.index("\t")
        return "W013", "a tab cannot indent in YAML", "indent with spaces", at, len(indentation) - at
    found = _KEY_AND_VALUE.match(line)
    if found is None:
        return None
    key, value, at = found["key"], found["value"], found.start("value")
    if value[0] in _LEADING and not re.fullmatch(r"[|>][-+0-9]*(?:\s+#.*)?", value):
        message = f"an unquoted value cannot begin with '{value[0]}', which {_LEADING[value[0]]} in YAML"
        return "W014", message, _quoted(value), at, len(value)
    if value[0] in "'\"":
        end = _end_of_quotes(value)
        if end is not None and value[end:].strip() and not value[end:].lstrip().startswith("#"):
            message = f"the quotes end before the value of '{key}' does"
            return "W014", message, _quoted(value), at, len(value)
        return None
    if value[0] in "[{":
        return _flow_trap(key, value, at, column, error)
    if re.search(r":(?=\s|$)", value):
        message = f"an unquoted value cannot hold ': ', which begins another mapping in YAML ('{key}')"
        return "W014", message, _quoted(value), at, len(value)
    return None


def _cut_in_flow(error: Any, lines: list[str]) -> tuple[int, int] | None:
    """Finds a ` #` inside quotes of an expression in `{ }` or `[ ]`, which hides the rest: (line, column)."""
    opened = error.context_mark
    if opened is None or "flow" not in str(error.context) or opened.line >= len(lines):
        return None
    line = lines[opened.line]
    at = line.find(" #", opened.column)
    if at < 0 or unclosed(line[opened.column : at]) not in ("'", '"'):
        return None
    return opened.line, at + 1


def _flow_trap(key: str, value: str, at: int, column: int, error: Any) -> tuple[str, str, str, int, int] | None:
    """The same inside `{ }` and `[ ]`, where commas and brackets have a meaning too."""
    in_flow = "flow" in str(error.context or "") or "flow" in str(error.problem or "")
    if not in_flow:
        end = _end_of_flow(value)
        if end is not None and value[end:].strip() and not value[end:].lstrip().startswith("#"):
            message = (
                f"an unquoted value cannot begin with '{value[0]}', which begins a list or mapping in YAML ('{key}')"
            )
            return "W014", message, _quoted(value), at, len(value)
        return None
    before = value[: max(0, column - at)]
    bracket = value[len(before) : len(before) + 1]
    inner = _FLOW_KEY_AND_VALUE.search(before)
    if bracket and bracket in "[{" and inner is not None:
        start = at + inner.start("value")
        rest = value[inner.start("value") :]
        text = rest[: _end_of_expression(rest)]
        message = f"inside {{ }} and [ ] an unquoted value cannot hold '{bracket}' ('{inner['key']}')"
        return "W014", message, _quoted(text), start, len(text)
    return None


def _end_of_quotes(value: str) -> int | None:
    quote, at = value[0], 1
    while at < len(value):
        if value[at] == "\\" and quote == '"':
            at += 2
        elif value[at] != quote:
            at += 1
        elif quote == "'" and value.startswith("''", at):
            at += 2
        else:
            return at + 1
    return None


def _end_of_flow(value: str) -> int | None:
    depth = 0
    for at, character in enumerate(value):
        depth += (character in "[{") - (character in "]}")
        if depth == 0:
            return at + 1
    return None


def _end_of_expression(value: str) -> int:
    """Finds where a value in a flow mapping was meant to end: at a comma or closing bracket that is not its own."""
    depth = 0
    for at, character in enumerate(value):
        if depth == 0 and character in ",]}":
            return at
        depth += (character in "[{(") - (character in "]})")
    return len(value)


def _quoted(value: str) -> str:
    """Gives the hint that shows the value in quotes, as YAML reads it back unchanged."""
    value = value.rstrip()
    if len(value) > 80:
        return "put the whole value into quotes"
    if '"' not in value and "\\" not in value:
        return f'quote the whole value: "{value}"'
    doubled = value.replace("'", "''")
    return f"quote the whole value: '{doubled}'"


def _at(at: Position, code: str, message: str, hint: str, width: int) -> Problem:
    return Problem(code, message, at.file, at.line, at.column, hint, max(1, width))
