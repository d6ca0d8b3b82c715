"""The workflows in examples/: read, checked, drawn and written back. `test_example_runs.py` runs them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from durable_dsl import check, compile, load_document, load_graphs
from durable_dsl.drawing import render, to_dot, to_text
from examples.workflows.order_builder import order as built_order

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "workflows"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.yaml"))

PAGE = (ROOT / "docs" / "reference" / "examples.md").read_text(encoding="utf-8")


def test_there_are_fifteen_and_each_has_its_section() -> None:
    assert len(EXAMPLES) == 15
    assert sorted(f"{name}.yaml" for name in re.findall(r"^## (\w+)$", PAGE, flags=re.MULTILINE)) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_has_no_problem_and_everything_it_calls_is_there(name: str) -> None:
    assert check(FOLDER / name, imports=True) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_its_drawing(name: str) -> None:
    drawn = "\n".join(to_text(graph).rstrip("\n") for graph in load_graphs(FOLDER / name))
    assert f"```text\n{drawn}\n```\n" in PAGE


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_drawn_as_dot_and_svg_with_every_node(name: str) -> None:
    for graph in load_graphs(FOLDER / name):
        dot = to_dot(graph)
        svg = ElementTree.fromstring(render(graph, "svg"))
        ids = {element.get("id") for element in svg.iter()}
        nodes = [node.id for node in graph.walk()]
        assert nodes
        assert [id for id in nodes if f"node-{id}" not in ids] == []
        assert [id for id in nodes if id.rpartition("/")[2] not in dot] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_survives_being_written_as_yaml_again(name: str) -> None:
    documents = load_document((FOLDER / name).read_text(encoding="utf-8"))
    for document, graph in zip(documents, load_graphs(FOLDER / name), strict=True):
        (again,) = load_document(document.to_yaml())
        assert again == document
        assert compile(again).version == graph.version


def test_the_order_in_python_is_the_order_in_yaml() -> None:
    (written,) = load_graphs(FOLDER / "order.yaml")
    assert compile(built_order) == written
    assert compile(built_order).version == written.version
