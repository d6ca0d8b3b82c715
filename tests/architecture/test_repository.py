"""Rules for every file of the repository that no other tool checks."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import durable_dsl
import durable_runtime

# Put together here, so that this file does not break its own rule.
MACHINE_PATHS = re.compile("|".join([r"(?<![\w.-])/" + "work/", r"(?<![\w.-])/" + "root/", "files.python" + "hosted"]))
SENTENCE = re.compile(r"^[A-Z\"`'0-9<].* .*[.:!?]$")


def read_text(path: Path) -> str | None:
    """Return the text of `path`, or None when it is binary."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_no_file_names_a_path_of_one_machine_or_a_registry_host(root: Path, tracked: list[Path]) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in tracked
        for number, line in enumerate((read_text(root / path) or "").splitlines(), start=1)
        if MACHINE_PATHS.search(line)
    ]
    assert found == []


def is_public_module(path: Path) -> bool:
    names = [part for part in path.with_suffix("").parts if part != "__init__"]
    return path.suffix == ".py" and not any(name.startswith("_") for name in names)


def test_every_public_module_begins_with_a_sentence_about_itself(root: Path, tracked: list[Path]) -> None:
    packages = (Path("durable_dsl"), Path("runtime/durable_runtime"))
    modules = [path for path in tracked if is_public_module(path) and any(map(path.is_relative_to, packages))]
    assert Path("durable_dsl/__init__.py") in modules
    first_lines = {
        path: (ast.get_docstring(ast.parse((root / path).read_text(encoding="utf-8"))) or "").partition("\n")[0]
        for path in modules
    }
    assert {path: line for path, line in first_lines.items() if not SENTENCE.match(line)} == {}


def test_both_packages_carry_the_version_of_the_distribution(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == durable_dsl.__version__ == durable_runtime.__version__
