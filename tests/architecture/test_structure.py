"""The figures of `make lint` say what they claim to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import structure


def test_lines_in_files_of_exactly_the_longest_length_do_not_count() -> None:
    assert structure.measure_oversized({Path("a.py"): 400, Path("b.py"): 100}) == 0.0


def test_all_lines_of_a_file_that_is_too_long_count() -> None:
    assert structure.measure_oversized({Path("a.py"): 401, Path("b.py"): 401, Path("c.py"): 802}) == 100.0
    assert structure.measure_oversized({Path("a.py"): 500, Path("b.py"): 300}) == pytest.approx(62.5)


def test_a_project_without_code_has_no_oversized_files() -> None:
    assert structure.measure_oversized({}) == 0.0


def test_the_largest_of_two_cycles_is_found() -> None:
    imports = {"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"e"}, "e": {"c"}, "f": {"a", "c"}}
    assert structure.find_largest_cycle(imports) == ["c", "d", "e"]


def test_a_diamond_is_no_cycle() -> None:
    assert structure.find_largest_cycle({"top": {"left", "right"}, "left": {"low"}, "right": {"low"}}) == []


def test_imports_of_both_packages_are_read() -> None:
    imports = structure.read_imports()
    assert {"durable_dsl.errors", "durable_runtime"} <= imports.keys()
    assert any("durable_dsl.errors" in imported for imported in imports.values())


def test_a_name_that_says_nothing_is_found_in_files_and_folders() -> None:
    paths = [Path("x/utils.py"), Path("x/common/text.py"), Path("x/base_units.py"), Path("x/manager.py")]
    assert structure.find_empty_names(paths) == [Path("x/utils.py"), Path("x/common/text.py"), Path("x/manager.py")]


def test_accepted_figures_come_from_pyproject(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text("[tool.structure]\noversized_percent = 1.5\nlargest_cycle = 2\n")
    assert structure.read_limits(pyproject) == structure.Limits(oversized_percent=1.5, largest_cycle=2)
