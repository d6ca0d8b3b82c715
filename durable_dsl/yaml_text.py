"""YAML text to plain values with the place of every key and value.

Only what JSON has comes out: text, numbers, `true false null`, lists, mappings with text keys. Everything else of
YAML (aliases, anchors, tags, merge keys, `yes`, dates, sexagesimal numbers) is refused or stays text. The text is
read event by event, so limits hold before anything large is built, and nesting costs no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import yaml

from durable_dsl.document import Json
from durable_dsl.errors import Position, Problem
from durable_dsl.places import BROKEN, COMMENT, KEY, Path
from durable_dsl.yaml_traps import explain_comma, explain_syntax_error, explain_tag

MAX_CHARACTERS = 8_000_000
MAX_VALUES = 1_000_000
MAX_DEPTH = 100

# As YAML 1.1 breaks lines, which both parsers do; an editor that does not is off by a line only after such a character.
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_DOCUMENT_MARK = re.compile(r"(---|\.\.\.)(?:[ \t]|$)")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}
_WHOLE_NUMBERS = range(-(2**63), 2**63)
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class YamlDocument:
    """One document of a text. `value` is `BROKEN` when it is no YAML at all; parts with mistakes are `BROKEN` too."""

    value: Json
    places: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The text of one document and where it begins."""

    text: str
    first_line: int
    lines: list[str]


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    container: list[Json] | dict[str, Json]
    path: Path
    flow: bool
    place: Position
    # Of a mapping: the key whose value comes next, and whether that value is dropped because the key was there before.
    key: str | None = None
    key_place: Position | None = None
    dropped: bool = False
    # Inside something that was refused as a whole, where more complaints would only confuse.
    silent: bool = False


def split_lines(text: str) -> list[str]:
    """Gives the lines of a text without their breaks, as positions count them."""
    return _LINE_BREAK.split(text)


def read_yaml(text: str, file: str = "<input>", parser: Any = None) -> list[YamlDocument]:
    """Reads every document of a text; mistakes are in the documents' `problems`, nothing is raised.

    Documents are cut at `---` before they are parsed, so that a syntax error in one does not hide the mistakes of the
    others.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"the text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        return [YamlDocument(BROKEN, problems=[Problem("W010", message, file, hint="split it into several files")])]
    return [_Reader(chunk, file).read(parser or _PARSER) for chunk in _chunks(text.removeprefix("\ufeff"))]


def _chunks(text: str) -> Iterator[_Chunk]:
    lines = split_lines(text)
    starts = [0, *(index for index, line in enumerate(lines) if _DOCUMENT_MARK.match(line)), len(lines)]
    offsets = [0, *(found.end() for found in _LINE_BREAK.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        own = lines[start:end]
        if start == end or all(_says_nothing(line) for line in own):
            continue
        chunk = text[offsets[start] : offsets[end] if end < len(lines) else len(text)]
        if own[0].startswith("..."):
            chunk = "   " + chunk[3:]
        yield _Chunk(chunk, start + 1, own)


def _says_nothing(line: str) -> bool:
    rest = line[3:] if _DOCUMENT_MARK.match(line) else line
    return not rest.strip() or rest.lstrip().startswith("#") or rest.startswith("%")


class _Reader:
    """Builds one document's value from its events."""

    def __init__(self, chunk: _Chunk, file: str) -> None:
        self.chunk = chunk
        self.file = file
        self.places: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self.root: Json = BROKEN
        self.open: list[_Open] = []
        self.count = 0

    def read(self, parser: Any) -> YamlDocument:
        if found := _UNPRINTABLE.search(self.chunk.text):
            before = split_lines(self.chunk.text[: found.start()])
            at = Position(self.file, self.chunk.first_line + len(before) - 1, len(before[-1]) + 1)
            message = f"the character U+{ord(found[0]):04X} cannot stand in YAML"
            self.report("W011", message, at, hint='remove it, or write it as an escape such as "\\x07"')
            return YamlDocument(BROKEN, self.places, self.problems)
        try:
            for event in yaml.parse(self.chunk.text, Loader=parser):
                if not self.take(event):
                    return YamlDocument(BROKEN, self.places, self.problems)
        except yaml.MarkedYAMLError as error:
            problem = explain_syntax_error(error, self.chunk.lines, self.chunk.first_line, self.file)
            # What was said about this very place, such as an alias that is half of an expression, is explained by it.
            self.problems = [
                other for other in self.problems if (other.line, other.column) != (problem.line, problem.column)
            ]
            self.problems.append(problem)
            return YamlDocument(BROKEN, self.places, self.problems)
        return YamlDocument(self.root, self.places, self.problems)

    def take(self, event: Any) -> bool:
        """Takes one event; False when the document is too large to go on."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self.take_scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self.take_start(event, {} if kind is yaml.MappingStartEvent else [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.open.pop()
            return True
        elif kind is yaml.AliasEvent:
            self.take_alias(event)
        else:
            return True
        return self.within_limits(event)

    def take_alias(self, event: Any) -> None:
        at = self.place(event, f"*{event.anchor}")
        message = f"the alias '*{event.anchor}' is not part of the language"
        hint = "quote it if it is part of an expression; values to reuse stand under 'constants' or 'retries'"
        self.report("W007", message, at, hint=hint)
        into = self.open[-1] if self.open else None
        if into is not None and isinstance(into.container, dict) and into.key is None:
            into.key, into.key_place, into.dropped = "", at, True
        else:
            self.add(BROKEN, at)

    def within_limits(self, event: yaml.Event) -> bool:
        self.count += 1
        if len(self.open) > MAX_DEPTH:
            self.report("W010", f"the document is nested deeper than {MAX_DEPTH} levels", self.place(event))
            return False
        if self.count > MAX_VALUES:
            self.report("W010", f"the document has more than {MAX_VALUES:,} keys and values", self.place(event))
            return False
        return True

    def take_scalar(self, event: Any) -> None:
        written = self.chunk.text[event.start_mark.index : event.end_mark.index]
        at = self.place(event, written)
        if event.anchor is not None:
            self.refuse_anchor(event)
        into = self.open[-1] if self.open else None
        if into is not None and type(into.container) is dict and into.key is None:
            self.take_key(into, event, at)
            return
        value = event.value
        if event.tag is not None and event.tag != "!":
            self.report_problem(explain_tag(event.tag, written, at, self.line_from(event)))
            value = BROKEN
        elif not event.style:
            value = self.plain(event, at, into)
        path = self.add(value, at)
        if not event.style and (comment := self.comment_after(event)) is not None:
            self.places[(*path, COMMENT)] = comment

    def plain(self, event: Any, at: Position, into: _Open | None) -> Json:
        """Gives what an unquoted scalar means: one of JSON's literals, else text."""
        text: str = event.value
        if text == "":
            self.refuse_empty(at, into)
            return BROKEN
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "-0123456789" or not _NUMBER.fullmatch(text):
            return text
        if text.lstrip("-").isdigit():
            if len(text) > 20 or int(text) not in _WHOLE_NUMBERS:
                self.report(
                    "W012", "the whole number does not fit into 64 bits", at, hint="quote it to keep it as text"
                )
                return BROKEN
            return int(text)
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self.report("W012", "the number is too large", at, hint="quote it to keep it as text")
            return BROKEN
        return number

    def refuse_empty(self, at: Position, into: _Open | None) -> None:
        if into is not None and into.silent:
            return
        if into is None or into.key is None:
            what = "this list item" if into is not None else "the document"
            self.report("W003", f"{what} is empty", at, hint="remove it, or write its value")
            return
        place, siblings = into.key_place or at, into.container
        if into.flow and isinstance(siblings, dict) and (comma := explain_comma(siblings, into.key, place)) is not None:
            self.report_problem(comma)
            siblings[list(siblings)[-1]] = BROKEN
            into.dropped = True
            return
        self.report("W003", f"'{into.key}' has no value", place, hint="remove the key, or write its value")

    def take_key(self, into: _Open, event: Any, at: Position) -> None:
        key: str = event.value
        assert type(into.container) is dict
        into.key, into.key_place, into.dropped = key, at, False
        if event.tag is not None:
            self.report_problem(explain_tag(event.tag, key, at, self.line_from(event)))
        if key == "" and not event.style:
            self.report("W009", "a key is missing before ':'", at)
            into.dropped = True
        elif key == "<<" and not event.style:
            self.report(
                "W007", "the merge key '<<' is not part of the language", at,
                hint="to reuse values write them under 'constants' or 'retries'",
            )  # fmt: skip
            into.dropped = True
        elif key in into.container:
            first = self.places[(*into.path, key, KEY)]
            self.report("W002", f"the key '{key}' is there twice", at, hint=f"the first is in line {first.line}")
            into.dropped = True
        else:
            self.places[(*into.path, key, KEY)] = at

    def take_start(self, event: Any, container: list[Json] | dict[str, Json]) -> None:
        at = self.place(event)
        if event.anchor is not None:
            self.refuse_anchor(event)
        into = self.open[-1] if self.open else None
        if into is not None and type(into.container) is dict and into.key is None:
            hint = "an expression is written ${ ... }, in quotes where it stands in { } or [ ]"
            if not into.silent:
                self.report("W009", "a key must be text, not a list or a mapping", at, hint=hint)
            # Its value follows as if it had a key; both are dropped.
            into.key, into.key_place, into.dropped, into.silent = "", at, True, True
            self.open.append(_Open(container, (*into.path, "", KEY), bool(event.flow_style), at, silent=True))
            return
        value: Json = container
        if event.tag is not None and event.tag != "!":
            self.report_problem(explain_tag(event.tag, "", at, self.line_from(event)))
            value = BROKEN
        path = self.add(value, at)
        silent = into is not None and into.silent
        self.open.append(_Open(container, path, bool(event.flow_style), at, silent=silent))

    def add(self, value: Json, at: Position) -> Path:
        """Puts a value where it belongs and gives its path."""
        if not self.open:
            self.root = value
            path: Path = ()
        else:
            into = self.open[-1]
            if isinstance(into.container, list):
                path = (*into.path, len(into.container))
                into.container.append(value)
            elif into.dropped:
                # Beside the first value of the same key, so that the places of that one stay.
                path = (*into.path, into.key or "", KEY, KEY)
                into.key = None
            else:
                assert into.key is not None
                path = (*into.path, into.key)
                into.container[into.key] = value
                into.key = None
        self.places[path] = at
        return path

    def place(self, event: Any, written: str | None = None) -> Position:
        mark = event.start_mark
        width = 1
        if written:
            width = len(written.partition("\n")[0].rstrip()) or 1
            if written[0] in "|>":
                width = 1
        return Position(self.file, self.chunk.first_line + mark.line, mark.column + 1, width, written)

    def line_from(self, event: Any) -> str:
        """Gives the rest of the event's first line."""
        line: str = self.chunk.lines[event.start_mark.line]
        return line[event.start_mark.column :]

    def comment_after(self, event: Any) -> Position | None:
        mark = event.end_mark
        if mark.line >= len(self.chunk.lines):
            return None
        rest = self.chunk.lines[mark.line][mark.column :]
        blanks = len(rest) - len(rest.lstrip())
        if not blanks or rest[blanks : blanks + 1] != "#":
            return None
        width = len(rest) - blanks
        return Position(self.file, self.chunk.first_line + mark.line, mark.column + blanks + 1, width)

    def refuse_anchor(self, event: Any) -> None:
        at = self.place(event, f"&{event.anchor}")
        self.report(
            "W007", f"the anchor '&{event.anchor}' is not part of the language", at,
            hint="remove it; to reuse values write them under 'constants' or 'retries'",
        )  # fmt: skip

    def report(self, code: str, message: str, at: Position, *, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, at.file, at.line, at.column, hint, at.width))

    def report_problem(self, problem: Problem) -> None:
        self.problems.append(problem)
