"""Plain JSON values as YAML."""

from __future__ import annotations

import json
from typing import Any

from durable_dsl.yaml_writer.layout import write_tree
from durable_dsl.yaml_writer.scalars import may_be_block
from durable_dsl.yaml_writer.tree import Collection, Item, Scalar, Tree


def write_yaml(plain: Any) -> str:
    """Writes plain JSON values so that reading the text gives them back, keys in the same order.

    Raises `ValueError` for a number that JSON cannot hold (NaN, an infinity).
    """
    return write_tree(tree_of(plain))


def tree_of(plain: Any) -> Tree:
    """Gives a value as a tree in block style, texts of several lines as blocks."""
    match plain:
        case dict():
            return Collection(True, [Item(tree_of(value), key) for key, value in plain.items()])
        case list() | tuple():
            return Collection(False, [Item(tree_of(value)) for value in plain])
        case str():
            return Scalar(plain, block="|" if "\n" in plain and may_be_block(plain) else "")
        case float() if plain != plain or plain in (float("inf"), float("-inf")):
            raise ValueError(f"{plain} is not a JSON number")
        case _:
            return Scalar(json.dumps(plain), literal=True)
