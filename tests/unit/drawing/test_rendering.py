from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

from durable_dsl.drawing import DrawingError, Format, render, to_dot, to_mermaid, to_svg_blocks, to_text
from durable_dsl.drawing.rendering import LAID_OUT_BY_GRAPHVIZ
from durable_dsl.graph import Graph
from tests.unit.drawing.samples import EVERY_STATUS, ORDER, call

ROOT = Path(__file__).parents[3]

# Runs in a Python of its own, where `pygraphviz` cannot be imported and PATH is what the test says.
WITHOUT_PYGRAPHVIZ = """
import sys
sys.modules["pygraphviz"] = None
from durable_dsl.drawing import DrawingError, render
from tests.unit.drawing.samples import ORDER
try:
    sys.stdout.buffer.write(render(ORDER, sys.argv[1]))
except DrawingError as error:
    sys.exit(f"refused: {error}")
"""


def render_elsewhere(format: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PATH": str(path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WITHOUT_PYGRAPHVIZ, format]
    return subprocess.run(command, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("format", "magic"), [("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF-"), ("svg", b"<?xml"), ("dot", b"digraph")]
)
def test_each_format_begins_as_it_must(format: Format, magic: bytes) -> None:
    assert render(ORDER, format, EVERY_STATUS).startswith(magic)


def test_texts_are_the_drawings_in_utf_8() -> None:
    assert render(ORDER, "dot", EVERY_STATUS).decode() == to_dot(ORDER, EVERY_STATUS)
    assert render(ORDER, "mmd", EVERY_STATUS).decode() == to_mermaid(ORDER, EVERY_STATUS)
    assert render(ORDER, "txt", EVERY_STATUS).decode() == to_text(ORDER, EVERY_STATUS)


def test_graphviz_names_its_shapes_by_node() -> None:
    names = [str(each.get("id")) for each in ElementTree.fromstring(render(ORDER, "svg")).iter()]
    found = sorted(name.removeprefix("node-") for name in names if name.startswith("node-"))
    assert found == sorted(node.id for node in ORDER.walk())


def test_the_dot_program_comes_first(tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\nwhile read -r line; do :; done\necho "drawn by dot $*"\n')
    program.chmod(0o755)
    done = render_elsewhere("png", tmp_path)
    assert done.stdout == b"drawn by dot -Kdot -Tpng\n", done.stderr


def test_a_dot_that_fails_says_why(tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text(
        '#!/bin/sh\nwhile read -r line; do :; done\necho "Format: \\"pdf\\" not recognized." >&2\nexit 1\n'
    )
    program.chmod(0o755)
    done = render_elsewhere("pdf", tmp_path)
    assert done.stderr.decode() == 'refused: dot cannot draw this as pdf: Format: "pdf" not recognized.\n'


def test_without_any_graphviz_svg_is_the_block_drawing(tmp_path: Path) -> None:
    done = render_elsewhere("svg", tmp_path)
    assert done.stdout.decode() == to_svg_blocks(ORDER), done.stderr


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_without_any_graphviz_pictures_are_refused_with_the_fix(format: str, tmp_path: Path) -> None:
    done = render_elsewhere(format, tmp_path)
    assert done.stdout == b""
    assert done.stderr.decode().startswith(f"refused: {format} needs Graphviz, which is not on this machine; ")
    assert "install Graphviz or pip install 'durable-dsl[graph]'" in done.stderr.decode()


@pytest.mark.parametrize("format", ["dot", "mmd", "txt"])
def test_texts_need_no_graphviz(format: Format, tmp_path: Path) -> None:
    assert render_elsewhere(format, tmp_path).stdout == render(ORDER, format)


def test_a_graph_too_large_for_graphviz_is_drawn_in_blocks() -> None:
    large = Graph(workflow="large", steps=tuple(call(f"n{number}") for number in range(LAID_OUT_BY_GRAPHVIZ + 1)))
    assert render(large, "svg").decode() == to_svg_blocks(large)


def test_ten_thousand_nodes_are_drawn_in_every_text_format() -> None:
    huge = Graph(workflow="huge", steps=tuple(call(f"n{number}") for number in range(10_000)))
    assert to_dot(huge).count("call shop.n") == 10_000
    assert to_mermaid(huge).count("call shop.n") == 10_000
    assert to_text(huge).count("call shop.n") == 10_000
    assert to_svg_blocks(huge).count("<g id=") == 10_000


def test_every_format_is_known() -> None:
    assert set(get_args(Format)) == {"svg", "png", "pdf", "dot", "mmd", "txt"}
    with pytest.raises(DrawingError, match="no drawing is called 'jpg'; ask for one of svg, png, pdf, dot, mmd, txt"):
        render(ORDER, "jpg")  # type: ignore[arg-type]
