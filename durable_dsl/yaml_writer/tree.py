"""What is to be written: values with their comments, lists and mappings alike a row of items."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True)
class Scalar:
    """A text, or a literal (`true`, `null`, a number) that is written as it stands here.

    `block` is `|` or `>` for a text that its author wrote as a block; of a folded one `folded` holds the lines, since
    its value does not tell where they end. `spread` are the lines over which an author has spread another one.
    """

    text: str
    literal: bool = False
    block: str = ""
    folded: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()


@dataclass(slots=True)
class Item:
    """One entry of a list (`key` is None) or of a mapping.

    `above` are the lines before it, comments with their `#`, or empty; `beside` is the comment in its own line.
    """

    value: Tree
    key: str | None = None
    above: list[str] = field(default_factory=list)
    beside: str | None = None


@dataclass(slots=True)
class Collection:
    """A list or a mapping; `flow` asks for braces or brackets in one line. `below` are lines behind the last item."""

    mapping: bool
    items: list[Item] = field(default_factory=list)
    flow: bool = False
    below: list[str] = field(default_factory=list)


Tree: TypeAlias = Scalar | Collection
