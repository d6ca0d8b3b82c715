"""A file's text in the canonical form."""

from __future__ import annotations

from durable_dsl.document import Json
from durable_dsl.formatting.order import sort_keys
from durable_dsl.formatting.source import SourceDocument, read_source
from durable_dsl.loader import load_document
from durable_dsl.yaml_text import read_yaml
from durable_dsl.yaml_writer import Collection, write_tree

_ABOUT_THE_FILE = ("# yaml-language-server:", "# $schema:")


def format_text(text: str, file: str = "<input>") -> str:
    """Gives the same workflows with the same comments in the canonical form, which is its own canonical form.

    Keys of the language stand in one order, the author's own keys stay as they are; quotes are there where they help;
    braces and brackets stay where they fit into a line. Raises `DslError` with all problems of a text that cannot be
    read, and `RuntimeError` should the meaning not be the same, rather than to give such a text.
    """
    load_document(text, file)
    formatted = "".join(_parts(read_source(text)))
    if formatted != text and not _same(_values(text), _values(formatted)):
        raise RuntimeError(f"the formatted text of {file} would mean something else, so nothing was changed")
    return formatted


def _parts(documents: list[SourceDocument]) -> list[str]:
    parts = []
    for index, document in enumerate(documents):
        if index:
            parts.append("---\n" if document.mark is None else f"---  {document.mark}\n")
        root = document.root
        if isinstance(root, Collection):
            root.flow = False
            parts += [f"{line}\n" for line in _take_head(root)]
            sort_keys(root)
        parts.append(write_tree(root))
    return parts


def _take_head(root: Collection) -> list[str]:
    """Takes what is said about the whole file off the first key, which may not be the first one later."""
    above = root.items[0].above
    about = 0
    for index, line in enumerate(above):
        if not line or line.startswith(_ABOUT_THE_FILE):
            about = index + 1
    head, root.items[0].above = above[:about], above[about:]
    while head and not head[0]:
        del head[0]
    return head


def _values(text: str) -> list[Json]:
    return [document.value for document in read_yaml(text)]


def _same(first: Json, second: Json) -> bool:
    """Compares JSON values; tells 1 from 1.0 and from true."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)
