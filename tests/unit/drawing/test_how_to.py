from __future__ import annotations

import re
from pathlib import Path

import pytest

from durable_dsl import compile_text
from durable_dsl.drawing import LOOKS, render, to_text

PAGE = (Path(__file__).parents[3] / "docs/how-to/draw-a-workflow.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_page_shows_the_drawing_of_its_workflow() -> None:
    (graph,) = compile_text(block("yaml"))
    assert to_text(graph) == block("text")


def test_the_page_lists_every_glyph() -> None:
    listed = dict(re.findall(r"^\| ([a-z]+) \| (.) \|", PAGE, flags=re.MULTILINE))
    assert listed == {str(status): look.glyph for status, look in LOOKS.items()}


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "order.yaml").write_text(block("yaml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "draw-a-workflow.md", "exec"), {})
    drawn = (tmp_path / "order.svg").read_bytes()
    assert b"attempt 2" in drawn
    assert drawn != render(compile_text(block("yaml"))[0], "svg")
