"""YAML as a person would write it: block style, quotes only where they help, comments where they belong."""

from __future__ import annotations

from durable_dsl.yaml_writer.layout import LINE, write_tree
from durable_dsl.yaml_writer.plain import write_yaml
from durable_dsl.yaml_writer.tree import Collection, Item, Scalar, Tree

__all__ = ["LINE", "Collection", "Item", "Scalar", "Tree", "write_tree", "write_yaml"]
