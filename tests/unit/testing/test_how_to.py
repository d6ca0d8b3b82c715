"""Everything in docs/how-to/test-a-workflow.md runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from durable_runtime.testing import Called, SimulationResult

PAGE = (Path(__file__).parents[3] / "docs/how-to/test-a-workflow.md").read_text(encoding="utf-8")
(WORKFLOW,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_every_test_on_the_page_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trial.yaml").write_text(WORKFLOW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    shown: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "test-a-workflow.md", "exec"), shown)
    tests = [value for name, value in shown.items() if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        test()


def test_the_page_lists_every_field_of_a_result() -> None:
    (table,) = re.findall(r"^\| field \|.*?\n\n", PAGE, flags=re.MULTILINE | re.DOTALL)
    listed = set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE))
    assert listed == {field.name for field in msgspec.structs.fields(SimulationResult)}
    assert all(f"`{field.name}`" in table for field in msgspec.structs.fields(Called))
