"""Where the values of a plain document stand in its text.

A mapping of places has one position per value, by the path of keys and indexes down to it. Two markers extend a path:
`path + (KEY,)` is the place of the key that holds the value, `path + (COMMENT,)` that of a comment right behind an
unquoted one. They are negative, so no list index is ever equal to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from durable_dsl.errors import Position

Path: TypeAlias = tuple[str | int, ...]
Places: TypeAlias = Mapping[Path, Position]

KEY: Final = -1
COMMENT: Final = -2


class Broken:
    """Stands for a value whose mistake was reported when it was read; there is exactly one, `BROKEN`."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = Broken()


def find_place(places: Places, path: Path) -> Position | None:
    """Gives the place of the value at `path`, or of the closest thing around it that has one."""
    while path not in places:
        if not path:
            return None
        path = path[:-1]
    return places[path]


def place_inside(position: Position, offset: int, width: int = 1) -> Position:
    """Gives the place of the character at `offset` of the text that stands at `position`.

    Quotes, escapes, folded lines and the indentation of block scalars are counted in. Where the writing is not known,
    as for a workflow written in Python, the position itself is given.
    """
    if position.text is None:
        return position
    at = _written_at(position.text, offset)
    before = position.text[:at]
    lines = before.count("\n")
    column = position.column + at if not lines else at - before.rfind("\n")
    return replace(position, line=position.line + lines, column=column, width=width, text=None)


def _written_at(text: str, offset: int) -> int:
    if text[:1] in ("|", ">"):
        pieces = _block_pieces(text)
    elif text[:1] in ("'", '"'):
        pieces = _flow_pieces(text, 1, len(text) - 1)
    else:
        pieces = _flow_pieces(text, 0, len(text))
    reached, last = 0, 0
    for at, length in pieces:
        if reached + length > offset:
            return at
        reached, last = reached + length, at
    return min(last + 1, len(text))


def _flow_pieces(text: str, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields (index in the writing, how many characters of the value it makes) for plain and quoted scalars."""
    quote = text[0] if at else ""
    while at < end:
        gap = at
        while gap < end and text[gap] in " \t":
            gap += 1
        if gap < end and text[gap] in "\r\n":
            start, breaks = at, 0
            while gap < end and text[gap] in " \t\r\n":
                breaks += text[gap] == "\n"
                gap += 1
            yield start, max(1, breaks - 1)
            at = gap
        elif quote == "'" and text.startswith("''", at):
            yield at, 1
            at += 2
        elif quote == '"' and text[at] == "\\":
            length = {"x": 4, "u": 6, "U": 10}.get(text[at + 1], 2)
            if text[at + 1] in "\r\n":
                at += 2
                while at < end and text[at] in " \t\r\n":
                    at += 1
                continue
            yield at, 1
            at += length
        else:
            yield at, 1
            at += 1


def _block_pieces(text: str) -> Iterator[tuple[int, int]]:
    """The same for `|` and `>`. An explicit indentation (`|2`) is taken from the first line, as if it were absent."""
    folded = text[0] == ">"
    lines = text.split("\n")[1:]
    at = text.find("\n") + 1
    indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)
    contents = [line[indent:].rstrip("\r") for line in lines]
    for index, content in enumerate(contents):
        for column in range(len(content)):
            yield at + indent + column, 1
        following = contents[index + 1 :] if folded else []
        # Of the line breaks after a folded line the first one vanishes when empty lines follow, and is a space
        # otherwise; beside lines that are indented further, and at the end, all of them stay.
        folds = content[:1] not in ("", " ", "\t") and following and not following[0]
        following_text = next((line for line in following if line), "") if folds else ""
        vanishes = following_text[:1] not in ("", " ", "\t")
        yield at + len(lines[index]), 0 if vanishes else 1
        at += len(lines[index]) + 1
