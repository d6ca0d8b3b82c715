"""Where everything stands: lines, indentation, and what fits into one line."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from durable_dsl.yaml_writer.scalars import block_mark, may_be_block, write_text
from durable_dsl.yaml_writer.tree import Collection, Item, Scalar, Tree

LINE = 120
"""How long a line may be in which braces or brackets stay; a text is never cut."""

_STEP = 2
_NOT_FOLDABLE = re.compile(r"[^ -\U0010ffff]|^ | $|  |[\x7f-\x9f\u2028\u2029\ufeff]")
_AT_BLANKS: Any = {"break_long_words": False, "break_on_hyphens": False}
_LONG_KEY = 1000
"""From here on a key gets a mark (`?`); YAML would not read one of more than 1024 characters without it."""


def write_tree(tree: Tree) -> str:
    """Gives the text of one document, its last line ended."""
    writer = _Writer()
    if isinstance(tree, Collection) and tree.items:
        writer.block(tree, 0, None)
    else:
        writer.line(writer.inline(tree, flow=False))
    return "".join(f"{line}\n" for line in writer.lines)


class _Writer:
    """Collects the lines of one document."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        # Behind a block that keeps its line breaks an empty line would be one more of them.
        self._keeps = False

    def line(self, text: str) -> None:
        """Adds a line; of several empty ones in a row one is left."""
        if text or (not self._keeps and self.lines and self.lines[-1]):
            self.lines.append(text)
            self._keeps = False

    def block(self, block: Collection, indent: int, lead: str | None) -> None:
        """Adds the items of a collection, one below the other; `lead` begins the line of the first one (`- `)."""
        pad = " " * indent
        for index, item in enumerate(block.items):
            head = pad
            if index == 0 and lead is not None:
                head = lead
            else:
                self.comments(self.above(item, indent), pad, first=index == 0)
            if block.mapping:
                self.entry(item, head + _key(item.key or "", pad), indent)
            else:
                self.element(item, head + "-", indent)
        self.comments(block.below, pad, first=False)

    def above(self, item: Item, indent: int) -> list[str]:
        """Gives the comments above an item and above what begins in its own line, which can stand nowhere else."""
        above = list(item.above)
        value = item.value
        if item.key is None and isinstance(value, Collection) and not self.fits(value, indent + 1):
            if item.beside is not None:
                above.append(item.beside)
            above += [line for line in self.above(value.items[0], indent + _STEP) if line]
        return above

    def comments(self, lines: list[str], pad: str, *, first: bool) -> None:
        """Adds comments and the empty lines between them; nothing opens with an empty line."""
        for text in lines:
            if text:
                self.line(pad + text)
                first = False
            elif not first:
                self.line("")

    def entry(self, item: Item, head: str, indent: int) -> None:
        """Adds one entry of a mapping; `head` is the line up to the colon."""
        value = item.value
        if isinstance(value, Collection) and not self.fits(value, len(head)):
            self.line(_with(head, item.beside))
            self.block(value, indent + _STEP, None)
        else:
            self.leaf(value, head, item.beside, indent + _STEP)

    def element(self, item: Item, head: str, indent: int) -> None:
        """Adds one entry of a list; `head` is the line up to the dash."""
        value = item.value
        if isinstance(value, Collection) and not self.fits(value, len(head)):
            self.block(value, indent + _STEP, head + " ")
        else:
            self.leaf(value, head, item.beside, indent + _STEP)

    def fits(self, value: Collection, column: int) -> bool:
        """Tells whether a collection stays in one line that is `column` long so far."""
        if not value.items and not value.below:
            return True
        return value.flow and not _has_comments(value) and column + 1 + len(self.inline(value, flow=True)) <= LINE

    def inline(self, tree: Tree, *, flow: bool) -> str:
        """Gives a value in one line."""
        if isinstance(tree, Scalar):
            return tree.text if tree.literal else write_text(tree.text, flow=flow)
        if tree.mapping:
            return "{" + ", ".join(f"{_key(i.key or '')} {self.inline(i.value, flow=True)}"
                                   for i in tree.items) + "}"  # fmt: skip
        return "[" + ", ".join(self.inline(item.value, flow=True) for item in tree.items) + "]"

    def leaf(self, value: Tree, head: str, beside: str | None, indent: int) -> None:
        """Adds what needs no items below: a scalar, or a collection in one line."""
        pad = " " * indent
        if isinstance(value, Scalar) and not value.literal:
            if value.block == ">" and value.folded:
                self.line(_with(f"{head} >{block_mark(value.text)}", beside))
                self.raw(value.folded, pad)
                return
            if value.block and value.text.strip("\n") and may_be_block(value.text):
                mark = block_mark(value.text)
                self.line(_with(f"{head} |{mark}", beside))
                self.raw(value.text.removesuffix("\n").split("\n"), pad)
                self._keeps = mark == "+"
                return
            if lines := _folded(value, LINE - indent):
                self.line(_with(f"{head} >-", beside))
                self.raw(lines, pad)
                return
        self.line(_with(f"{head} {self.inline(value, flow=False)}", beside))

    def raw(self, lines: list[str] | tuple[str, ...], pad: str) -> None:
        """Adds the lines of a block, whose empty ones are its own business."""
        self.lines += [pad + line if line else "" for line in lines]


def _has_comments(value: Collection) -> bool:
    return bool(value.below) or any(
        item.above or item.beside or (isinstance(item.value, Collection) and _has_comments(item.value))
        for item in value.items
    )


def _key(key: str, pad: str | None = None) -> str:
    """Gives a key with its colon; inside of braces (`pad` is None) or in a line of its own."""
    written = write_text(key, flow=pad is None)
    return f"{written}:" if pad is None or len(written) < _LONG_KEY else f"? {written}\n{pad}:"


def _with(line: str, comment: str | None) -> str:
    return line if comment is None else f"{line}  {comment}"


def _folded(value: Scalar, width: int) -> list[str]:
    """Gives the lines that fold back into a text which its author has spread; none where it fits into one or cannot."""
    text = value.text
    if (
        not value.spread
        or len(text) <= width
        or re.search(r"[^ -\U0010ffff]|^ | $|  |[\x7f-\x9f\u2028\u2029\ufeff]", text)
    ):
        return []
    lines = value.spread if " ".join(value.spread) == text else (text,)
    return [part for line in lines for part in textwrap.wrap(line, max(width, 40), **_AT_BLANKS)]
