"""A YAML text as a tree that knows its comments.

The parser tells where every key and value begins and ends. What lies between two of them is punctuation, empty lines
and comments, and is given to the item it belongs to: a comment at the end of a line to what ends there, one in a line
of its own to the item below it, unless it is indented like the items above, which have ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from durable_dsl.yaml_writer import Collection, Item, Scalar, Tree

_COMMENT = re.compile("(?:(?<=[ \t])|^)#[^\n\x85\u2028\u2029]*", re.MULTILINE)
_BLOCK_HEAD = re.compile(r"[|>]([-+0-9]*)[ \t]*(#[^\n]*)?")
_LITERAL = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class SourceDocument:
    """One document; `mark` is the comment behind its `---`."""

    root: Tree
    mark: str | None = None


@dataclass(slots=True)
class _Open:
    """A collection that is being read; `item` is its entry whose value comes next, `column` where its items stand."""

    collection: Collection
    column: float
    item: Item | None = None


@dataclass(slots=True)
class _State:
    open: list[_Open] = field(default_factory=list)
    # Collections that ended since the last key or value, innermost first: a comment may still be theirs.
    ended: list[_Open] = field(default_factory=list)
    # Lines above an item that is yet to come, and the item that ended last.
    pending: list[str] = field(default_factory=list)
    last: Item | None = None


def read_source(text: str) -> list[SourceDocument]:
    """Reads a text in which `load_document` found no problem."""
    return _Source(re.sub("\r\n?", "\n", text.removeprefix("\ufeff"))).read()


class _Source:
    """Walks through the events of a text and gives everything between them its place."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.state = _State()
        self.documents: list[SourceDocument] = []

    def read(self) -> list[SourceDocument]:
        mark: str | None = None
        for event in yaml.parse(self.text, Loader=_PARSER):
            match event:
                case yaml.DocumentStartEvent():
                    mark = self.take_mark(event) if event.explicit else None
                case yaml.ScalarEvent():
                    mark = self.scalar(event, mark)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self.start(event, mark)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self.end(event)
                case yaml.StreamEndEvent():
                    self.gap(len(self.text))
                    self.end_document()
                case _:
                    pass
        return self.documents

    def take_mark(self, event: Any) -> str | None:
        """Goes on behind a `---` and gives the comment behind it, if a document went before."""
        self.gap(event.start_mark.index)
        if self.documents:
            self.end_document()
        self.at = event.end_mark.index
        line = self.text[self.at : (self.text + "\n").index("\n", self.at)]
        comment = _COMMENT.search(line)
        if comment is None or not self.documents or line[: comment.start()].strip():
            return None
        self.at += comment.end()
        return comment[0].rstrip()

    def end_document(self) -> None:
        """Gives what was said behind the last item to the document that ends."""
        state = self.state
        root = self.documents[-1].root
        if isinstance(root, Collection):
            root.below += state.pending
            while root.below and not root.below[-1]:
                del root.below[-1]
        self.state = _State()

    def add(self, value: Tree, mark: str | None) -> None:
        """Puts a value where it belongs."""
        state = self.state
        if not state.open:
            self.documents.append(SourceDocument(value, mark))
            return
        into = state.open[-1]
        if into.collection.mapping:
            assert into.item is not None
            into.item.value = value
        else:
            into.item = Item(value, above=self.take_pending())
            into.collection.items.append(into.item)
        state.last = into.item

    def take_pending(self) -> list[str]:
        taken, self.state.pending = self.state.pending, []
        return taken

    def start(self, event: Any, mark: str | None) -> None:
        self.gap(event.start_mark.index)
        mapping = isinstance(event, yaml.MappingStartEvent)
        collection = Collection(mapping, flow=bool(event.flow_style))
        column: float = event.start_mark.column
        state = self.state
        if not mapping and state.open and state.open[-1].collection.mapping and column <= state.open[-1].column:
            # Its dashes stand below the key: a comment there is rather the next key's.
            column += 0.5
        # A list is the value of its item before its first item takes what is pending.
        if state.open and not state.open[-1].collection.mapping:
            self.add(collection, mark)
        else:
            pending = self.take_pending()
            self.add(collection, mark)
            state.pending = pending
        state.open.append(_Open(collection, column))
        if collection.flow:
            self.at = event.end_mark.index

    def end(self, event: Any) -> None:
        state = self.state
        ended = state.open.pop()
        if ended.collection.flow:
            self.gap(event.start_mark.index, into=ended.collection)
            self.at = event.end_mark.index
            state.last = state.open[-1].item if state.open else None
        else:
            state.ended.append(ended)
        self.close()

    def scalar(self, event: Any, mark: str | None) -> str | None:
        """Takes a key or a value, and gives the mark back unless its document is empty and so none at all."""
        self.gap(event.start_mark.index)
        state = self.state
        if not state.open and not event.value and not event.style:
            if mark is not None:
                state.pending.append(mark)
            return None
        written = self.text[event.start_mark.index : event.end_mark.index]
        block = event.style if event.style in ("|", ">") else ""
        head = _BLOCK_HEAD.match(written) if block else None
        # The parser takes empty lines behind a scalar for its own; those that say nothing are ours to keep.
        keeps = head is not None and "+" in head[1]
        self.at = event.end_mark.index if keeps else event.start_mark.index + len(written.rstrip())
        into = state.open[-1] if state.open else None
        if into is not None and into.collection.mapping and into.item is None:
            into.item = Item(Scalar(""), event.value, self.take_pending())
            into.collection.items.append(into.item)
            state.last = into.item
            return mark
        value = _scalar(event, written, head)
        pending = self.take_pending() if into is not None and into.collection.mapping else []
        self.add(value, mark)
        if into is not None and into.item is not None:
            into.item.above += [line for line in pending if line]
            if head is not None and head[2]:
                into.item.beside = head[2].rstrip()
        self.close()
        return mark

    def close(self) -> None:
        """Ends the entry whose value is there now."""
        if self.state.open and self.state.open[-1].collection.mapping:
            self.state.open[-1].item = None

    def gap(self, end: int, into: Collection | None = None) -> None:
        """Gives the comments between here and `end` to their items, or to the braces that end there (`into`)."""
        state = self.state
        text, begin = self.text[self.at : end], self.at
        at = 0
        for comment in _COMMENT.finditer(text):
            between, at = text[at : comment.start()], comment.end()
            said = comment[0].rstrip()
            if "\n" not in between and "-" not in between and state.last is not None:
                self.beside(state.last, said)
                continue
            blank = [""] if between.count("\n") > 1 else []
            column = begin + comment.start() - (self.text.rfind("\n", 0, begin + comment.start()) + 1)
            self.above(blank, said, column, into)
        rest = text[at:]
        if rest.count("\n") > 1 and into is None:
            state.pending.append("")
        if self.at < end:
            self.at = end
        if into is not None:
            into.below += [line for line in self.take_pending() if line]
        state.ended.clear()

    def beside(self, item: Item, said: str) -> None:
        if item.beside is None:
            item.beside = said
        else:
            item.above.append(said)

    def above(self, blank: list[str], said: str, column: int, into: Collection | None) -> None:
        """Keeps a comment for the next item, or gives it to what has ended at its indentation."""
        state = self.state
        ended = next((each for each in state.ended if each.column <= column), None)
        if ended is not None and into is None and not state.pending:
            ended.collection.below += [*blank, said]
        else:
            state.pending += [*blank, said]


def _scalar(event: Any, written: str, head: re.Match[str] | None) -> Scalar:
    text: str = event.value
    if not event.style and _LITERAL.fullmatch(text):
        return Scalar(text, literal=True)
    if head is None:
        lines = tuple(line.strip() for line in written.strip().split("\n"))
        return Scalar(text, spread=lines if len(lines) > 1 else ())
    folded = _folded_lines(written, text) if written[0] == ">" and not re.search("[0-9+]", head[1]) else ()
    return Scalar(text, block=written[0] if folded or written[0] == "|" else "|", folded=folded)


def _folded_lines(written: str, text: str) -> tuple[str, ...]:
    """Gives the lines of a folded block without their indentation; none if the text would not come back from them."""
    lines = [line.rstrip() for line in written.rstrip().split("\n")[1:]]
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line), default=0)
    lines = [line[indent:] for line in lines]
    block = "".join(f"  {line}\n" if line else "\n" for line in lines)
    again = yaml.parse(f"- >{'' if text.endswith(chr(10)) else '-'}\n{block}", Loader=_PARSER)
    values = [event.value for event in again if isinstance(event, yaml.ScalarEvent)]
    return tuple(lines) if values == [text] else ()
